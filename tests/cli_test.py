"""Errors, flags and exit codes, as a shell sees them."""

import subprocess
import sys

import pytest

from mirjax import cli

SCRIPT = """
from absl import flags
from mirjax import cli

def define_flags(flag_values):
    flags.DEFINE_integer("number", None, "a number", flag_values=flag_values)
    flags.mark_flag_as_required("number", flag_values)

def main(flag_values):
    print("number", flag_values.number)
    {action}

cli.run(main, define_flags)
"""


def run(action="pass", arguments=("--number=3",)):
    return subprocess.run(
        [sys.executable, "-c", SCRIPT.format(action=action), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_a_command_that_works_exits_0():
    done = run()
    assert (done.returncode, done.stdout, done.stderr) == (0, "number 3\n", "")


@pytest.mark.parametrize("kind", ["ValueError", "FileNotFoundError", "RuntimeError"])
def test_an_error_is_one_line_and_exit_1(kind):
    done = run(f"raise {kind}('targets.fa record s1:\\n letter X')")
    assert done.returncode == 1
    assert done.stderr == "error: targets.fa record s1: letter X\n"


def test_a_device_that_is_not_there_is_one_line(monkeypatch):
    monkeypatch.setenv("JAX_PLATFORMS", "nosuch")
    done = run("import jax; jax.devices()")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: JAX_PLATFORMS=nosuch: jax finds no such device")


def test_a_bug_keeps_its_traceback():
    done = run("raise AssertionError('never')")
    assert done.returncode == 1
    assert "Traceback" in done.stderr


@pytest.mark.parametrize(
    "action",
    [
        "raise KeyboardInterrupt",
        # As extension modules do when they are interrupted while they are imported.
        """import os, signal
    try:
        os.kill(os.getpid(), signal.SIGINT)
    except KeyboardInterrupt:
        pass
    raise ImportError("an error while initializing the extension")""",
        """import gc, time
    class Node:
        def __del__(self):
            raise KeyboardInterrupt
    Node()
    time.sleep(10)""",
    ],
)
def test_ctrl_c_is_one_line_and_exit_130(action):
    done = run(action)
    assert done.returncode == 130
    assert done.stderr == "error: interrupted\n"


@pytest.mark.parametrize(
    "arguments, part",
    [
        ([], "--number"),
        (["--number=x"], "--number=x"),
        (["--number=3", "--nubmer=4"], "nubmer"),
        (["--number=3", "left_over"], "left_over"),
    ],
)
def test_a_wrong_command_line_is_one_line_and_exit_1(arguments, part):
    done = run(arguments=arguments)
    assert done.returncode == 1
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ") and part in line


def test_a_read_that_a_failed_restore_left_behind_says_nothing():
    """Orbax leaves futures whose error nobody asks for; the restore raised its own."""
    done = run(
        "import asyncio\n"
        "    future = asyncio.new_event_loop().create_future()\n"
        "    future.set_exception(ValueError('lost'))\n"
        "    del future"
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(("seconds", "logged"), [(0, [20, 40, 60]), (60, [20])])
def test_progress_is_logged_at_intervals(monkeypatch, caplog, seconds, logged):
    monkeypatch.setattr(cli, "_LOG_EVERY_SECONDS", seconds)
    with caplog.at_level("INFO"), cli.progress(70, "decoding sites") as report:
        for _ in range(3):
            report(20)
    assert caplog.messages == [f"decoding sites: {done} of 70" for done in logged]


def test_progress_towards_an_unknown_total(caplog):
    with caplog.at_level("INFO"), cli.progress(None, "reading") as report:
        report(5)
    assert caplog.messages == ["reading: 5"]
