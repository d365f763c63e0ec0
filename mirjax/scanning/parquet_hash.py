"""SHA-256 of a Parquet file, kept within it.

It covers the whole file, and stands between the rows and the footer: readers of Parquet
follow the positions in the footer, none of which leads there.
"""

import hashlib
import os
import re
from typing import BinaryIO

_TAIL = 8  # bytes after the footer: its length, and the letters PAR1
_MARK = b"mirjax sha256 "
_HASH = re.compile(_MARK + rb"([0-9a-f]{64})\n")
_HASH_BYTES = len(_MARK) + 65
_CHUNK = 1 << 20  # bytes read at a time


class DamagedParquetError(ValueError):
    """A Parquet file whose content is not what was written."""


def insert_hash(stream: BinaryIO) -> None:
    """Insert the SHA-256 of a Parquet file before its footer.

    Args:
      stream: the complete file, open for reading and writing.
    """
    start = _footer_start(stream)
    digest = _digest(stream, start, start)
    stream.seek(start)
    footer = stream.read()
    stream.seek(start)
    stream.write(_MARK + digest + b"\n" + footer)


def check_hash(stream: BinaryIO) -> None:
    """Check the SHA-256 of a Parquet file, if it holds one, and rewind.

    Args:
      stream: the file. One that another program wrote, or mirjax before it wrote
        hashes, holds none and is not checked.

    Raises:
      DamagedParquetError: if the content does not fit.
    """
    footer = _footer_start(stream)
    start = max(0, footer - _HASH_BYTES)
    stream.seek(start)
    found = _HASH.fullmatch(stream.read(footer - start))
    if found and _digest(stream, start, footer) != found[1]:
        raise DamagedParquetError("the SHA-256 does not fit")
    stream.seek(0)


def _footer_start(stream: BinaryIO) -> int:
    """Return the position of the footer; 0 if the file is too short for one."""
    size = stream.seek(0, os.SEEK_END)
    stream.seek(max(0, size - _TAIL))
    return max(0, size - _TAIL - int.from_bytes(stream.read(4), "little"))


def _digest(stream: BinaryIO, end: int, footer: int) -> bytes:
    """Return the SHA-256, in hexadecimal, of a file but for its bytes end to footer."""
    digest = hashlib.sha256()
    stream.seek(0)
    while chunk := stream.read(min(_CHUNK, end - stream.tell())):
        digest.update(chunk)
    stream.seek(footer)
    while chunk := stream.read(_CHUNK):
        digest.update(chunk)
    return digest.hexdigest().encode()
