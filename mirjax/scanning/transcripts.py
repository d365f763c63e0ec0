"""Transcripts of a scan: FASTA, read record by record and divided into slices."""

import contextlib
import dataclasses
import os
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from mirjax.inputs import STREAM, input_name, open_rereadable, stream_lines
from mirjax.pipes import is_read_once
from mirjax.scanning.options import SLICE_LETTERS
from mirjax.scanning.slices import Slice
from mirjax.sequences import fasta
from mirjax.sequences.bad_records import BadRecords
from mirjax.sequences.records import SequenceRecord


@dataclasses.dataclass(frozen=True)
class Transcripts:
    """A FASTA file of transcripts that has been checked and is read on demand.

    Attributes:
      name: what to call the file in messages.
      num_records: transcripts in it, without bad records.
      num_letters: total length of these transcripts, nt.
      unknown_letters: whether N and the other IUPAC codes are read as N.
      stream: the file.
      path: of the file, or - for standard input and pipes.
    """

    name: str
    num_records: int
    num_letters: int
    unknown_letters: bool
    stream: BinaryIO
    path: str = STREAM

    @property
    def is_read_once(self) -> bool:
        """Whether the file cannot be opened a second time."""
        return self.path == STREAM

    def __iter__(self) -> Iterator[SequenceRecord]:
        """Read the records in file order, one in memory at a time."""
        for record in _read(self.stream, self.name, self.unknown_letters):
            if not isinstance(record, fasta.NoRecord):
                yield record

    def slices(self, letters: int = SLICE_LETTERS) -> Iterator[Slice]:
        """Cut the transcripts into slices, one in memory at a time.

        Args:
          letters: a slice ends with the transcript that reaches this many nt, so that
            where slices begin depends only on the file.
        """
        return cut_slices(self, letters)

    @contextlib.contextmanager
    def reopened(self) -> Iterator["Transcripts"]:
        """Open the file a second time, to be read in step with this reader.

        Raises:
          ValueError: for standard input and pipes.
        """
        if self.is_read_once:
            raise ValueError(f"{self.name} cannot be read twice at once")
        with open_rereadable(self.path) as stream:
            yield dataclasses.replace(self, stream=stream)


@contextlib.contextmanager
def open_transcripts(
    path: str | os.PathLike[str],
    bad_records: BadRecords | None = None,
    *,
    unknown_letters: bool = True,
) -> Iterator[Transcripts]:
    """Open a FASTA file of transcripts, 5'→3', of any number and length.

    The file is read twice: at once, to find all bad records before work begins, and
    then as the transcripts are needed. One record and all names are in memory.

    Args:
      path: the file, plain or gzipped, or - for standard input, which like a pipe is
        copied to a temporary file.
      bad_records: what to do with records that cannot be read; by default they are
        refused, all in one message.
      unknown_letters: read N and the other IUPAC codes as N.

    Yields:
      The transcripts; they can be read while the block lasts.

    Raises:
      ValueError: as `fasta.read_fasta` does.
    """
    name = input_name(path)
    with open_rereadable(path) as stream:
        num_records = num_letters = 0
        bad: list[tuple[str, str]] = []
        for record in _read(stream, name, unknown_letters):
            if isinstance(record, fasta.NoRecord):
                bad.append((record.label, record.reason))
            else:
                num_records += 1
                num_letters += len(record.sequence)
        (bad_records or BadRecords()).report(path, bad, num_records + len(bad))
        again = STREAM if is_read_once(path) else os.fspath(path)
        yield Transcripts(
            name, num_records, num_letters, unknown_letters, stream, again
        )


def cut_slices(
    records: Iterable[SequenceRecord], letters: int = SLICE_LETTERS
) -> Iterator[Slice]:
    """Cut transcripts into slices; see `Transcripts.slices`."""
    number, size, part = 0, 0, list[SequenceRecord]()
    for record in records:
        part.append(record)
        size += len(record.sequence)
        if size >= letters:
            yield Slice(number, tuple(part))
            number, size, part = number + 1, 0, []
    if part:
        yield Slice(number, tuple(part))


def _read(
    stream: BinaryIO, name: str, unknown_letters: bool
) -> Iterator[SequenceRecord | fasta.NoRecord]:
    """Read a FASTA file from its start."""
    stream.seek(0)
    lines = stream_lines(stream, name)
    return fasta.parse(lines, name, unknown_letters=unknown_letters)
