"""Regions of a genome: spliced intervals of a FASTA file, given by a BED file."""

import contextlib
import itertools
import os
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from Bio import SeqIO
from Bio.Seq import reverse_complement

from mirjax.inputs import open_rereadable, stream_lines
from mirjax.pipes import is_read_once
from mirjax.sequences import alphabet
from mirjax.sequences.bad_records import BadRecords
from mirjax.sequences.fasta import check_name
from mirjax.sequences.records import SequenceRecord

_GZIP = b"\x1f\x8b"
_COLUMNS = 3  # that a BED line has at least
_BLOCKS = 12  # columns of a BED line that has blocks
_SHOWN = 3  # chromosomes that a message names


class Region(NamedTuple):
    """Intervals of one chromosome that are spliced.

    Attributes:
      name: of the spliced sequence.
      chromosome: its name in the FASTA file.
      intervals: start and end of each, 0-based, half-open, ascending.
      strand: 1, or -1 for the reverse complement.
    """

    name: str
    chromosome: str
    intervals: tuple[tuple[int, int], ...]
    strand: int


class Genome:
    """A FASTA file of chromosomes; one chromosome is in memory at a time."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Index the chromosomes of the file.

        Args:
          path: the file, not compressed.

        Raises:
          ValueError: if it is compressed, missing, a pipe, or not FASTA, or has a name
            twice.
        """
        self._path = os.fspath(path)
        if is_read_once(path):
            raise ValueError(
                f"{self._path}: a genome is read at any position: give a file, not a "
                "pipe"
            )
        try:
            with open(self._path, "rb") as stream:
                if stream.read(2) == _GZIP:
                    raise ValueError(
                        f"{self._path}: a genome must not be compressed, since it is "
                        "read at any position; unpack it by gunzip"
                    )
        except OSError as error:
            raise ValueError(
                f"{self._path}: cannot be read ({error.strerror})"
            ) from error
        with open_lines(self._path) as lines:  # names a non-text file in its error
            next(lines)
        try:
            self._index: Any = SeqIO.index(self._path, "fasta")
        except ValueError as error:
            raise ValueError(
                f"{self._path}: two sequences have one name ({error}); rename one"
            ) from error
        if not len(self._index):
            raise ValueError(f"{self._path}: not a FASTA file: no line begins with '>'")
        self._name, self._letters = "", ""

    def __enter__(self) -> "Genome":
        return self

    def __exit__(self, *error: object) -> None:
        self._index.close()

    def splice(self, region: Region) -> SequenceRecord:
        """Return a region's sequence, 5'→3', RNA letters and N.

        Raises:
          ValueError: if the genome lacks its chromosome, or it ends beyond that, or has
            invalid letters.
        """
        letters = self._chromosome(region.chromosome)
        last = max(end for _, end in region.intervals)
        if last > len(letters):
            raise ValueError(
                f"ends at {last:,}, but {region.chromosome} in {self._path} has "
                f"{len(letters):,} nt"
            )
        sequence = "".join(letters[start:end] for start, end in region.intervals)
        if region.strand < 0:
            sequence = reverse_complement(sequence)
        return SequenceRecord(
            region.name, alphabet.normalise(sequence, unknown_letters=True)
        )

    def _chromosome(self, name: str) -> str:
        if name not in self._index:
            known = ", ".join(itertools.islice(self._index, _SHOWN))
            raise ValueError(f"{self._path} has no {name}, but {known}")
        if name != self._name:
            self._letters = ""  # to free memory before the next one is read
            self._name, self._letters = name, str(self._index[name].seq)
        return self._letters


def read_bed(
    genome: str | os.PathLike[str],
    bed: str | os.PathLike[str],
    bad_records: BadRecords | None = None,
) -> Iterator[SequenceRecord]:
    """Yield the sequence of each line of a BED file, in its order.

    Args:
      genome: FASTA file of chromosomes.
      bed: plain or gzipped, of 3 to 12 columns: the name is column 4, else
        chromosome:start-end; column 6 is the strand; the blocks of columns 10 to 12
        are spliced. It is read once.
      bad_records: what to do with lines that are wrong, of another assembly, or named
        as an earlier one; by default they are refused, all in one message at the end.

    Raises:
      ValueError: for malformed lines, or an empty file.
    """
    used, bad = set[str](), list[tuple[str, str]]()
    with Genome(genome) as opened:
        for number, cells in _bed_lines(bed):
            try:
                region = _parse_line(cells)
                check_name(region.name, used)
                record = opened.splice(region)
            except ValueError as error:
                bad.append((f"line {number}", str(error)))
                continue
            used.add(region.name)
            yield record
    if not used and not bad:
        raise ValueError(f"{os.fspath(bed)}: the file has no intervals")
    what = "lines give no sequence"
    (bad_records or BadRecords()).report(bed, bad, len(used) + len(bad), what)


def _bed_lines(bed: str | os.PathLike[str]) -> Iterator[tuple[int, list[str]]]:
    """Read the lines of a BED file: the number and the cells of each."""
    with open_lines(bed) as lines:
        for number, line in enumerate(lines, 1):
            text = line.rstrip("\r\n")
            if text.strip() and not text.startswith(("#", "track", "browser")):
                yield number, text.split("\t")


def _parse_line(cells: Sequence[str]) -> Region:
    """Return the region of a BED line."""
    if len(cells) < _COLUMNS:
        raise ValueError(f"{len(cells)} columns, not {_COLUMNS} to {_BLOCKS}")
    chromosome, start, end = cells[0], int(cells[1]), int(cells[2])
    intervals: tuple[tuple[int, int], ...] = ((start, end),)
    if len(cells) >= _BLOCKS:
        sizes, offsets = ([int(x) for x in c.split(",") if x] for c in cells[10:12])
        intervals = tuple(
            (start + offset, start + offset + size)
            for offset, size in zip(offsets, sizes, strict=True)
        )
    for low, high in intervals:
        if not 0 <= low < high:
            raise ValueError(f"interval {low} to {high}")
    name = cells[3] if len(cells) > 3 else f"{chromosome}:{start}-{end}"
    strand = -1 if len(cells) > 5 and cells[5] == "-" else 1
    return Region(name, chromosome, intervals, strand)


@contextlib.contextmanager
def open_lines(path: str | os.PathLike[str]) -> Iterator[Iterator[str]]:
    """Open a text, plain or gzipped, to be read line by line.

    Raises:
      ValueError: if it cannot be read, is not UTF-8 text, or is blank.
    """
    with open_rereadable(path) as stream:
        yield stream_lines(stream, os.fspath(path))
