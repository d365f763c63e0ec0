"""Files that appear whole or not at all."""

import contextlib
import os
import pathlib
import tempfile
from collections.abc import Iterator


@contextlib.contextmanager
def atomic_write(path: pathlib.Path) -> Iterator[pathlib.Path]:
    """Give a name to write under; the file gets its own once it is whole.

    Args:
      path: the file; an earlier one is replaced.

    Yields:
      Where to write. It lies beside the file, and is gone if writing failed.
    """
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.unfinished")
    try:
        yield unfinished
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


def check_writable(out: pathlib.Path, *inputs: str | os.PathLike[str]) -> None:
    """Raise a ValueError if --out could not be written in the end.

    Args:
      out: the file to be.
      *inputs: files that it may not replace.
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


def read_text(path: str | os.PathLike[str]) -> str:
    """Return a whole UTF-8 text file.

    Args:
      path: the file; a byte-order mark at its start is left out.

    Raises:
      ValueError: if it cannot be read, is not text, or holds nothing but blanks.
    """
    try:
        text = pathlib.Path(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(
            f"{path}: not a text file; unpack it first if it is compressed"
        ) from None
    except OSError as error:
        raise ValueError(f"{path}: cannot be read ({error.strerror})") from error
    if not text.strip():
        raise ValueError(f"{path}: the file is empty")
    return text
