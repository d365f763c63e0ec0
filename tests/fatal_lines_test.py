"""The line that replaces the report with which jax ends a process."""

import subprocess
import sys

import pytest

from mirjax.training.fatal_lines import LOST, UNCONNECTED, replace

FATAL = (
    b"F1 9 client.h:80] Terminating process because the JAX distributed service "
    b"detected fatal errors. This most likely indicates that another task died. %s\n"
)
ABORT = """
import os, sys
from mirjax.training.fatal_lines import filter_standard_error
filter_standard_error()
print("before", file=sys.stderr, flush=True)
os.write(2, {fatal!r})
os.write(2, b"*** Check failure stack trace: ***\\n    @  0x7f ...\\n")
os.abort()
"""


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (b"UNAVAILABLE: Failed to send RPC", LOST),
        (b"DEADLINE_EXCEEDED: Deadline Exceeded", UNCONNECTED),
    ],
)
def test_the_report_becomes_one_line(status, message):
    lines = [b"I1 loss 0.5\n", FATAL % status, b"*** Check failure\n", b"    @ 0x1\n"]
    assert list(replace(lines)) == [lines[0], f"error: {message}\n".encode()]


def test_other_lines_pass_and_those_of_the_service_do_not():
    lines = [b"E1 coordination_service_agent.cc:289] Polled an error\n", b"a\xff\n"]
    assert list(replace(lines)) == lines[1:]


def test_a_process_that_aborts_has_said_it_in_one_line():
    code = ABORT.format(fatal=FATAL % b"UNAVAILABLE")
    done = subprocess.run(
        [sys.executable, "-c", code], stderr=subprocess.PIPE, text=True, timeout=60
    )
    assert done.returncode == -6
    assert done.stderr == f"before\nerror: {LOST}\n"
