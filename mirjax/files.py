"""Files: written whole or not at all, checked before use."""

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import pathlib
import re
import secrets
import socket
import stat
import tempfile
from collections.abc import Iterator
from typing import IO

import platformdirs
from absl import logging

FULL_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Error numbers of a disk without space left, a quota or the largest file size."""

_NAME_BYTES = 200  # of a file's name in its temporary name
_TOKEN_BYTES = 8
_SUFFIX = ".unfinished"
_UNFINISHED = re.compile(rf"[0-9a-f]{{{2 * _TOKEN_BYTES}}}{re.escape(_SUFFIX)}")
_NOT_WRITTEN = (*FULL_DISK, errno.EIO)


@contextlib.contextmanager
def atomic_write(path: pathlib.Path) -> Iterator[pathlib.Path]:
    """Write a file under a temporary name, and rename it once it is complete.

    The temporary file is new, with a random name, and locked while it is written.
    Temporary files that killed processes left for the same path are deleted.

    Args:
      path: the file; an existing one is replaced. If it is a symbolic link, the file
        that it leads to is replaced, and the link stays.

    Yields:
      The temporary path to write to, in the same folder. It is renamed to `path` when
      the block ends, or deleted if the block raises.

    Raises:
      OSError: if the file cannot be written, or is a pipe or a device; the message
        names it.
    """
    target = pathlib.Path(os.path.realpath(path))
    with named_errors(path):
        if target.exists() and not target.is_file():
            raise OSError(f"{path}: cannot be written (not a regular file)")
        unfinished, descriptor = create_unfinished(target)
    try:
        with named_errors(path):
            yield unfinished
            os.fsync(descriptor)
            if target.exists():
                os.chmod(unfinished, stat.S_IMODE(target.stat().st_mode))
            os.replace(unfinished, target)
    finally:
        unfinished.unlink(missing_ok=True)
        os.close(descriptor)


def cache_folder(name: str = "") -> pathlib.Path:
    """Return the folder of mirjax in the user's cache, or one in it; it may not exist.

    Args:
      name: of the folder in it.
    """
    return pathlib.Path(platformdirs.user_cache_dir("mirjax")) / name


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


@contextlib.contextmanager
def hold_lock(path: pathlib.Path, name: str) -> Iterator[None]:
    """Hold a lock on a file, which is made if missing, until the block ends.

    The system releases the lock when the process ends, even if it is killed. The block
    may delete the file.

    Args:
      path: the lock file.
      name: of the locked folder, for messages.

    Raises:
      ValueError: if another process holds it; the message names the process.
      OSError: if it cannot be written.
    """
    while True:
        stream = path.open("a+")
        try:
            _lock(stream, name)
        except BaseException:
            stream.close()
            raise
        if os.fstat(stream.fileno()).st_nlink:
            break
        stream.close()  # the process that held the lock has deleted the file
    with stream:
        stream.truncate(0)
        stream.write(json.dumps({"pid": os.getpid(), "host": socket.gethostname()}))
        stream.flush()
        yield


def _lock(stream: IO[str], name: str) -> None:
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
            f"{name} is in use by {process}; wait for it or stop it, or choose another "
            "folder"
        ) from None
    except OSError as error:
        if error.errno not in (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS):
            raise
        logging.warning(
            "%s: this file system has no locks (%s); let no other run use the folder",
            name,
            error.strerror,
        )


@contextlib.contextmanager
def named_errors(path: str | os.PathLike[str]) -> Iterator[None]:
    """Name a path in the errors of writing to it or to its temporary file."""
    try:
        yield
    except BrokenPipeError:  # the reader has closed the pipe
        raise
    except OSError as error:
        file = str(error.filename)
        of_path = file == str(path) or file.endswith(_SUFFIX)
        if not of_path and (error.filename or error.errno not in _NOT_WRITTEN):
            raise
        named = type(error)(f"{path}: cannot be written ({error.strerror})")
        named.errno = error.errno
        raise named from error


def create_unfinished(target: pathlib.Path) -> tuple[pathlib.Path, int]:
    """Create and lock an empty temporary file beside a file, and open it.

    Args:
      target: the file, no symbolic link.

    Returns:
      Its path and its descriptor, which holds the lock until it is closed.
    """
    stem = os.fsencode(target.name)[:_NAME_BYTES].decode(errors="ignore")
    _delete_abandoned(target.parent, f".{stem}.")
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    while True:
        token = secrets.token_hex(_TOKEN_BYTES)
        unfinished = target.with_name(f".{stem}.{token}{_SUFFIX}")
        descriptor = os.open(unfinished, flags, 0o666)
        with contextlib.suppress(OSError):  # a file system without locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.fstat(descriptor).st_nlink:
            return unfinished, descriptor
        # Another process deleted it as abandoned before it was locked.
        os.close(descriptor)


def _delete_abandoned(folder: pathlib.Path, prefix: str) -> None:
    """Delete the temporary files of a prefix that no living process has locked."""
    with contextlib.suppress(OSError):
        names = [name for name in os.listdir(folder) if name.startswith(prefix)]
        for name in names:
            if _UNFINISHED.fullmatch(name, len(prefix)):
                _delete_if_unlocked(folder / name)


def _delete_if_unlocked(unfinished: pathlib.Path) -> None:
    """Delete a temporary file unless a process has locked it."""
    flags = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK
    with contextlib.suppress(OSError):
        descriptor = os.open(unfinished, flags)
        try:
            if stat.S_ISREG(os.fstat(descriptor).st_mode):
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                unfinished.unlink()
        finally:
            os.close(descriptor)
