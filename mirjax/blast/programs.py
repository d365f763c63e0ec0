"""The programs of NCBI BLAST+: find them, run them, read what they print."""

import dataclasses
import functools
import os
import re
import selectors
import shutil
import subprocess
import tempfile
import time
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path

MINIMUM_VERSION = (2, 6, 0)

_REMEDY = (
    "install BLAST+ with `sudo apt-get install ncbi-blast+`, "
    "`conda install -c conda-forge -c bioconda blast` or `brew install blast`"
)
_CHUNK_BYTES = 1 << 16
_MESSAGE_BYTES = 1 << 12


class BlastError(RuntimeError):
    """BLAST+ is missing, too old, failed, or took too long."""


@dataclasses.dataclass(frozen=True)
class Installation:
    """The BLAST+ programs of this machine.

    Attributes:
      blastn: absolute path of blastn.
      makeblastdb: absolute path of makeblastdb.
      version: version of blastn, such as (2, 12, 0).
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
        # Absolute, since it will run in another folder.
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
    """Ask a program for its version, once as long as its file is the same."""
    output = run([str(blastn), "-version"], timeout_s=60.0)
    found = re.search(r"blastn: (\d+(?:\.\d+)+)", output)
    if found is None:
        raise BlastError(f"{blastn} -version names no version; {_REMEDY}")
    return tuple(int(number) for number in found[1].split("."))


def run(
    command: list[str],
    *,
    timeout_s: float,
    folder: Path | None = None,
    variables: Mapping[str, str] | None = None,
) -> str:
    """Run a program to its end.

    Args:
      command: the program and its arguments.
      timeout_s: the longest it may take, in seconds.
      folder: its working directory.
      variables: what to add to its environment.

    Returns:
      What it printed.

    Raises:
      BlastError: if it does not start, fails or takes too long.
    """
    return "\n".join(
        stream(command, timeout_s=timeout_s, folder=folder, variables=variables)
    )


def stream(
    command: list[str],
    *,
    timeout_s: float,
    folder: Path | None = None,
    variables: Mapping[str, str] | None = None,
) -> Generator[str, None, None]:
    """Run a program and yield its lines while it prints them.

    Little is held in memory: a program that prints faster than it is read waits. It
    is killed if it takes too long or if the generator is closed early.

    Args:
      command: the program and its arguments.
      timeout_s: the longest to wait for it, in seconds; the time that the caller
        spends between lines does not count.
      folder: its working directory.
      variables: what to add to its environment.

    Yields:
      Lines of its standard output, without their ends.

    Raises:
      BlastError: if it does not start, fails or takes too long.
    """
    # A file for the messages: a second pipe, left unread, could block the program.
    with tempfile.TemporaryFile() as messages:
        try:
            process = subprocess.Popen(
                command,
                cwd=folder,
                env=os.environ | (variables or {}),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=messages,
            )
        except OSError as error:
            raise BlastError(f"{command[0]} does not run: {error.strerror}") from error
        with process:
            try:
                yield from _lines(process, timeout_s)
            except subprocess.TimeoutExpired as error:
                raise BlastError(
                    f"{command[0]} took longer than {timeout_s:g} s and was stopped; "
                    "allow it more time or give it less to do"
                ) from error
            finally:
                process.kill()  # Nothing happens if it has ended.
        if process.returncode != 0:
            messages.seek(max(0, messages.seek(0, os.SEEK_END) - _MESSAGE_BYTES))
            text = messages.read().decode("utf-8", "replace")
            said = [line.strip() for line in text.splitlines() if line.strip()]
            reason = said[-1] if said else "it gave no message"
            raise BlastError(f"{command[0]} failed ({process.returncode}): {reason}")


def _lines(process: subprocess.Popen[bytes], timeout_s: float) -> Iterator[str]:
    assert process.stdout is not None
    pipe = process.stdout.fileno()
    remaining = timeout_s
    rest = b""
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while True:
            started = time.monotonic()
            if not selector.select(max(0.0, remaining)):
                raise subprocess.TimeoutExpired(process.args, timeout_s)
            chunk = os.read(pipe, _CHUNK_BYTES)
            remaining -= time.monotonic() - started
            if not chunk:
                break
            *lines, rest = (rest + chunk).split(b"\n")
            yield from (line.decode("utf-8", "replace") for line in lines)
    if rest:
        yield rest.decode("utf-8", "replace")
    process.wait(max(0.0, remaining))
