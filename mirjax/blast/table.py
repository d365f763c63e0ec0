"""blastn's table with comments (-outfmt 7), every line of it checked.

The comments give the number of rows of each query and the number of queries, so that a
truncated table is detected.
"""

import dataclasses
import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from mirjax.blast.programs import BlastError

OUTFMT = "7"

_QUERY = re.compile(rb"# Query: q(\d{1,18})\n")
_HITS = re.compile(rb"# (\d{1,18}) hits found\n")
_END = re.compile(rb"# BLAST processed (\d{1,18}) quer(?:y|ies)\n")
_REAL = rb"(\d{1,18}(?:\.\d{1,18})?(?:e[-+]\d{1,3})?)"
_COLUMNS = re.compile(
    _REAL + rb"\t(\d{1,18})" * 7 + rb"\t *" + _REAL + rb"\t *" + _REAL + rb"\n"
)
_ROUNDING = 1.01  # an E-value is printed with at least two digits
_MAX_LINE = 1 << 12  # bytes; a row has some 80
_MAX_CHECKED = 1 << 16  # different columns to remember
_NOWHERE = (1 << 62, 1 << 62)  # the positions of unsound columns


@dataclasses.dataclass(frozen=True)
class QueryRows:
    """The rows of blastn's table of one query.

    Attributes:
      number: the query's index.
      rows: of each row the index of the subject, and the columns that follow the names
        as blastn prints them, with tabs between them and a line break at the end.
    """

    number: int
    rows: list[tuple[int, bytes]]


@dataclasses.dataclass(frozen=True)
class Bounds:
    """Upper bounds of the columns of a row.

    Attributes:
      query_lengths: letters of each query, by its index.
      subject_lengths: letters of each sequence of the database, by its index.
      evalue: highest E-value reported.
    """

    query_lengths: Sequence[int]
    subject_lengths: Sequence[int]
    evalue: float


def read_table(
    path: Path, numbers: Sequence[int], bounds: Bounds
) -> Iterator[QueryRows]:
    """Read the rows of each query that has any.

    Args:
      path: the table, of queries named q0, q1, … and subjects named s0, s1, ….
      numbers: indices of the queries that were searched, in this order.
      bounds: upper bounds of the columns.

    Yields:
      The rows of a query.

    Raises:
      BlastError: if the table is truncated, or has a line that blastn does not print
        for this search.
    """
    columns = _Columns(bounds.evalue)
    with path.open("rb") as file:
        for number in numbers:
            if _count(file, _QUERY, "the next query") != number:
                raise BlastError(f"blastn's table lacks query {number} of the search")
            num_rows = _count(file, _HITS, f"the number of hits of query {number}")
            rows = []
            for _ in range(num_rows):
                line = file.readline(_MAX_LINE)
                rows.append(_parse_row(line, number, bounds, columns))
            if rows:
                yield QueryRows(number, rows)
        if _count(file, _END, "the number of queries") != len(numbers):
            raise BlastError(f"blastn's table is not of {len(numbers)} queries")
        if file.read(1):
            raise BlastError("blastn's table goes on after its end")


class _Columns(dict[bytes, tuple[int, int]]):
    """Last letters in query and subject, by the columns that follow the names.

    Similar alignments have equal columns, which are checked once. Unsound columns have
    positions that no sequence has.

    Args:
      evalue: highest E-value reported.
    """

    def __init__(self, evalue: float) -> None:
        super().__init__()
        self._evalue = evalue * _ROUNDING

    def __missing__(self, columns: bytes) -> tuple[int, int]:
        if len(self) >= _MAX_CHECKED:
            self.clear()
        ends = self[columns] = self._check(columns)
        return ends

    def _check(self, columns: bytes) -> tuple[int, int]:
        found = _COLUMNS.fullmatch(columns)
        if found is None:
            return _NOWHERE
        identity, *counts, evalue, bits = found.groups()
        length, mismatches, gaps, q_start, q_end, s_start, s_end = map(int, counts)
        if s_start > s_end:
            s_start, s_end = s_end, s_start
        is_sound = (
            1 <= q_start <= q_end < q_start + length
            and 1 <= s_start <= s_end < s_start + length
            and mismatches + gaps <= length
            and float(identity) <= 100.0
            and float(evalue) <= self._evalue
            and math.isfinite(float(bits))
        )
        return (q_end, s_end) if is_sound else _NOWHERE


def _count(file: IO[bytes], pattern: re.Pattern[bytes], sought: str) -> int:
    """Skip comments up to the next one of a kind, and return its number."""
    while (line := file.readline(_MAX_LINE)).startswith(b"# ") and line[-1:] == b"\n":
        if found := pattern.fullmatch(line):
            return int(found[1])
        if _END.fullmatch(line):
            break
    if line.endswith(b"\n"):
        raise _unexpected(line)
    raise BlastError(f"blastn's table is cut short before {sought}; search again")


def _parse_row(
    line: bytes, number: int, bounds: Bounds, columns: _Columns
) -> tuple[int, bytes]:
    """Check a row of one query; return its subject and the columns after the names."""
    if not line.endswith(b"\n"):
        raise BlastError(
            f"blastn's table is cut short in the rows of query {number}; search again"
        )
    try:
        query, subject, rest = line.split(b"\t", 2)
        index = int(subject[1:])
        query_end, subject_end = columns[rest]
        if (
            query == b"q%d" % number
            and subject == b"s%d" % index
            and query_end <= bounds.query_lengths[number]
            and subject_end <= bounds.subject_lengths[index]
        ):
            return index, rest
    except (ValueError, IndexError):
        pass  # reported below, as any other row that is not sound
    raise _unexpected(line)


def _unexpected(line: bytes) -> BlastError:
    return BlastError(f"blastn printed an unexpected row: {line[:200]!r}")
