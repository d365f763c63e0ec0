"""Hits of a BLAST search: rows of blastn's table as typed values."""

import dataclasses
from collections.abc import Iterable, Sequence

from mirjax.blast.programs import BlastError


@dataclasses.dataclass(frozen=True, slots=True)
class Hit:
    """One local alignment, a row of blastn's table. Positions count from 1.

    Attributes:
      query: name of the query.
      subject: name of the database sequence.
      identity_percent: identical columns, percent of `length`.
      length: columns of the alignment.
      mismatches: columns of two different letters.
      gap_opens: number of gaps, of any length.
      query_start: first aligned letter of the query.
      query_end: last aligned letter of the query.
      subject_start: first aligned letter of the subject; on the minus strand it is
        greater than `subject_end`.
      subject_end: last aligned letter of the subject.
      evalue: expected number of alignments this good by chance.
      bitscore: normalised score, in bits.
      subject_index: index of the subject in the database's FASTA file, from 0.
    """

    query: str
    subject: str
    identity_percent: float
    length: int
    mismatches: int
    gap_opens: int
    query_start: int
    query_end: int
    subject_start: int
    subject_end: int
    evalue: float
    bitscore: float
    subject_index: int


def best_hits(hits: Iterable[Hit]) -> dict[str, Hit]:
    """Choose each query's best hit.

    Args:
      hits: hits in any order.

    Returns:
      By query name, the hit of lowest E-value, then highest bit score, then lowest
      subject index. Queries without a hit are absent.
    """
    best: dict[str, Hit] = {}
    for hit in hits:
        rival = best.get(hit.query)
        if rival is None or _rank(hit) < _rank(rival):
            best[hit.query] = hit
    return best


def parse_row(
    query: str, subjects: Sequence[str], subject: int, columns: Sequence[str]
) -> Hit:
    """Parse the ten columns of blastn's table that follow the two names.

    Args:
      query: name of the query.
      subjects: names of the database's sequences.
      subject: index of the hit's sequence among them.
      columns: the columns from percent identity to bit score.

    Returns:
      The hit.

    Raises:
      BlastError: if a column is missing or no number, or the database has no such
        subject.
    """
    try:
        identity, *counts, evalue, bitscore = columns
        length, mismatches, gaps, q_start, q_end, s_start, s_end = map(int, counts)
        return Hit(
            query=query,
            subject=subjects[subject],
            identity_percent=float(identity),
            length=length,
            mismatches=mismatches,
            gap_opens=gaps,
            query_start=q_start,
            query_end=q_end,
            subject_start=s_start,
            subject_end=s_end,
            evalue=float(evalue),
            bitscore=float(bitscore),
            subject_index=subject,
        )
    except (ValueError, IndexError) as error:
        raise BlastError(
            f"blastn printed an unexpected row for subject {subject}: {list(columns)}"
        ) from error


def _rank(hit: Hit) -> tuple[float, float, int]:
    return hit.evalue, -hit.bitscore, hit.subject_index
