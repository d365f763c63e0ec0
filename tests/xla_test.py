"""Tests of mirjax.xla: where compiled programs are kept."""

import importlib
import os
import pathlib
import subprocess
import sys

import pytest
from absl import flags

from mirjax import xla

ROOT = pathlib.Path(__file__).parents[1]
SCRIPT = """
import jax
from mirjax.xla import use_compilation_cache
use_compilation_cache()
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
jax.jit(lambda x: x * 3 + 1)(2.0)
print(jax.config.jax_compilation_cache_dir)
"""


def run(home, **environment):
    """Compile one program in a process of its own; return the folder it reports."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("JAX_")}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env=kept
        | {"XDG_CACHE_HOME": str(home), "PYTHONPATH": str(ROOT), **environment},
        check=True,
        capture_output=True,
        text=True,
        timeout=100,
    )
    return done.stdout.strip()


@pytest.mark.slow
def test_programs_are_kept_in_the_users_cache(tmp_path):
    folder = pathlib.Path(run(tmp_path))
    assert folder.parent == tmp_path / "mirjax" / "compiled"
    kept = {path.name for path in folder.iterdir() if path.name.endswith("-cache")}
    assert kept
    run(tmp_path)
    assert {p.name for p in folder.iterdir() if p.name.endswith("-cache")} == kept


@pytest.mark.slow
def test_a_folder_that_the_user_names_is_used_and_one_without_rights_is_none(tmp_path):
    named = tmp_path / "named"
    assert run(tmp_path, JAX_COMPILATION_CACHE_DIR=str(named)) == str(named)
    assert not (tmp_path / "mirjax").exists()
    blocked = tmp_path / "blocked"
    blocked.write_text("a file, in which no folder can be made")
    assert run(blocked) == "None"


def test_programs_that_were_not_used_for_longest_are_removed(tmp_path):
    for age, name in enumerate(["newest", "middle", "oldest"]):
        path = tmp_path / name
        path.write_bytes(bytes(100))
        os.utime(path, (1e9 - age, 1e9 - 10))
    xla.remove_unused(tmp_path, 300)
    assert len(list(tmp_path.iterdir())) == 3
    xla.remove_unused(tmp_path, 299)
    assert {path.name for path in tmp_path.iterdir()} == {"newest", "middle"}
    xla.remove_unused(tmp_path, 100)
    assert [path.name for path in tmp_path.iterdir()] == ["newest"]


@pytest.mark.slow
def test_a_cache_that_is_too_large_is_cut_at_the_start(tmp_path):
    folder = pathlib.Path(run(tmp_path))
    large = folder / "large-cache"
    with large.open("wb") as file:
        file.truncate(xla.MAX_CACHE_BYTES + 1)  # takes no room on the disk
    os.utime(large, (0, 0))
    limited = {"JAX_COMPILATION_CACHE_MAX_SIZE": "1000"}
    limited |= {"JAX_ENABLE_COMPILATION_CACHE": "0"}
    run(tmp_path, **limited)
    assert large.exists(), "the size is the user's"
    run(tmp_path)
    assert not large.exists() and any(folder.iterdir())


def test_processors_have_folders_of_their_own(monkeypatch):
    here = xla.cache_folder()
    monkeypatch.setattr(xla.platform, "machine", lambda: "another")
    xla._processor.cache_clear()
    assert xla.cache_folder() != here
    assert xla.cache_folder().parent == here.parent
    xla._processor.cache_clear()


@pytest.mark.parametrize("name", ["train", "sweep"])
def test_commands_that_train_use_the_cache(name, tmp_path, monkeypatch, unchecked):
    module = __import__(f"mirjax.{name}", fromlist=["main"])
    used = []
    monkeypatch.setattr(xla, "use_compilation_cache", lambda: used.append(True))
    monkeypatch.setattr(module, name, lambda *_: None)

    class Flags:
        workdir, config, together = str(tmp_path), object(), 1
        coordinator = process_id = num_processes = None
        profile = 0

    module.main(Flags())
    assert used


class _Used(Exception):
    """The cache was asked for."""


@pytest.mark.parametrize(
    "name, model, targets",
    [
        ("scan", "duplex", "targets"),
        ("evaluate", "duplex", "data"),
        ("predict", "duplex", "pairs"),
        ("predict", "transformer", "targets"),
    ],
)
def test_commands_that_score_use_the_cache(name, model, targets, tmp_path, monkeypatch):
    def use():
        raise _Used

    monkeypatch.setattr(xla, "use_compilation_cache", use)
    path = tmp_path / ("pairs.csv" if targets == "pairs" else "targets.fa")
    path.write_text(f"mirna,target\n{'AC' * 11},{'GU' * 25}\n")
    if targets == "targets":
        path.write_text(f">t\n{'GU' * 25}\n")
    module = importlib.import_module(f"mirjax.{name}")
    values = flags.FlagValues()
    module.define_flags(values)
    given = {"model": f"pretrained/{model}", "out": str(tmp_path / "out")}
    given |= {targets: "simulated" if targets == "data" else str(path)}
    values([name, *(f"--{key}={value}" for key, value in given.items())])
    with pytest.raises(_Used):
        module.main(values)


THREADS = """
import os, pathlib, jax
from mirjax.xla import use_enough_threads
use_enough_threads()
devices = jax.devices()
jax.jit(lambda x: x @ x)(jax.numpy.ones((600, 600))).block_until_ready()
names = [path.read_text() for path in pathlib.Path("/proc/self/task").glob("*/comm")]
print(len(devices), os.environ.get("NPROC"), sum("XLAEigen" in x for x in names))
"""


@pytest.mark.parametrize(
    ("environment", "devices", "threads"),
    [
        ({"JAX_NUM_CPU_DEVICES": "4"}, 4, 12),
        ({"XLA_FLAGS": "--xla_force_host_platform_device_count=5"}, 5, 15),
        ({"JAX_NUM_CPU_DEVICES": "2", "NPROC": "3"}, 2, 3),
        ({}, 1, None),
    ],
)
def test_every_simulated_device_has_its_threads(environment, devices, threads):
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("JAX_", "XLA_")) and name != "NPROC"
    }
    done = subprocess.run(
        [sys.executable, "-c", THREADS],
        env=kept | {"JAX_PLATFORMS": "cpu", "PYTHONPATH": str(ROOT), **environment},
        check=True,
        capture_output=True,
        text=True,
        timeout=100,
    )
    found_devices, asked, running = done.stdout.split()
    assert int(found_devices) == devices
    if threads is None:
        assert asked == "None"
        return
    if "NPROC" not in environment:
        threads = max(threads, os.cpu_count())
    assert int(asked) == threads
    if pathlib.Path("/proc/self/task").exists():  # else the threads cannot be counted
        assert int(running) == threads
