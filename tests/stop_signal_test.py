"""Signals to stop, as a process meets them."""

import subprocess
import sys

import pytest

SCRIPT = """
import os, signal
from mirjax.training.stop_signal import StopSignal
{before}
with StopSignal() as stop:
    os.kill(os.getpid(), signal.{name})
    print(stop.received and stop.received.name, flush=True)
    {then}
"""


def run(name, before="", then="pass"):
    return subprocess.run(
        [sys.executable, "-c", SCRIPT.format(name=name, before=before, then=then)],
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("name", "exit_code"), [("SIGTERM", 143), ("SIGHUP", 143), ("SIGINT", 130)]
)
def test_a_second_signal_stops_at_once_in_one_line(name, exit_code):
    done = run(name, then=f"os.kill(os.getpid(), signal.{name})\n    print('late')")
    assert (done.returncode, done.stdout) == (exit_code, f"{name}\n")
    (line,) = done.stderr.splitlines()
    assert "second signal" in line


def test_a_signal_that_is_ignored_stays_ignored():
    """As nohup does with SIGHUP, and a shell with SIGINT of background commands."""
    done = run("SIGHUP", before="signal.signal(signal.SIGHUP, signal.SIG_IGN)")
    assert (done.returncode, done.stdout, done.stderr) == (0, "None\n", "")
