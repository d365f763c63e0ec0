"""The lock of a workdir, between processes."""

import os
import subprocess
import sys

import pytest

from mirjax.training.workdir_lock import lock_workdir

HOLD = """
import pathlib, sys
from mirjax.training.workdir_lock import lock_workdir
with lock_workdir(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_process_is_refused_and_a_kill_frees_the_lock(tmp_path):
    workdir = tmp_path / "run"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(workdir)],
        env={**os.environ, "JAX_PLATFORMS": "cpu"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout.readline() == "held\n"
        with (
            pytest.raises(ValueError, match=f"in use by process {holder.pid} on "),
            lock_workdir(workdir),
        ):
            pass
        holder.kill()
    with lock_workdir(workdir):
        pass


def test_what_killed_runs_left_is_deleted(tmp_path):
    (tmp_path / "runs/one").mkdir(parents=True)
    (tmp_path / "evaluation").mkdir()
    left = [tmp_path / ".model.npz.12.unfinished", tmp_path / "runs/one/.a.unfinished"]
    others = [tmp_path / "model.npz", tmp_path / "evaluation/.b.unfinished"]
    for path in left + others:
        path.write_text("")
    with lock_workdir(tmp_path):
        assert not any(path.exists() for path in left)
        assert all(path.exists() for path in others)


def test_a_folder_in_which_nothing_was_started_is_removed_again(tmp_path):
    with pytest.raises(RuntimeError), lock_workdir(tmp_path / "a"):
        raise RuntimeError
    assert not (tmp_path / "a").exists()
    with lock_workdir(tmp_path / "b"):
        (tmp_path / "b/config.json").write_text("")
    assert (tmp_path / "b").exists()


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(ValueError, match="file/run cannot be used"),
        lock_workdir(tmp_path / "file/run"),
    ):
        pass
