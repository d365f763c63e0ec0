"""Side-by-side timing of programs that live in different virtual environments.

Each competitor is a subprocess, a *worker*, that builds its model once and then waits.
The driver asks them in turn, A B C A B C ..., for one timed repeat each, so that a slow
period of the machine affects all of them.

The protocol is one JSON object per line:

    worker → driver   {"ready": {...}}             once; versions, parameter count, ...
    driver → worker   {"go": 500}                  process 500 sequences
    worker → driver   {"seconds": 1.25}            how long that took
    driver closes the worker's stdin               the worker ends

A worker is a script that calls `serve`; a driver is one that calls `run`. Standard
library only, since every environment imports this module.
"""

import contextlib
import json
import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any


def serve(
    repeat: Callable[[int], float], ready: Mapping[str, Any] | None = None
) -> None:
    """Answer a driver's requests until it closes this process's stdin.

    Args:
      repeat: processes so many sequences and returns the seconds that took.
      ready: information on this worker for the driver, such as versions.
    """
    # Libraries print to stdout at times; the protocol gets a copy of the descriptor
    # and whatever else is printed goes to stderr.
    channel = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    print(json.dumps({"ready": dict(ready or {})}), file=channel)
    for line in sys.stdin:
        print(json.dumps({"seconds": repeat(json.loads(line)["go"])}), file=channel)


def run(
    competitors: Mapping[str, Sequence[str]],
    repeats: int,
    size: int | Mapping[str, int],
    *,
    warmup: int = 1,
    time_limit: float = 600.0,
) -> dict[str, list[float]]:
    """Time competitors in turn, round after round.

    Args:
      competitors: name → command line of a worker.
      repeats: timed rounds.
      size: sequences in a repeat, one number or a number for each name.
      warmup: untimed rounds before, so that compilation is not counted.
      time_limit: seconds that a worker may take to start, or for one repeat.

    Returns:
      name → seconds of each repeat, in the order they ran.

    Raises:
      ValueError: if there is nothing to run or a size is missing.
      RuntimeError: if a worker ends early or overruns; the message ends with what it
        last wrote to stderr.
    """
    if not competitors or repeats < 1:
        raise ValueError(f"nothing to time: {len(competitors)} workers, {repeats=}")
    sizes = sizes_by_name(size, competitors)
    seconds: dict[str, list[float]] = {name: [] for name in competitors}
    workers: dict[str, _Worker] = {}
    try:
        for name, command in competitors.items():
            # One at a time: a worker that is starting would slow another's warm-up.
            workers[name] = _Worker(name, command, time_limit)
        for round_number in range(warmup + repeats):
            for name, worker in workers.items():
                elapsed = worker.repeat(sizes[name])
                if round_number >= warmup:
                    seconds[name].append(elapsed)
    finally:
        for worker in workers.values():
            worker.close()
    return seconds


def worker_command(python: str, script: str, **flags: str | int) -> list[str]:
    """Return the command line of a worker in this folder.

    Args:
      python: the interpreter of its virtual environment.
      script: file name, such as "keras_seq2seq.py".
      **flags: to pass, as --name=value.

    Returns:
      An argument list for `run`.
    """
    path = Path(__file__).resolve().parent / script
    return [python, str(path), *(f"--{name}={value}" for name, value in flags.items())]


def machine() -> str:
    """Return the CPU's name and how many cores this process may use."""
    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                name = line.partition(":")[2].strip()
                break
    return f"{name}, {cores()} cores"


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class _Worker:
    """A running competitor."""

    def __init__(self, name: str, command: Sequence[str], time_limit: float):
        self.name = name
        self._time_limit = time_limit
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 (close() closes it)
        # A competitor may import scripts/, which is not an installed package.
        root = Path(__file__).resolve().parents[2]
        self._process = subprocess.Popen(
            list(command),
            env=os.environ | {"PYTHONPATH": str(root)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            text=True,
        )
        try:
            self.ready = self._answer("ready")
        except BaseException:
            self.close()
            raise

    def repeat(self, size: int) -> float:
        assert self._process.stdin is not None
        # If the worker has ended, the pipe is broken; reading its answer gives the
        # reason.
        with contextlib.suppress(BrokenPipeError):
            print(json.dumps({"go": size}), file=self._process.stdin, flush=True)
        return self._answer("seconds")

    def close(self) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._stderr.close()

    def _answer(self, key: str) -> Any:
        assert self._process.stdout is not None
        watchdog = threading.Timer(self._time_limit, self._process.kill)
        start = time.monotonic()
        watchdog.start()
        try:
            line = self._process.stdout.readline()
        finally:
            watchdog.cancel()
        overran = time.monotonic() - start >= self._time_limit
        try:
            return json.loads(line)[key]
        except (ValueError, KeyError, TypeError):
            raise RuntimeError(self._failure(line, overran)) from None

    def _failure(self, line: str, overran: bool) -> str:
        if line:
            self._process.kill()
            what = f"answered {line.strip()!r}"
        elif overran:
            what = f"gave no answer within {self._time_limit:g} s"
        else:
            what = f"ended with exit code {self._process.wait()}"
        self._process.wait()
        self._stderr.seek(0)
        written = self._stderr.read().decode(errors="replace").strip()[-2000:]
        return f"{self.name} {what}; its stderr: {written or 'empty'}"


def sizes_by_name(
    size: int | Mapping[str, int], names: Mapping[str, Any]
) -> dict[str, int]:
    """Return the size for each name; raise ValueError where there is none."""
    sizes = {
        name: size if isinstance(size, int) else size.get(name, 0) for name in names
    }
    missing = [name for name, number in sizes.items() if number < 1]
    if missing:
        raise ValueError(f"no size of at least 1 for {', '.join(missing)}")
    return sizes
