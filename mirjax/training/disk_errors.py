"""Errors of a full disk, which name the file and the remedy."""

import contextlib
import errno
import os
import pathlib
from collections.abc import Iterator

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def disk_error(error: BaseException, path: pathlib.Path) -> OSError | None:
    """Return the error to raise in place of one that a full disk has caused.

    Args:
      error: raised by a library. Its causes and its text are searched, too, since some
        libraries lose the error number.
      path: the file that was being written.

    Returns:
      The error; None if the disk was not full.
    """
    chain: BaseException | None = error
    while chain is not None:
        number = chain.errno if isinstance(chain, OSError) else None
        for full in _FULL:
            reason = os.strerror(full)
            if number == full or reason in str(chain):
                return OSError(
                    f"{path} cannot be written: {reason}; free space and run the same "
                    "command to continue"
                )
        chain = chain.__cause__ or chain.__context__
    return None


@contextlib.contextmanager
def naming(path: pathlib.Path) -> Iterator[None]:
    """Name the file in the error that writing it raises when the disk is full."""
    try:
        yield
    except OSError as error:
        named = disk_error(error, path)
        if named is None:
            raise
        raise named from error
