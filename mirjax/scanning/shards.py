"""Shards: a scan divided over independent machines, and its merge.

Shard i of n scans the slices i, i + n, i + 2n, … (the first is shard 1) into one file,
which holds their parts. The merge reads all files in parallel and writes the rows in
the order of the input: its output is that of a single run, byte for byte.
"""

import contextlib
import dataclasses
import glob
import hashlib
import json
import os
import pathlib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import IO, Any

import pyarrow as pa

from mirjax.files import atomic_write
from mirjax.scanning.parts import (
    FORMAT,
    DamagedPartError,
    Part,
    decode_part,
    differing,
    encode_part,
    slice_digest,
)
from mirjax.scanning.slices import Slice

_MAGIC = "mirjax shard"
_HEADER = {"shard": int, "shards": int, "settings": dict}  # its keys and types
_LINE_BYTES = 1 << 20  # of a header


@dataclasses.dataclass(frozen=True)
class Shard:
    """One of several equal subsets of the slices.

    Attributes:
      number: from 1 to `count`.
      count: of shards.
    """

    number: int
    count: int

    @classmethod
    def parse(cls, text: str) -> "Shard":
        """Return the shard that a flag names.

        >>> Shard.parse("2/4")
        Shard(number=2, count=4)
        """
        match = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", text)
        if match is None or not 1 <= int(match[1]) <= int(match[2]):
            raise ValueError(
                f"--shard={text}: give the number of the shard and how many there are, "
                "such as 1/4 for the first of four"
            )
        return cls(int(match[1]), int(match[2]))


def shard_file(out: str | os.PathLike[str], shard: Shard) -> pathlib.Path:
    """Return the file of a shard of an output."""
    path = pathlib.Path(out)
    return path.with_name(f"{path.name}.shard-{shard.number}-of-{shard.count}")


class ShardWriter:
    """Writes the file of one shard."""

    def __init__(self, stream: IO[bytes], shard: Shard) -> None:
        self._stream, self._shard = stream, shard
        self._slices = 0
        self._targets = hashlib.sha256()

    def choose(self, slices: Iterable[Slice]) -> Iterator[Slice]:
        """Yield the slices of this shard, and count all."""
        for a_slice in slices:
            self._slices += 1
            self._targets.update(slice_digest(a_slice).encode())
            if a_slice.number % self._shard.count == self._shard.number - 1:
                yield a_slice

    def write(self, part: Part) -> None:
        """Write the rows of the next slice."""
        data = encode_part(part)
        self._stream.write(f"{len(data)}\n".encode() + data)

    def end(self) -> None:
        """Write the last line, which shows that the file is complete."""
        end = {"slices": self._slices, "targets": self._targets.hexdigest()}
        self._stream.write(b"end " + json.dumps(end).encode() + b"\n")


@contextlib.contextmanager
def open_shard(
    path: pathlib.Path, shard: Shard, settings: Mapping[str, str]
) -> Iterator[ShardWriter]:
    """Open the file of a shard for writing; it appears whole or not at all.

    Args:
      path: the file.
      shard: which.
      settings: what the rows depend on besides the targets.
    """
    header = {
        "kind": _MAGIC,
        "format": FORMAT,
        "shard": shard.number,
        "shards": shard.count,
        "settings": dict(settings),
    }
    with atomic_write(path) as unfinished, unfinished.open("wb") as stream:
        stream.write(json.dumps(header).encode() + b"\n")
        writer = ShardWriter(stream, shard)
        yield writer
        writer.end()


@dataclasses.dataclass(frozen=True)
class Shards:
    """All shards of one scan.

    Attributes:
      files: of the shards, in order.
      settings: with which they were made.
    """

    files: tuple[pathlib.Path, ...]
    settings: Mapping[str, str]

    def tables(self) -> Iterator[pa.Table]:
        """Yield the rows of each slice, in the order of the input.

        Raises:
          ValueError: if a file is damaged, or the shards are of different targets.
        """
        with contextlib.ExitStack() as stack:
            streams = [stack.enter_context(path.open("rb")) for path in self.files]
            readers = [
                _read_parts(stream, path)
                for stream, path in zip(streams, self.files, strict=True)
            ]
            number = 0
            while isinstance(part := next(readers[number % len(readers)]), Part):
                if part.number != number:
                    path = self.files[number % len(readers)]
                    raise ValueError(
                        f"{path}: slice {part.number} is in the place of slice "
                        f"{number}; scan this shard again"
                    )
                yield part.table
                number += 1
            ends = [part, *self._other_ends(readers, number)]
            for path, end in zip(self._from(number), ends, strict=True):
                if end != part or end.get("slices") != number:
                    raise ValueError(
                        f"{path}: its targets are not those of {self.files[0]}; scan "
                        "all shards with the same --targets"
                    )

    def _from(self, number: int) -> list[pathlib.Path]:
        """Return the files in turn, first the one that holds a slice."""
        first = number % len(self.files)
        return [*self.files[first:], *self.files[:first]]

    def _other_ends(self, readers: list[Iterator[Any]], number: int) -> list[Any]:
        """Read the last line of each other shard."""
        first = number % len(readers)
        ordered = [*readers[first:], *readers[:first]]
        return [next(reader) for reader in ordered[1:]]


