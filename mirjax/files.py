"""Files: written whole or not at all, checked before use."""

import contextlib
import hashlib
import os
import pathlib
import tempfile
from collections.abc import Iterator


@contextlib.contextmanager
def atomic_write(path: pathlib.Path) -> Iterator[pathlib.Path]:
    """Write a file under a temporary name, and rename it once it is complete.

    Args:
      path: the file; an existing one is replaced.

    Yields:
      The temporary path to write to, in the same folder. It is renamed to `path` when
      the block ends, or deleted if the block raises.
    """
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.unfinished")
    try:
        yield unfinished
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


def check_writable(out: pathlib.Path, *inputs: str | os.PathLike[str]) -> None:
    """Check that the output file of a command can be written, before work begins.

    Args:
      out: the file given by --out.
      *inputs: files that it must not replace.

    Raises:
      ValueError: if it is no regular file, is an input, or its folder is not writable.
    """
    if out.exists() and not out.is_file():
        raise ValueError(f"--out: {out} is not a file; name one")
    for path in inputs:
        if out.exists() and os.path.exists(path) and os.path.samefile(out, path):
            raise ValueError(f"--out: {out} is an input; name another file")
    try:
        with tempfile.TemporaryFile(dir=out.parent):
            pass
    except OSError as error:
        raise ValueError(
            f"--out: folder {out.parent} cannot be written ({error.strerror})"
        ) from error


def make_cache_folder(folder: pathlib.Path) -> None:
    """Make a folder in the user's cache, and check that files can be written there.

    Args:
      folder: the folder; missing ones above it are made too.

    Raises:
      OSError: if it cannot be made or written; the message names the remedies.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise OSError(
            f"{folder}: the cache folder cannot be written ({error.strerror}); name a "
            "writable one by the environment variable XDG_CACHE_HOME, or put the "
            "datasets into a folder and name it by MIRJAX_DATA_DIR"
        ) from error


def file_sha256(path: pathlib.Path) -> str:
    """Return the SHA-256 of a file's content, in hexadecimal."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
