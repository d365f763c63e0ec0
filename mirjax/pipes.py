"""Inputs that can be read only once: standard input, pipes and terminals."""

import os
import stat

from mirjax.inputs import STREAM

_STANDARD = (STREAM, "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0")


def is_read_once(path: str | os.PathLike[str]) -> bool:
    """Return whether an input is standard input, a pipe or a device, not a file."""
    name = os.fspath(path)
    return name == STREAM or (os.path.exists(name) and not os.path.isfile(name))


def check_streams(*sources: str | None) -> None:
    """Check that no two inputs of a command are the same pipe, by whatever names.

    Args:
      *sources: the inputs; None or "" for one that is not given.

    Raises:
      ValueError: if two are standard input, or the same pipe.
    """
    found: dict[object, str] = {}
    for source in filter(None, sources):
        place = _pipe(source)
        if place in found:
            raise ValueError(_refusal(found[place], source))
        if place is not None:
            found[place] = source


def _refusal(first: str, second: str) -> str:
    """Say that two inputs are one."""
    if first != second:
        return (
            f"{first} and {second} are the same input, which is read once; give a file "
            "for one of them"
        )
    what = "standard input" if first in _STANDARD else "a pipe"
    return f"{first} is given for two inputs, and {what} is read once"


def _pipe(source: str) -> object:
    """Return what a pipe or standard input can be told by; None for other inputs."""
    standard = source in _STANDARD
    try:
        status = os.fstat(0) if standard else os.stat(source)
    except OSError:
        return STREAM if standard else None
    mode, is_null = status.st_mode, status.st_rdev == os.stat(os.devnull).st_rdev
    is_device = stat.S_ISCHR(mode) and not is_null
    if standard or stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or is_device:
        return status.st_dev, status.st_ino
    return None
