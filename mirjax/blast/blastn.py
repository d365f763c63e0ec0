"""Search short RNAs in a database with NCBI blastn, every setting spelled out.

References:
  Camacho et al. 2009, BLAST+: architecture and applications,
  doi 10.1186/1471-2105-10-421.
"""

import collections
import contextlib
import dataclasses
import logging
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from mirjax.blast.database import DATABASE, build_database, subject_names
from mirjax.blast.programs import BlastError, find_blast, stream
from mirjax.blast.settings import DEFAULT, PUBLISHED, BlastSettings
from mirjax.sequences import alphabet
from mirjax.sequences.records import SequenceRecord

__all__ = [
    "DEFAULT",
    "PUBLISHED",
    "BlastError",
    "BlastSettings",
    "Hit",
    "best_hits",
    "build_database",
    "find_blast",
    "parse_row",
    "search",
]

# blastn holds the hits of all its queries, at up to 2.4 KB each: a run that may
# report this many stays under about 0.6 GB.
_HITS_PER_RUN = 250_000
_LETTERS_PER_RUN = 1_000_000

_logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, slots=True)
class Hit:
    """One local alignment, a row of blastn's table. Positions count from 1.

    Attributes:
      query: name of the query.
      subject: name of the database sequence.
      identity_percent: identical columns, percent of `length`.
      length: columns of the alignment.
      mismatches: columns of two different letters.
      gap_opens: gaps, however long.
      query_start: first letter aligned in the query.
      query_end: last letter aligned in the query.
      subject_start: first letter aligned in the subject, after `subject_end` where
        the alignment is on the minus strand.
      subject_end: last letter aligned in the subject.
      evalue: expected number of alignments this good by chance.
      bitscore: normalised score, in bits.
      subject_index: the subject's place in the database's FASTA file, from 0.
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


def search(
    queries: Iterable[SequenceRecord],
    database: Path,
    settings: BlastSettings = DEFAULT,
    *,
    num_threads: int = 1,
    timeout_s: float = 600.0,
    batch_queries: int | None = None,
) -> Iterator[Hit]:
    """Search queries in a database and yield hits as blastn finds them.

    Queries go to blastn in batches and hits are read from its pipe, so memory stays
    bounded however many there are of either. A warning is logged at the end if
    queries reached `max_target_seqs`, since blastn drops further hits silently.

    Args:
      queries: RNA or DNA, 5'→3'; names may be odd or repeated.
      database: a folder which `build_database` returned.
      settings: what blastn is told.
      num_threads: threads of blastn.
      timeout_s: the longest to wait for one batch, in seconds.
      batch_queries: most queries of one blastn run; by default as many as keep its
        memory near 0.6 GB in the worst case.

    Returns:
      A generator of hits in blastn's order: by query, then subject, best first.

    Raises:
      ValueError: at once, for a bad argument; while iterating, for a bad query.
      BlastError: at once, if BLAST+ is missing or too old; while iterating, if it
        fails or takes too long.
    """
    if batch_queries is None:
        batch_queries = max(1, _HITS_PER_RUN // settings.max_target_seqs)
    for name, value in (
        ("num_threads", num_threads),
        ("timeout_s", timeout_s),
        ("batch_queries", batch_queries),
    ):
        if value <= 0:
            raise ValueError(f"{name}={value}: must be above 0")
    database = Path(database)
    subjects = subject_names(database)
    command = [str(find_blast().blastn), "-db", DATABASE, *settings.arguments()]
    command += ["-num_threads", str(num_threads), "-outfmt", "6"]
    # A generator apart, so that what is wrong by now is raised by now.
    batches = _batches(queries, batch_queries)
    most = settings.max_target_seqs
    return _search(batches, database, subjects, command, most, timeout_s)


def best_hits(hits: Iterable[Hit]) -> dict[str, Hit]:
    """Choose each query's best hit.

    Args:
      hits: in any order.

    Returns:
      By query name, the hit of lowest E-value, then highest bit score, then first
      in the database. Queries without a hit are not there.
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
    """Read the columns of blastn's table that follow the names.

    Args:
      query: name of the query.
      subjects: names of the database's sequences.
      subject: number of the hit's.
      columns: from the percentage of identity to the bit score.

    Raises:
      ValueError: for a column that is not a number.
      IndexError: for a subject that the database does not have.
    """
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


def _rank(hit: Hit) -> tuple[float, float, int]:
    return hit.evalue, -hit.bitscore, hit.subject_index


def _batches(
    queries: Iterable[SequenceRecord], most: int
) -> Iterator[list[SequenceRecord]]:
    batch: list[SequenceRecord] = []
    letters = 0
    for query in queries:
        sequence = alphabet.normalise(query.sequence, name=f"query {query.name}")
        if len(batch) == most or letters + len(sequence) > _LETTERS_PER_RUN:
            if batch:
                yield batch
            batch, letters = [], 0
        batch.append(SequenceRecord(query.name, sequence))
        letters += len(sequence)
    if batch:
        yield batch


def _search(
    batches: Iterable[Sequence[SequenceRecord]],
    database: Path,
    subjects: Sequence[str],
    command: list[str],
    most: int,
    timeout_s: float,
) -> Iterator[Hit]:
    total = full = 0
    with tempfile.TemporaryDirectory(prefix="mirjax-blast-") as scratch:
        fasta = Path(scratch) / "queries.fa"
        command = [*command, "-query", str(fasta)]
        for batch in batches:
            with fasta.open("w", encoding="ascii") as file:
                for number, query in enumerate(batch):
                    file.write(f">q{number}\n{query.sequence}\n")
            found: collections.Counter[str] = collections.Counter()
            pair: list[str] = []
            lines = stream(command, timeout_s=timeout_s, folder=database)
            with contextlib.closing(lines):
                for line in lines:
                    row = line.split("\t")
                    hit = _parse(row, batch, subjects)
                    # A subject's alignments with a query follow one another.
                    if row[:2] != pair:
                        pair = row[:2]
                        found[row[0]] += 1
                    yield hit
            total += len(batch)
            full += sum(n >= most for n in found.values())
    if full and most < len(subjects):
        _logger.warning(
            "%d of %d queries reached max_target_seqs=%d and may have more hits",
            full,
            total,
            most,
        )


def _parse(
    row: Sequence[str], queries: Sequence[SequenceRecord], subjects: Sequence[str]
) -> Hit:
    try:
        query, subject, *rest = row
        name = queries[int(query.removeprefix("q"))].name
        return parse_row(name, subjects, int(subject.removeprefix("s")), rest)
    except (ValueError, IndexError) as error:
        raise BlastError(f"blastn printed an unexpected row: {row}") from error
