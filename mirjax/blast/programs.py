"""Find and run the programs of NCBI BLAST+."""

import dataclasses
import functools
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import IO

MINIMUM_VERSION = (2, 6, 0)

_REMEDY = (
    "install BLAST+ with `sudo apt-get install ncbi-blast+`, "
    "`conda install -c conda-forge -c bioconda blast` or `brew install blast`"
)
_MESSAGE_BYTES = 1 << 12  # read of the end of an error output


class BlastError(RuntimeError):
    """BLAST+ is missing, too old, failed, or took too long."""


@dataclasses.dataclass(frozen=True)
class Installation:
    """The installed BLAST+ programs.

    Attributes:
      blastn: absolute path of blastn.
      makeblastdb: absolute path of makeblastdb.
      version: blastn's version, such as (2, 12, 0).
    """

    blastn: Path
    makeblastdb: Path
    version: tuple[int, ...]


def find_blast() -> Installation:
    """Find blastn and makeblastdb on PATH and check their version.

    Returns:
      The programs and their version.

    Raises:
      BlastError: if either is missing, does not run, or is older than MINIMUM_VERSION.
    """
    programs = {}
    for name in ("blastn", "makeblastdb"):
        path = shutil.which(name)
        if path is None:
            raise BlastError(f"{name} is not on PATH; {_REMEDY}")
        # Absolute, since the program runs in another folder.
        programs[name] = Path(path).absolute()
    blastn = programs["blastn"]
    version = _version(blastn, blastn.stat().st_mtime_ns)
    if version < MINIMUM_VERSION:
        named, minimum = (".".join(map(str, v)) for v in (version, MINIMUM_VERSION))
        raise BlastError(
            f"{blastn} is version {named}, at least {minimum} is needed; {_REMEDY}"
        )
    return Installation(version=version, **programs)


@functools.lru_cache
def _version(blastn: Path, changed_ns: int) -> tuple[int, ...]:
    """Run blastn for its version, once per version of its file."""
    output = run([str(blastn), "-version"], timeout_s=60.0)
    found = re.search(r"blastn: (\d+(?:\.\d+)+)", output)
    if found is None:
        raise BlastError(f"{blastn} -version names no version; {_REMEDY}")
    return tuple(int(number) for number in found[1].split("."))


class ProgramGroup:
    """Programs that run at the same time, in threads, and are stopped together."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._is_stopped = False

    def stop(self) -> None:
        """Kill all programs of the group; programs started later end at once."""
        with self._lock:
            self._is_stopped = True
            for process in self._running:
                process.kill()

    def run(
        self,
        command: list[str],
        *,
        timeout_s: float,
        folder: Path | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> str:
        """Run a program to its end.

        If the system has `setpriv`, the kernel kills the program when this process dies
        for any reason.

        Args:
          command: the program and its arguments.
          timeout_s: time limit, in seconds. A program that exceeds it is killed.
          folder: its working directory.
          variables: environment variables to add.

        Returns:
          Its standard output.

        Raises:
          BlastError: if the program does not start, fails, exceeds the time limit or is
            stopped.
        """
        with tempfile.TemporaryFile() as messages:
            process = _start(command, folder, variables or {}, messages)
            with self._lock:
                self._running.add(process)
                if self._is_stopped:
                    process.kill()
            try:
                output, _ = process.communicate(timeout=timeout_s)
            except subprocess.TimeoutExpired as error:
                raise BlastError(
                    f"{command[0]} took longer than {timeout_s:g} s and was stopped; "
                    "raise the time limit or search fewer queries"
                ) from error
            finally:
                process.kill()  # does nothing to a program that has ended
                with process:  # waits, and closes its output
                    pass
                with self._lock:
                    self._running.discard(process)
            if process.returncode != 0:
                raise BlastError(
                    f"{command[0]} failed ({process.returncode}): "
                    f"{_last_line(messages)}"
                )
        return output.decode("utf-8", "replace")


def _start(
    command: list[str],
    folder: Path | None,
    variables: Mapping[str, str],
    messages: IO[bytes],
) -> subprocess.Popen[bytes]:
    """Start a program that ends with this process."""
    if shutil.which(command[0]) is None:
        raise BlastError(f"{command[0]} does not run: no such program")
    try:
        return subprocess.Popen(
            [*_dying_with_parent(), *command],
            cwd=folder,
            env=os.environ | variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=messages,
        )
    except OSError as error:
        raise BlastError(f"{command[0]} does not run: {error.strerror}") from error


def run(
    command: list[str],
    *,
    timeout_s: float,
    folder: Path | None = None,
    variables: Mapping[str, str] | None = None,
) -> str:
    """Run a single program to its end; see `ProgramGroup.run`."""
    return ProgramGroup().run(
        command, timeout_s=timeout_s, folder=folder, variables=variables
    )


def _dying_with_parent() -> list[str]:
    """Return a command prefix that ties a program's life to this process's thread."""
    setpriv = shutil.which("setpriv") if sys.platform == "linux" else None
    return [setpriv, "--pdeathsig", "KILL", "--"] if setpriv else []


def _last_line(messages: IO[bytes]) -> str:
    """Return the last line that a program wrote to its error output."""
    messages.seek(max(0, messages.seek(0, os.SEEK_END) - _MESSAGE_BYTES))
    text = messages.read().decode("utf-8", "replace")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it printed no message"
