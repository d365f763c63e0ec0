"""Settings every test runs under, and where the real data lies."""

import collections
import os
import pathlib
import signal

import jax
import jaxtyping
import pytest

# Types and shapes in signatures are checked in the whole package; an int is a float.
jaxtyping.install_import_hook(
    "mirjax", "beartype.beartype(conf=beartype.BeartypeConf(is_pep484_tower=True))"
)
jax.config.update("jax_num_cpu_devices", 8)
# mirjax.train asks for threads for all eight: more than the cores of a test can use.
os.environ.setdefault("NPROC", str(os.cpu_count()))
jax.config.update("jax_numpy_rank_promotion", "raise")
# Most of the tests' time is XLA's: compile faster to slower programs.
jax.config.update("jax_disable_most_optimizations", True)


# Commands that the tests start inherit what is ignored, as in a shell's background.
for _number in (signal.SIGHUP, signal.SIGINT):
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, signal.SIG_DFL)


def pytest_collection_modifyitems(items):
    """Start with the files of most slow tests, so that none of them is run last."""
    slow = collections.Counter(
        item.path for item in items if item.get_closest_marker("slow")
    )
    items.sort(key=lambda item: -slow[item.path])


@pytest.fixture(scope="session", autouse=True)
def compilation_cache(tmp_path_factory):
    """Compile equal programs once a session, in all of its processes."""
    root = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:  # the workers' folders lie beside it
        root = root.parent
    jax.config.update("jax_compilation_cache_dir", str(root / "xla"))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)


@pytest.fixture
def unchecked():
    """Call functions with types and shapes that their signatures do not allow."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.fixture
def one_thread(monkeypatch):
    """Scan one slice after the other: a test knows what was scanned before an error."""
    monkeypatch.setattr("mirjax.scanning.threads.available_cores", lambda: 1)


@pytest.fixture(scope="session")
def data_dir():
    """The folder of the real data; the test is skipped where there is none."""
    candidates = [pathlib.Path(__file__).parents[2] / "shared" / "data"]
    if named := os.environ.get("MIRJAX_DATA_DIR"):
        candidates.insert(0, pathlib.Path(named))
    folder = next((path for path in candidates if path.is_dir()), None)
    if folder is None:
        pytest.skip("no real data: MIRJAX_DATA_DIR and ../shared/data are both absent")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MIRJAX_DATA_DIR", str(folder.resolve()))
        yield folder
