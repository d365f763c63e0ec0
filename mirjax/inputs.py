"""Inputs: files or standard input, plain or gzipped, read once as UTF-8 text."""

import codecs
import dataclasses
import gzip
import io
import os
import pathlib
import sys
import zlib
from typing import TypeAlias

STREAM = "-"  # the path of standard input

_MAX_UNPACKED = 2 << 30  # bytes that a gzipped file may unpack to
_MARKS = {  # of UTF-32 first, since that of UTF-16 is its beginning
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}
_COMPRESSED = {
    b"PK\x03\x04": "a ZIP archive or an Excel workbook",
    b"BZh": "compressed by bzip2",
    b"\xfd7zXZ\0": "compressed by xz",
    b"\x28\xb5\x2f\xfd": "compressed by zstd",
}
_CONTROL_BYTES = set(range(32)) - set(b"\t\n\r\f")


@dataclasses.dataclass(frozen=True)
class Content:
    """An input that has been read, for several readers: a pipe is read but once.

    Attributes:
      name: what to call it in messages.
      data: its bytes, unpacked.
    """

    name: str
    data: bytes


Source: TypeAlias = str | os.PathLike[str] | Content
"""A path, - for standard input, or what has been read already."""


def input_name(source: Source) -> str:
    """Return what to call an input in messages: its path, or "standard input" for -."""
    if isinstance(source, Content):
        return source.name
    return "standard input" if os.fspath(source) == STREAM else str(source)


def check_streams(*sources: str) -> None:
    """Raise a ValueError if two inputs of a command are standard input."""
    if sources.count(STREAM) > 1:
        raise ValueError("- is given for two inputs, and standard input is read once")


def read_content(source: Source) -> Content:
    """Read an input whole, once.

    Args:
      source: the input.

    Returns:
      The content, unpacked if it is gzipped.

    Raises:
      ValueError: if it cannot be read, or cannot be unpacked.
    """
    if isinstance(source, Content):
        return source
    name = input_name(source)
    try:
        if os.fspath(source) == STREAM:
            content = sys.stdin.buffer.read()
        else:
            content = pathlib.Path(source).read_bytes()
    except OSError as error:
        raise ValueError(f"{name}: cannot be read ({error.strerror})") from error
    return Content(name, _unpack(content, name))


def read_text(source: Source) -> str:
    """Return the content of a UTF-8 text.

    Args:
      source: the input, plain or gzipped. A byte-order mark at its start is removed.

    Returns:
      The text, its lines ended by line feeds alone; it holds at least one character
      that is not blank.

    Raises:
      ValueError: if it cannot be read, is not UTF-8, or is blank.
    """
    read = read_content(source)
    name, content = read.name, read.data
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{name}: {_describe(content, error.start)}") from None
    if "\0" in text[:2] and text.isascii():  # of every letter, one byte is zero
        order = "BE" if text[0] == "\0" else "LE"
        raise ValueError(f"{name}: {_convert('UTF-16' + order, 'UTF-16')}")
    text = text.replace("\r\n", "\n")
    if "\n" not in text:
        text = text.replace("\r", "\n")  # as old Macs ended lines
    if not text.strip():
        raise ValueError(f"{name}: the file is empty")
    return text


def _unpack(content: bytes, name: str) -> bytes:
    """Return the content of a file, unpacked if it is gzipped."""
    if not content.startswith(b"\x1f\x8b"):
        return content
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as stream:
            unpacked = stream.read(_MAX_UNPACKED + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(
            f"{name}: the gzip file is damaged ({error}); copy it again"
        ) from error
    if len(unpacked) > _MAX_UNPACKED:
        raise ValueError(
            f"{name}: unpacks to more than {_MAX_UNPACKED >> 30} GiB; divide it"
        )
    return unpacked


def _describe(content: bytes, start: int) -> str:
    """Say what a file is that is not UTF-8 text, from the given byte on."""
    for magic, kind in _COMPRESSED.items():
        if content.startswith(magic):
            return f"not a text file but {kind}; unpack it first"
    for mark, encoding in _MARKS.items():
        if content.startswith(mark):
            return _convert(encoding)
    if set(content) & _CONTROL_BYTES:
        return "not a text file"
    line = content.count(b"\n", 0, start) + 1
    return f"line {line}: {_convert('ISO-8859-1', 'Latin-1')}"


def _convert(encoding: str, name: str = "") -> str:
    return (
        f"the text is {name or encoding}, not UTF-8; convert it, such as by iconv "
        f"-f {encoding} -t UTF-8"
    )
