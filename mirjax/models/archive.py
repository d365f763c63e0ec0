"""Read archives of arrays (`.npz`) without trusting their headers.

NumPy's reader evaluates headers as Python literals and allocates the declared sizes.
This one matches headers with a pattern, and compares declared sizes with the file's
size before it reads a value. It reads only plain arrays: no objects, no records.
"""

import collections
import contextlib
import hashlib
import io
import math
import os
import re
import struct
import sys
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

import numpy as np

_END_RECORD = 22  # bytes of a zip archive's last record, without its comment
_END_MAGIC = b"PK\5\6"
_COMMENT = b"mirjax model file, SHA-256 of all before: "
_DIGEST = 64  # hexadecimal digits

_MOST_MEMBERS = 10_000
# Bytes that an archive may hold: weights are hardly compressible.
_FREE_BYTES, _EXPANSION = 16 << 20, 20

_PREAMBLE = 10  # bytes of a .npy before its header: magic, version 1.0, length
_MAGIC = b"\x93NUMPY\x01\x00"
_HEADER = re.compile(
    r"\{'descr': '([<>|=]?[a-zA-Z][0-9]{0,9})', 'fortran_order': (True|False), "
    r"'shape': \(((?:[0-9]{1,15}, ?)*[0-9]{0,15})\), \} *\n"
)
_DAMAGE = (
    EOFError,
    NotImplementedError,
    OSError,
    RuntimeError,
    TypeError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)


class Member(NamedTuple):
    """The header of an array in an archive.

    Attributes:
      info: its entry in the archive.
      dtype: of its values.
      shape: its sizes.
      fortran: whether the first index varies fastest.
      start: bytes before its values.
    """

    info: zipfile.ZipInfo
    dtype: np.dtype
    shape: tuple[int, ...]
    fortran: bool
    start: int


class Archive:
    """The arrays of an `.npz` file: headers are read at once, arrays one by one.

    Args:
      stream: the file, open as long as arrays are read.

    Attributes:
      members: header of each array, by its name without ".npy".

    Raises:
      ValueError: if the file is damaged, declares more than its size allows, or holds
        anything but plain arrays; the message names the member.
    """

    members: Mapping[str, Member]

    def __init__(self, stream: io.BufferedIOBase) -> None:
        size = stream.seek(0, os.SEEK_END)
        with _named_damage("the archive"):
            self._zip = zipfile.ZipFile(stream)
        infos = self._zip.infolist()
        names = [info.filename for info in infos]
        if len(names) > _MOST_MEMBERS:
            raise ValueError(f"it has {len(names)} members")
        for name, count in collections.Counter(names).items():
            if count > 1:
                raise ValueError(f"member {name!r} is there {count} times")
        for info in infos:
            if info.compress_size > size - info.header_offset:
                raise ValueError(f"member {info.filename!r} goes past the file's end")
        allowed = _FREE_BYTES + _EXPANSION * size
        if (wanted := sum(info.file_size for info in infos)) > allowed:
            raise ValueError(f"its {size} bytes ask for {wanted}")
        self.members = {
            info.filename.removesuffix(".npy"): self._declared(info) for info in infos
        }

    def read(self, name: str) -> np.ndarray:
        """Read the values of a member.

        Raises:
          ValueError: if they are damaged.
        """
        member = self.members[name]
        with _named_damage(f"member {member.info.filename!r}"):
            content = self._zip.read(member.info)[member.start :]
            if member.dtype.kind == "U":  # NumPy reads any numbers as text
                codes = np.frombuffer(content, member.dtype.byteorder + "u4")
                if codes.max(initial=0) > sys.maxunicode:
                    raise ValueError("its text holds a number that is not a character")
            values = np.frombuffer(content, member.dtype)
            order: Literal["C", "F"] = "F" if member.fortran else "C"
            return values.reshape(member.shape, order=order).copy()

    def _declared(self, info: zipfile.ZipInfo) -> Member:
        """Read the header of a member."""
        name = info.filename
        if not name.endswith(".npy"):
            raise ValueError(f"member {name!r} is not an array")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ValueError(f"member {name!r} is compressed by an unknown method")
        with _named_damage(f"member {name!r}"), self._zip.open(info) as file:
            preamble = file.read(_PREAMBLE)
            if len(preamble) < _PREAMBLE or not preamble.startswith(_MAGIC):
                raise ValueError("no array of NumPy's format 1.0")
            header = file.read(int.from_bytes(preamble[-2:], "little"))
            found = _HEADER.fullmatch(header.decode("ascii", "replace"))
            if found is None:
                raise ValueError("its header is damaged or describes no plain array")
            descr, fortran, sizes = found.groups()
            dtype = np.dtype(descr)
            if dtype.hasobject:
                raise ValueError("it holds Python objects, which are never read")
            shape = tuple(int(size) for size in sizes.split(",") if size.strip())
            start = _PREAMBLE + len(header)
            if info.file_size - start != math.prod(shape) * dtype.itemsize:
                raise ValueError(f"its size is not that of shape {shape}")
        return Member(info, dtype, shape, fortran == "True", start)


def with_checksum(content: bytes) -> bytes:
    """Return an archive with the SHA-256 of its content in its comment.

    Args:
      content: a zip archive without a comment.
    """
    length = len(_COMMENT) + _DIGEST
    sealed = content[:-2] + length.to_bytes(2, "little") + _COMMENT
    return sealed + hashlib.sha256(sealed).hexdigest().encode()


def has_checksum(stream: io.BufferedIOBase) -> bool:
    """Compare an archive with the SHA-256 in its comment.

    Returns:
      True if they agree, False if the archive has no comment.

    Raises:
      ValueError: if they differ, or the comment is damaged.
    """
    size = stream.seek(0, os.SEEK_END)
    stream.seek(max(0, size - len(_COMMENT) - _DIGEST))
    tail = stream.read()
    if not tail.startswith(_COMMENT):
        end = tail[-_END_RECORD:]
        if end.startswith(_END_MAGIC) and end.endswith(b"\0\0"):
            return False
        raise ValueError("its end, with its SHA-256, is damaged or missing")
    stream.seek(0)
    digest = hashlib.sha256()
    left = size - _DIGEST
    while left and (block := stream.read(min(left, 1 << 20))):
        digest.update(block)
        left -= len(block)
    if digest.hexdigest().encode() != tail[-_DIGEST:]:
        raise ValueError("its content is not what its SHA-256 was computed from")
    return True


@contextlib.contextmanager
def _named_damage(what: str) -> Iterator[None]:
    """Convert any error of the libraries to a ValueError that names what was read."""
    try:
        yield
    except (ValueError, *_DAMAGE) as error:
        reason = str(error) or type(error).__name__
        raise ValueError(f"{what}: {reason}") from error
