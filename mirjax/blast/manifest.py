"""Manifests: the size and SHA-256 of every file of a folder, checked before use."""

import contextlib
import json
import os
from pathlib import Path
from typing import Any

from mirjax.files import atomic_write, file_sha256

_MANIFEST = "manifest.json"
# Hashing takes 2.5 ms per megabyte, and a search of a large database reads only parts
# of its files: larger files are hashed if they were touched since they last were.
_ALWAYS_HASHED = 1 << 21  # bytes


def seal_folder(folder: Path) -> None:
    """Write the manifest of a folder's files, and force all of them to the disk.

    Args:
      folder: a folder of files alone, each complete.

    Raises:
      OSError: if a file cannot be read or the manifest cannot be written.
    """
    files = sorted(path for path in folder.iterdir() if path.name != _MANIFEST)
    for path in files:
        sync(path)
    _write(folder, {path.name: _describe(path, file_sha256(path)) for path in files})
    sync(folder)


def is_intact(folder: Path) -> bool:
    """Return whether a folder holds the files of its manifest, unchanged.

    A file of more than two megabytes whose size and times are those of the last check
    is not read again.

    Args:
      folder: any folder.
    """
    try:
        text = (folder / _MANIFEST).read_text(encoding="utf-8")
        expected: dict[str, dict[str, Any]] = json.loads(text)
        found = {
            name: _checked(folder / name, entry) for name, entry in expected.items()
        }
    except (OSError, ValueError, AttributeError, TypeError, KeyError):
        return False
    if any(entry is None for entry in found.values()):
        return False
    if found != expected:  # the times of a copy, say
        with contextlib.suppress(OSError):
            _write(folder, found)
    return bool(expected)


def sync(path: Path) -> None:
    """Force a file's content, or a folder's entries, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _checked(path: Path, entry: dict[str, Any]) -> dict[str, Any] | None:
    """Return the entry of a file as it is now, or None if it has changed."""
    now = _describe(path, entry["sha256"])
    if now["bytes"] != entry["bytes"]:
        return None
    is_untouched = now == entry and now["bytes"] > _ALWAYS_HASHED
    return now if is_untouched or file_sha256(path) == entry["sha256"] else None


def _describe(path: Path, sha256: str) -> dict[str, Any]:
    status = path.stat()
    times = [status.st_mtime_ns, status.st_ctime_ns]
    return {"bytes": status.st_size, "sha256": sha256, "times": times}


def _write(folder: Path, entries: dict[str, Any]) -> None:
    with atomic_write(folder / _MANIFEST) as unfinished:
        unfinished.write_text(json.dumps(entries, indent=1), encoding="utf-8")
        sync(unfinished)
