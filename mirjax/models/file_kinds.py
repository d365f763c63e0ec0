"""Detect the kind of a file that is given as a model."""

import os
import pathlib
import stat
import zipfile

_ZIP = b"PK\3\4"
HDF5 = b"\x89HDF\r\n\x1a\n"
_HEAD = 512  # bytes

# First bytes of a kind of file, and its name in messages.
_SIGNATURES = (
    (b"\x93NUMPY", "a single NumPy array (.npy), not a model"),
    (b"\x1f\x8b", "compressed by gzip: unpack it first"),
    (b"BZh", "compressed by bzip2: unpack it first"),
    (b"\xfd7zXZ\0", "compressed by xz: unpack it first"),
    (
        b"version https://git-lfs",
        "a Git LFS pointer, not the file itself: fetch that by git lfs pull",
    ),
    (b"<!doctype html", "an HTML page, not a model: download the file itself"),
    (b"<html", "an HTML page, not a model: download the file itself"),
    (b">", "a FASTA file, not a model"),
    (b"{", "a JSON file, not a model"),
)
_PICKLE = b"\x80"  # followed by the protocol
_PROTOCOLS = range(2, 6)


def check_model_file(path: pathlib.Path) -> bytes:
    """Check that a path leads to a file that may be a model, before it is opened.

    Returns:
      The file's first bytes.

    Raises:
      ValueError: if there is no such file, it is not a regular file (a pipe or a device
        could block for ever), it is empty, or its first bytes are those of another kind
        of file, which is named.
    """
    try:
        if "\0" in str(path):
            raise ValueError(f"{str(path)!r} does not exist")
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise ValueError(f"{path} is not a file")
        with open(path, "rb") as file:
            head = file.read(_HEAD)
    except FileNotFoundError:
        raise ValueError(f"{path} does not exist") from None
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error.strerror})") from error
    kind = _foreign_archive(path) if head.startswith(_ZIP) else _foreign_kind(head)
    if kind:
        raise ValueError(f"{path} is {kind}")
    return head


def _foreign_kind(head: bytes) -> str:
    """Return what a file with these first bytes is, or "" if it may be a model."""
    if not head:
        return "an empty file"
    if head[:1] == _PICKLE and len(head) > 1 and head[1] in _PROTOCOLS:
        return (
            "a Python pickle, which could run any program when opened, and is never "
            "read: use a model of mirjax, a Keras .h5 or a PyTorch .pt file"
        )
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for signature, kind in _SIGNATURES:
        if head.startswith(signature) or text.startswith(signature):
            return kind
    return ""


def _foreign_archive(path: pathlib.Path) -> str:
    """Return what a zip archive is, or "" if it may be a model or is damaged."""
    try:
        with zipfile.ZipFile(path) as archive:
            parts = {name.rpartition("/")[2] for name in archive.namelist()}
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return ""
    if {"config.json", "model.weights.h5"} <= parts:
        return (
            "a .keras file, which this version does not read: load it in Keras, and "
            "save it again by model.save('NAME.h5')"
        )
    if "data.pkl" in parts:
        return "a PyTorch file: rename it so that it ends in .pt"
    return ""
