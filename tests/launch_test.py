"""The launcher of several processes on one machine."""

import pathlib
import signal
import subprocess
import sys
import time

import pytest

LAUNCH = pathlib.Path(__file__).parents[1] / "scripts/launch"
# In place of python: a process that tells its number and waits for SIGTERM.
FAKE = """#!/bin/bash
for word in "$@"; do [[ $word == --process_id=* ]] && number=${word#*=}; done
echo "$number $JAX_LOCAL_DEVICE_IDS $*" > "$OUT/$number"
trap 'exit 143' TERM
[[ $number == "$FAILING" ]] && exit 1
while true; do sleep 0.05; done
"""


@pytest.fixture
def local(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(str(LAUNCH))
    import local

    fake = tmp_path / "python"
    fake.write_text(FAKE)
    fake.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(fake))
    return local


def wait_for(folder, names):
    deadline = time.monotonic() + 60
    while not all((folder / name).exists() for name in names):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_each_process_is_given_its_place_and_its_gpus(local, tmp_path):
    environment = {"OUT": str(tmp_path), "PATH": "/usr/bin:/bin"}
    started = local.start(2, ["--workdir=w"], environment, gpus_per_process=2)
    wait_for(tmp_path, "01")
    time.sleep(0.1)
    for process in started:
        process.send_signal(signal.SIGTERM)
    assert local.wait(started) == [143, 143]
    lines = [(tmp_path / name).read_text() for name in "01"]
    assert lines[0].startswith("0 0,1 -m mirjax.train --workdir=w --coordinator=127.")
    assert lines[1].startswith("1 2,3 ") and "--num_processes=2" in lines[1]
    assert lines[0].split()[5] == lines[1].split()[5], "one coordinator"


def test_processes_that_outlive_a_failure_are_killed(local, tmp_path):
    environment = {"OUT": str(tmp_path), "PATH": "/usr/bin:/bin", "FAILING": "1"}
    started = local.start(2, [], environment)
    assert local.wait(started, grace=0.2) == [-signal.SIGKILL, 1]


def test_signals_are_passed_on_once_and_the_exit_code_is_that_of_all(tmp_path):
    fake = tmp_path / "python"
    fake.write_text(FAKE)
    fake.chmod(0o755)
    code = (
        f"import sys; sys.path.insert(0, {str(LAUNCH)!r}); import local; "
        f"sys.executable = {str(fake)!r}; sys.argv = ['local.py', '--processes=2', "
        "'--', '--workdir=w']; sys.exit(local.main())"
    )
    launcher = subprocess.Popen(
        [sys.executable, "-c", code],
        env={"OUT": str(tmp_path), "PATH": "/usr/bin:/bin"},
    )
    wait_for(tmp_path, "01")
    time.sleep(0.3)
    launcher.terminate()
    assert launcher.wait(60) == 143
