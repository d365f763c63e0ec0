"""Replace the stack trace with which jax ends a process by one line.

When another process of a run has ended, jax's distributed runtime aborts this one from
C++, so that no Python handler can print a message. Its standard error is therefore
passed through a child process, which runs this module and replaces the stack trace.

    python mirjax/training/fatal_lines.py < standard error of the process
"""

import os
import pathlib
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator

LOST = (
    "another process of this run has ended; see its log for the reason; run the same "
    "command in every process to continue from the last checkpoint"
)
UNCONNECTED = (
    "not all processes of this run have connected in time; start all of them with the "
    "same --coordinator and --num_processes, and leave its port open to all hosts"
)
_FATAL = "Terminating process because the JAX distributed service"
_NOT_REACHED = "DEADLINE_EXCEEDED: Deadline Exceeded"  # of the first message
_NOISE = ("coordination_service", "client.h:", "[Gloo] Rank", "recoverable task")


def filter_standard_error() -> None:
    """Send this process's standard error through a child, which ends after it."""
    sys.stderr.flush()
    command = [sys.executable, "-I", str(pathlib.Path(__file__))]
    read, write = os.pipe()
    subprocess.Popen(command, stdin=read, start_new_session=True)
    os.dup2(write, 2)
    os.close(read)
    os.close(write)


def replace(lines: Iterable[bytes]) -> Iterator[bytes]:
    r"""Yield lines up to jax's report, one line in its place, and nothing after it.

    If the process itself has printed that another has ended, no line is added.

    >>> fatal = b"F0101 Terminating process because the JAX distributed service ..."
    >>> list(replace([b"a\n", fatal, b"@ 0x7f ..."]))[0]
    b'a\n'
    >>> len(list(replace([b"a\n", fatal, b"@ 0x7f ..."])))
    2
    >>> own = f"error: {LOST} (Gloo: connection closed)\n".encode()
    >>> list(replace([own, fatal])) == [own]
    True
    """
    fatal = told = False
    for line in lines:
        told = told or line.startswith(f"error: {LOST}".encode())
        if not fatal and _FATAL.encode() in line:
            fatal = True
            reason = UNCONNECTED if _NOT_REACHED.encode() in line else LOST
            if not told:
                yield f"error: {reason}\n".encode()
        elif not fatal and not any(words.encode() in line for words in _NOISE):
            yield line


def main() -> None:
    """Filter standard input into standard error, until its end."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # it ends with the process, not before
    for line in replace(iter(sys.stdin.buffer.readline, b"")):
        sys.stderr.buffer.write(line)
        sys.stderr.buffer.flush()


if __name__ == "__main__":
    main()
