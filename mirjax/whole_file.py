"""Files that appear whole or not at all."""

import contextlib
import os
import pathlib
import tempfile
from collections.abc import Iterator


@contextlib.contextmanager
def whole_file(path: pathlib.Path) -> Iterator[pathlib.Path]:
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
