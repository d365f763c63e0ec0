"""Distribute queries round-robin over blastn processes, and read their rows in order.

On short queries blastn's own threads gain next to nothing, and half of its time goes to
printing, which is not threaded. One process per core is faster.

blastn searches each query independently of the others, with one exception: it joins the
queries of a batch, and may miss a hit at the very end of the joined sequence. So each
batch here ends with random letters, except that the last query of all is searched last,
as in plain blastn. (Plain blastn itself splits queries of very many letters into
several batches. At the end of each but the last, it may miss a hit that is found here.)
"""

import concurrent.futures
import dataclasses
import itertools
import logging
import operator
import os
import random
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from mirjax.blast.database import DATABASE, subject_names
from mirjax.blast.programs import BlastError, find_blast, run
from mirjax.blast.settings import BlastSettings
from mirjax.sequences import alphabet

# blastn keeps the hits of a batch of queries in memory, up to 2.4 KB each: with this
# many it stays below about 0.6 GB.
_HITS_PER_BATCH = 250_000
_QUERIES_PER_BATCH = 2_000
_QUERIES_PER_RUN = 20_000
_GUARD = 32  # minimal number of random letters after the last query of a batch
_GUARD_NUMBER = -1  # query number of those letters

_logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Limits:
    """Limits of the blastn processes of a search.

    Attributes:
      num_processes: parallel processes; None for one per core.
      timeout_s: time limit of each process, in seconds.

    Raises:
      ValueError: for a value out of range.
    """

    num_processes: int | None = None
    timeout_s: float = 3600.0

    def __post_init__(self) -> None:
        if self.num_processes is not None and self.num_processes < 1:
            raise ValueError(f"--num_processes={self.num_processes} must be at least 1")
        if self.timeout_s <= 0:
            raise ValueError(f"timeout_s={self.timeout_s} must be above 0")

    @property
    def workers(self) -> int:
        """The number of parallel processes."""
        if self.num_processes is not None:
            return self.num_processes
        has_affinity = hasattr(os, "sched_getaffinity")
        return len(os.sched_getaffinity(0)) if has_affinity else 1


ONE_PER_CORE = Limits()


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


def search_queries(
    sequences: Sequence[str],
    numbers: Sequence[int],
    database: Path,
    settings: BlastSettings,
    limits: Limits,
) -> Iterator[QueryRows]:
    """Search some of the sequences, each by itself.

    Logs a warning at the end if queries reached `max_target_seqs`, since blastn then
    drops further hits without a message.

    Args:
      sequences: RNA letters.
      numbers: indices of the sequences to search. The last is searched last.
      database: a folder returned by `database.build_database`.
      settings: settings of the search.
      limits: limits of the blastn processes.

    Yields:
      The rows of each query that has any.

    Raises:
      BlastError: if BLAST+ is missing, too old, fails or exceeds the time limit.
    """
    if not numbers:
        return
    num_runs = _count_runs(len(numbers), limits.workers)
    num_full = 0
    with (
        tempfile.TemporaryDirectory(prefix="mirjax-blast-") as scratch,
        concurrent.futures.ThreadPoolExecutor(limits.workers) as pool,
    ):
        run_blastn = _make_runner(sequences, numbers, database, settings, limits)

        def run_part(part: int) -> Path:
            # Round-robin, so that slow queries are spread over the processes; from the
            # last query on, so that it is the last one of part 0.
            own = numbers[len(numbers) - 1 - part :: -num_runs][::-1]
            return run_blastn(Path(scratch) / str(part), own, part > 0)

        parts = [pool.submit(run_part, part) for part in range(num_runs)]
        try:
            for finished in parts:
                table = finished.result()
                for query_rows in _read_rows(table):
                    subjects = {subject for subject, _ in query_rows.rows}
                    num_full += len(subjects) >= settings.max_target_seqs
                    yield query_rows
                table.unlink()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
    if num_full and settings.max_target_seqs < len(subject_names(database)):
        _logger.warning(
            "%d of %d distinct queries reached max_target_seqs=%d and may have more "
            "hits",
            num_full,
            len(numbers),
            settings.max_target_seqs,
        )


def _count_runs(num_queries: int, workers: int) -> int:
    """Return a number of blastn runs that occupies all workers to the end."""
    num_runs = -(-num_queries // _QUERIES_PER_RUN)
    return min(num_queries, -(-num_runs // workers) * workers)


def _make_runner(
    sequences: Sequence[str],
    numbers: Sequence[int],
    database: Path,
    settings: BlastSettings,
    limits: Limits,
) -> Callable[[Path, Sequence[int], bool], Path]:
    """Return a function that searches queries by one blastn process.

    Args:
      sequences: RNA letters.
      numbers: indices of all sequences to search; they decide the size of a batch.
      database: a folder returned by `database.build_database`.
      settings: settings of the search.
      limits: limits of the process.

    Returns:
      A function of a path for scratch files, the indices of the sequences to search,
      and whether random letters follow the last; it returns the path of the table.
    """
    lengths = [len(sequences[number]) for number in numbers]
    queries_per_batch = min(
        _QUERIES_PER_BATCH, _HITS_PER_BATCH // settings.max_target_seqs + 1
    )
    batch_letters = max(
        queries_per_batch * sum(lengths) // len(lengths), max(lengths) + _GUARD
    )
    command = [str(find_blast().blastn), "-db", DATABASE, *settings.arguments()]
    command += ["-outfmt", "6"]

    def run_blastn(path: Path, own: Sequence[int], closed: bool) -> Path:
        fasta, table = path.with_suffix(".fa"), path.with_suffix(".tsv")
        with fasta.open("w", encoding="ascii") as file:
            file.writelines(_records(sequences, own, batch_letters, closed=closed))
        run(
            [*command, "-query", str(fasta), "-out", str(table)],
            timeout_s=limits.timeout_s,
            folder=database,
            variables={"BATCH_SIZE": str(batch_letters)},
        )
        fasta.unlink()
        return table

    return run_blastn


def _records(
    sequences: Sequence[str],
    numbers: Sequence[int],
    batch_letters: int,
    *,
    closed: bool,
) -> Iterator[str]:
    """Yield FASTA records in batches, each of which ends with random letters.

    blastn adds records to a batch until they have `batch_letters` letters together.
    """
    used = 0
    for number in numbers:
        sequence = sequences[number]
        if used + len(sequence) + _GUARD > batch_letters:
            yield _guard(batch_letters - used)
            used = 0
        yield f">q{number}\n{sequence}\n"
        used += len(sequence)
    if closed:
        yield _guard(_GUARD)


def _guard(length: int) -> str:
    letters = "".join(random.Random(0).choices(alphabet.LETTERS, k=length))
    return f">q{_GUARD_NUMBER}\n{letters}\n"


def _read_rows(table: Path) -> Iterator[QueryRows]:
    """Yield the rows of a table by query, without those of the random letters."""
    with table.open("rb") as file:
        rows_of = itertools.groupby(map(_parse, file), key=operator.itemgetter(0))
        for number, rows in rows_of:
            if number != _GUARD_NUMBER:
                yield QueryRows(number, [(subject, rest) for _, subject, rest in rows])


def _parse(line: bytes) -> tuple[int, int, bytes]:
    """Return a row's query number, subject index and remaining columns."""
    try:
        query, subject, rest = line.split(b"\t", 2)
        return int(query[1:]), int(subject[1:]), rest
    except ValueError as error:
        raise BlastError(f"blastn printed an unexpected row: {line!r}") from error
