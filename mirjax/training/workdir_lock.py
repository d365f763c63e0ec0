"""A lock on a workdir, so that one process at a time trains in it."""

import contextlib
import errno
import fcntl
import json
import os
import pathlib
import socket
from collections.abc import Iterator
from typing import IO

import jax
from absl import logging

FILE_NAME = ".lock"


@contextlib.contextmanager
def lock_workdir(workdir: pathlib.Path) -> Iterator[None]:
    """Hold a workdir, which is made if missing, until the block ends.

    The system frees the lock when the process ends, however it ends. What runs that
    were killed have left unfinished is deleted.

    Args:
      workdir: the folder of a run or a sweep.

    Raises:
      ValueError: if the folder cannot be written, or another process holds it; the
        message names the process.
    """
    if jax.process_index() != 0:
        yield
        return
    made = not workdir.exists()
    try:
        workdir.mkdir(parents=True, exist_ok=True)
        stream = (workdir / FILE_NAME).open("a+")
    except OSError as error:
        raise ValueError(f"--workdir: {workdir} cannot be used: {error}") from error
    with stream:
        _lock(stream, workdir)
        stream.truncate(0)
        stream.write(json.dumps({"pid": os.getpid(), "host": socket.gethostname()}))
        stream.flush()
        for pattern in (".*.unfinished", "runs/*/.*.unfinished"):
            for left in workdir.glob(pattern):
                left.unlink(missing_ok=True)
        try:
            yield
        finally:
            if made and [path.name for path in workdir.iterdir()] == [FILE_NAME]:
                (workdir / FILE_NAME).unlink()  # nothing was started
                workdir.rmdir()


def _lock(stream: IO[str], workdir: pathlib.Path) -> None:
    """Lock a file, or raise a ValueError that names the process which holds it."""
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        stream.seek(0)
        try:
            holder = json.loads(stream.read())
            process = f"process {holder['pid']} on {holder['host']}"
        except (ValueError, KeyError, TypeError):
            process = "another process"
        raise ValueError(
            f"--workdir: {workdir} is in use by {process}; wait for it or stop it, or "
            "choose another folder"
        ) from None
    except OSError as error:
        if error.errno not in (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS):
            raise
        logging.warning(
            "%s: this file system has no locks (%s); let no other run use the folder",
            workdir,
            error.strerror,
        )
