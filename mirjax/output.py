"""The output of a command: a file, standard output, a pipe or a device."""

import contextlib
import errno
import gzip
import io
import os
import pathlib
import re
import stat
import sys
from collections.abc import Iterator
from typing import IO, cast

from mirjax.files import atomic_write, create_unfinished, named_errors

_STANDARD = {"-": 1, "/dev/stdout": 1, "/dev/stderr": 2}
_LONGEST_SUFFIX = ".skipped.tsv"  # of the files named after an output
_DESCRIPTOR = re.compile(r"/(?:dev|proc/self)/fd/([0-9]+)")


@contextlib.contextmanager
def open_output(out: str | os.PathLike[str]) -> Iterator[io.BufferedIOBase]:
    """Open the output of a command: a file, standard output, a pipe or a device.

    Args:
      out: a file, which appears whole or not at all (see `atomic_write`); "-" or
        /dev/stdout, standard output; or a pipe or a device, which is written to. The
        output is compressed if the name ends in .gz.

    Yields:
      The stream, of bytes.

    Raises:
      BrokenPipeError: if the reader has closed the pipe.
      OSError: if the output cannot be written; the message names it.
    """
    out = os.fspath(out)
    with contextlib.ExitStack() as stack:
        stream: io.BufferedIOBase
        if is_stream(out):
            stack.enter_context(named_errors(_words(out)))
            stream = stack.enter_context(_open_stream(out))
        else:
            unfinished = stack.enter_context(atomic_write(pathlib.Path(out)))
            stream = stack.enter_context(unfinished.open("wb"))
        if out.endswith(".gz"):
            # Without a name and a time in the header, equal content gives equal files.
            zipped = gzip.GzipFile("", "wb", fileobj=stream, mtime=0)
            stream = stack.enter_context(zipped)
        yield stream


@contextlib.contextmanager
def open_text_output(out: str | os.PathLike[str]) -> Iterator[io.TextIOWrapper]:
    """Open the output of a command for UTF-8 text; see `open_output`."""
    with open_output(out) as stream:
        text = io.TextIOWrapper(cast(IO[bytes], stream), "utf-8", newline="\n")
        yield text
        text.flush()


def is_stream(out: str | os.PathLike[str]) -> bool:
    """Return whether an output is standard output, a pipe or a device, not a file."""
    out = os.fspath(out)
    if _descriptor(out) is not None:
        return True
    try:
        mode = os.stat(out).st_mode
    except OSError:
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)


def is_standard_output(out: str | os.PathLike[str]) -> bool:
    """Return whether an output is standard output."""
    return _descriptor(os.fspath(out)) == 1


def check_writable(
    out: str | os.PathLike[str],
    *inputs: str | os.PathLike[str],
    flag: str = "out",
) -> None:
    """Check that an output of a command can be written, before work begins.

    Args:
      out: the value of the flag; see `open_output`.
      *inputs: files that it must not replace.
      flag: the flag that names the output, without --, for messages.

    Raises:
      ValueError: if it is a folder or an input, its name is too long, or it or its
        folder cannot be written.
    """
    out = os.fspath(out)
    if is_stream(out):
        _check_stream(out, flag)
        return
    path, target = pathlib.Path(out), pathlib.Path(os.path.realpath(out))
    try:
        exists = target.exists()
        for beside in (path, target):  # tables and folders named after it
            beside.with_name(beside.name + _LONGEST_SUFFIX).exists()
    except OSError as error:  # such as a name that is too long
        raise _unwritable(flag, out, error) from error
    if exists and not target.is_file():
        raise ValueError(f"--{flag}: {path} is not a file; name one")
    for given in inputs:
        if exists and os.path.exists(given) and os.path.samefile(target, given):
            raise ValueError(f"--{flag}: {path} is an input; name another file")
    try:
        _try_to_create(target)
    except OSError as error:
        folder = target.parent if path.is_symlink() else path.parent
        raise _unwritable(flag, f"folder {folder}", error) from error


def check_distinct(*outs: str | os.PathLike[str]) -> None:
    """Raise a ValueError if two outputs of a command are one file or stream."""
    found: dict[str, str] = {}
    for out in [os.fspath(each) for each in outs]:
        descriptor = _descriptor(out)
        place = os.path.realpath(out) if descriptor is None else f"/dev/fd/{descriptor}"
        if place in found and place != os.devnull:
            same = "" if found[place] == out else f" by {found[place]} and"
            raise ValueError(
                f"two outputs are named{same} {out}; give each its own name"
            )
        found[place] = out


def make_folder(folder: pathlib.Path) -> None:
    """Make the folder that --out names, if it is missing, and check it.

    Args:
      folder: where several files will be written.

    Raises:
      ValueError: if it cannot be made, or no file can be written there.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _try_to_create(folder / "file")
    except OSError as error:
        raise ValueError(
            f"--out: folder {folder} cannot be written ({error.strerror}); name another"
        ) from error


def _try_to_create(target: pathlib.Path) -> None:
    """Create a temporary file beside a file, and delete it."""
    unfinished, descriptor = create_unfinished(target)
    unfinished.unlink()
    os.close(descriptor)


def _check_stream(out: str, flag: str) -> None:
    """Raise a ValueError if standard output, a pipe or a device cannot be written."""
    descriptor = _descriptor(out)
    try:
        if descriptor is not None:
            os.fstat(descriptor)
        elif not os.access(out, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise _unwritable(flag, _words(out), error) from error


def _descriptor(out: str) -> int | None:
    """Return the descriptor that a path names, such as 1 for "-", or None."""
    if out in _STANDARD:
        return _STANDARD[out]
    match = _DESCRIPTOR.fullmatch(out)
    return int(match[1]) if match else None


def _open_stream(out: str) -> io.BufferedWriter:
    """Open standard output, a pipe or a device, which is never created or replaced."""
    descriptor = _descriptor(out)
    if descriptor is None:
        return open(os.open(out, os.O_WRONLY), "wb")
    if descriptor == 1:
        sys.stdout.flush()
    return open(os.dup(descriptor), "wb")


def _unwritable(flag: str, what: str, error: OSError) -> ValueError:
    return ValueError(f"--{flag}: {what} cannot be written ({error.strerror})")


def _words(out: str) -> str:
    return "standard output" if _descriptor(out) == 1 else out