def find_shards(out: str | os.PathLike[str]) -> Shards:
    """Find the shards of an output, which lie beside it.

    Args:
      out: the output of the merge; the shards were made with the same --out.

    Raises:
      ValueError: if some are missing, are of scans with different numbers of shards, or
        were made with different settings.
    """
    path = pathlib.Path(out)
    pattern = re.compile(re.escape(path.name) + r"\.shard-([0-9]+)-of-([0-9]+)")
    found: dict[Shard, pathlib.Path] = {}
    for name in glob.glob(glob.escape(str(path)) + ".shard-*-of-*"):
        if match := pattern.fullmatch(os.path.basename(name)):
            found[Shard(int(match[1]), int(match[2]))] = pathlib.Path(name)
    counts = sorted({shard.count for shard in found})
    if not found:
        raise ValueError(
            f"--merge: there is no {shard_file(path, Shard(1, 4))} or the like; make "
            "the shards with --shard=1/4 and so on, and the same --out"
        )
    if len(counts) > 1:
        numbers = " and ".join(map(str, counts))
        raise ValueError(
            f"--merge: {path} has shards of scans divided into {numbers}; delete those "
            "of the other scan"
        )
    wanted = [Shard(number, counts[0]) for number in range(1, counts[0] + 1)]
    missing = [
        f"{shard.number}/{shard.count}" for shard in wanted if shard not in found
    ]
    if missing:
        raise ValueError(
            f"--merge: of {path} these shards are missing: {', '.join(missing)}"
        )
    files = tuple(found[shard] for shard in wanted)
    settings = [_read_settings(found[shard], shard) for shard in wanted]
    for file, of_file in zip(files, settings, strict=True):
        if changes := differing(of_file, settings[0]):
            raise ValueError(
                f"--merge: {file} was made with other settings than {files[0]}: "
                + ", ".join(changes).replace("was", "there")
            )
    return Shards(files, settings[0])


def _read_settings(path: pathlib.Path, shard: Shard) -> dict[str, str]:
    """Return the settings that a shard's file was made with."""
    with path.open("rb") as stream:
        header = _read_header(stream, path)
    if (header["shard"], header["shards"]) != (shard.number, shard.count):
        raise ValueError(
            f"{path}: holds shard {header['shard']} of {header['shards']}; give the "
            "file its original name"
        )
    settings: dict[str, str] = header["settings"]
    return settings


def _read_header(stream: IO[bytes], path: pathlib.Path) -> dict[str, Any]:
    """Read the first line of a shard's file."""
    try:
        header = json.loads(stream.readline(_LINE_BYTES))
        if header["kind"] != _MAGIC or header["format"] != FORMAT:
            raise KeyError("kind")
        for name, kind in _HEADER.items():
            if not isinstance(header[name], kind):
                raise KeyError(name)
    except (ValueError, KeyError, TypeError):
        raise ValueError(
            f"{path}: not a shard that this version of mirjax reads; make it again "
            "with --shard"
        ) from None
    return header


def _read_parts(stream: IO[bytes], path: pathlib.Path) -> Iterator[Any]:
    """Yield the parts of a shard's file, then its last line, a dict."""
    _read_header(stream, path)
    size = os.fstat(stream.fileno()).st_size
    try:
        while not (line := stream.readline(_LINE_BYTES)).startswith(b"end "):
            length = int(line)
            if length > size:
                raise DamagedPartError(f"a part of {length} bytes")
            yield decode_part(stream.read(length))
        yield json.loads(line.removeprefix(b"end "))
    except ValueError as error:
        raise ValueError(
            f"{path}: the shard is damaged ({error}); copy it again, or make it again"
        ) from error
