"""Settings every test runs under, and where the real data lies."""

import os
import pathlib

import jax
import pytest
from absl import flags

jax.config.update("jax_num_cpu_devices", 8)
jax.config.update("jax_numpy_rank_promotion", "raise")


@pytest.fixture(scope="session", autouse=True)
def parsed_flags():
    """Parse absl's flags, which the commands read."""
    if not flags.FLAGS.is_parsed():
        flags.FLAGS(["pytest"])


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
