"""Scratch folders; those of killed processes are deleted by the next process."""

import contextlib
import os
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

_MAX_AGE_S = 7 * 24 * 3600.0  # of a folder whose process cannot be looked up


@contextlib.contextmanager
def scratch_folder(parent: Path, prefix: str) -> Iterator[Path]:
    """Make a folder for temporary files, and delete it when the block ends.

    Its name holds the host and the process. Folders of the same prefix that processes
    of this host left behind when they were killed are deleted first.

    Args:
      parent: the folder to make it in.
      prefix: start of its name.

    Yields:
      Its path. Only its owner may read it.
    """
    _delete_stale(parent, prefix)
    owner = f"{prefix}{socket.gethostname()}-{os.getpid()}-"
    with tempfile.TemporaryDirectory(prefix=owner, dir=parent) as scratch:
        yield Path(scratch)


def _delete_stale(parent: Path, prefix: str) -> None:
    """Delete the folders of ended processes that this user may delete."""
    host = f"{prefix}{socket.gethostname()}-"
    for folder in parent.glob(f"{prefix}*"):
        with contextlib.suppress(OSError):
            status = folder.lstat()
            if status.st_uid != os.getuid() or not folder.is_dir():
                continue
            process = folder.name.removeprefix(host).partition("-")[0]
            if folder.name.startswith(host) and process.isdecimal():
                is_stale = not _is_running(int(process))
            else:
                is_stale = time.time() - status.st_mtime > _MAX_AGE_S
            if is_stale and not folder.is_symlink():
                shutil.rmtree(folder, ignore_errors=True)


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OverflowError, PermissionError):
        return True
    return True
