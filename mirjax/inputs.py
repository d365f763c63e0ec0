"""Inputs: files or standard input, plain or gzipped, read once as UTF-8 text."""

import codecs
import contextlib
import dataclasses
import gzip
import io
import os
import shutil
import stat
import sys
import tempfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO, TypeAlias

STREAM = "-"  # the path of standard input

_MAX_UNPACKED = 2 << 30  # bytes that a gzipped file may unpack to
_GZIP = b"\x1f\x8b"
_CHUNK = 1 << 20  # bytes read at a time
_MARKS = {  # UTF-32 first, since its mark begins with that of UTF-16
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
    """An input that has been read, for several readers: a pipe can be read only once.

    Attributes:
      name: its name in messages.
      data: its bytes, unpacked.
    """

    name: str
    data: bytes


Source: TypeAlias = str | os.PathLike[str] | Content
"""A path, - for standard input, or content that has been read already."""


def input_name(source: Source) -> str:
    """Return the name of an input in messages: its path, or "standard input" for -."""
    if isinstance(source, Content):
        return source.name
    return "standard input" if os.fspath(source) == STREAM else str(source)


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
            with open(source, "rb") as stream:
                _refuse_device(stream, name)
                content = stream.read()
    except OSError as error:
        raise ValueError(f"{name}: cannot be read ({error.strerror})") from error
    return Content(name, _unpack(content, name))


def read_text(source: Source) -> str:
    """Return the content of a UTF-8 text.

    Args:
      source: the input, plain or gzipped. A byte-order mark at its start is removed.

    Returns:
      The text, with line feeds as line ends; at least one character is not blank.

    Raises:
      ValueError: if it cannot be read, is not UTF-8, or is blank.
    """
    read = read_content(source)
    name, content = read.name, read.data
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{name}: {_describe(content, error.start)}") from None
    if "\0" in text[:2] and text.isascii():  # one byte of every letter is zero
        order = "BE" if text[0] == "\0" else "LE"
        raise ValueError(f"{name}: {_convert('UTF-16' + order, 'UTF-16')}")
    text = text.replace("\r\n", "\n")
    if "\n" not in text:
        text = text.replace("\r", "\n")  # line ends of old Macs
    if not text.strip():
        raise ValueError(f"{name}: the file is empty")
    return text


def _refuse_device(stream: BinaryIO, name: str) -> None:
    """Raise a ValueError for a device that may never end, such as /dev/zero."""
    found = os.fstat(stream.fileno())
    is_finite = stream.isatty() or found.st_rdev == os.stat(os.devnull).st_rdev
    if stat.S_ISCHR(found.st_mode) and not is_finite:
        raise ValueError(f"{name}: it is a device, not a file")


@contextlib.contextmanager
def open_rereadable(source: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open an input that is read several times, without unpacking it.

    Args:
      source: the input. Standard input and pipes are first copied to a temporary file.

    Yields:
      The stream, at its start; it can be rewound.

    Raises:
      ValueError: if it cannot be read.
    """
    with contextlib.ExitStack() as stack:
        try:
            stream: BinaryIO = sys.stdin.buffer
            if os.fspath(source) != STREAM:
                stream = stack.enter_context(open(source, "rb"))
                _refuse_device(stream, input_name(source))
            if os.fspath(source) == STREAM or not os.path.isfile(source):
                copy = stack.enter_context(tempfile.TemporaryFile())
                shutil.copyfileobj(stream, copy)
                copy.seek(0)
                stream = copy
        except OSError as error:
            raise ValueError(
                f"{input_name(source)}: cannot be read ({error.strerror})"
            ) from error
        yield stream


def stream_lines(stream: BinaryIO, name: str) -> Iterator[str]:
    """Read a UTF-8 text line by line, in the memory of its longest line.

    It accepts and refuses the same texts as `read_text`.

    Args:
      stream: bytes, plain or gzipped, at their start.
      name: of the input, for messages.

    Returns:
      An iterator of the lines, without line ends.

    Raises:
      ValueError: if it cannot be unpacked, is not UTF-8, or is blank.
    """
    blank = True
    for number, line in enumerate(_split_lines(_unpack_stream(stream, name), name), 1):
        try:
            text = line.decode()
        except UnicodeDecodeError as error:
            where = f"line {number}: " if _is_latin(line) else ""
            what = _describe(line, error.start).removeprefix("line 1: ")
            raise ValueError(f"{name}: {where}{what}") from None
        blank = blank and not text.strip()
        yield text
    if blank:
        raise ValueError(f"{name}: the file is empty")


def _unpack_stream(stream: BinaryIO, name: str) -> Iterator[bytes]:
    """Yield the content in chunks, unpacked if it is gzipped."""
    start = stream.read(_CHUNK)
    if not start.startswith(_GZIP):
        yield start
        while chunk := stream.read(_CHUNK):
            yield chunk
        return
    stream.seek(0)
    try:
        with gzip.GzipFile(fileobj=stream) as unpacked:
            while chunk := unpacked.read(_CHUNK):
                yield chunk
    except (OSError, EOFError, zlib.error) as error:
        raise _damaged(name, error) from error


def _split_lines(chunks: Iterator[bytes], name: str) -> Iterator[bytes]:
    """Divide the content of a text into lines."""
    rest = next(chunks, b"")
    _check_encoding(rest, name)
    rest = rest.removeprefix(codecs.BOM_UTF8)
    # Line ends of old Macs: such a file has no others.
    end = b"\r" if b"\r" in rest and b"\n" not in rest else b"\n"
    parts = [rest]
    for chunk in chunks:
        if end not in chunk:
            parts.append(chunk)
            if sum(map(len, parts)) > _MAX_UNPACKED:
                raise ValueError(
                    f"{name}: a line of more than {_MAX_UNPACKED >> 30} GiB; divide it"
                )
            continue
        *lines, rest = b"".join([*parts, chunk]).split(end)
        parts = [rest]
        yield from (line.removesuffix(b"\r") for line in lines)
    yield from (line.removesuffix(b"\r") for line in b"".join(parts).split(end))


def _check_encoding(start: bytes, name: str) -> None:
    """Raise a ValueError if the start of a file shows that it is not UTF-8 text."""
    known = (*_COMPRESSED, *_MARKS)
    zeros = [n for n, byte in enumerate(start[:2]) if not byte]
    binary = set(start) & _CONTROL_BYTES and not _is_utf8(start)
    if start.startswith(known) or binary:
        raise ValueError(f"{name}: {_describe(start, 0)}")
    if zeros and start.isascii():  # one byte of every letter is zero
        order = "BE" if zeros[0] == 0 else "LE"
        raise ValueError(f"{name}: {_convert('UTF-16' + order, 'UTF-16')}")


def _is_utf8(start: bytes) -> bool:
    """Return whether the start of a file is UTF-8, which may end within a letter."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        decoder.decode(start)
    except UnicodeDecodeError:
        return False
    return True


def _is_latin(line: bytes) -> bool:
    """Return whether a line that is not UTF-8 is probably Latin-1."""
    return not set(line) & _CONTROL_BYTES


def _damaged(name: str, error: Exception) -> ValueError:
    return ValueError(f"{name}: the gzip file is damaged ({error}); copy it again")


def _unpack(content: bytes, name: str) -> bytes:
    """Return the content of a file, unpacked if it is gzipped."""
    if not content.startswith(_GZIP):
        return content
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as stream:
            unpacked = stream.read(_MAX_UNPACKED + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise _damaged(name, error) from error
    if len(unpacked) > _MAX_UNPACKED:
        raise ValueError(
            f"{name}: unpacks to more than {_MAX_UNPACKED >> 30} GiB; divide it"
        )
    return unpacked


def _describe(content: bytes, start: int) -> str:
    """Describe a file that is not UTF-8 text, from the given byte on."""
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
