"""Distribute queries round-robin over blastn processes, and read their rows in order.

On short queries blastn's own threads save almost no time, and half of its time is spent
on printing, which is not threaded. One process per core is faster.

blastn searches each query independently of the others, with one exception: from a word
size of 11 on it first estimates the score of a seed's extension, by blocks of four
letters, and drops the seed if the estimate is too low. It joins the queries of a batch,
and the estimate counts blocks that reach into the neighbouring queries. So whether
plain blastn finds some hits depends on the neighbouring queries, and other hits are
never found. Here the threshold of the estimate is so low that every seed passes. So the
rows of a query depend only on the query, and include those of any run of plain blastn.
"""

import concurrent.futures
import dataclasses
import logging
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from mirjax.blast.database import DATABASE, subject_lengths
from mirjax.blast.programs import ProgramGroup, find_blast
from mirjax.blast.scratch import scratch_folder
from mirjax.blast.settings import BlastSettings
from mirjax.blast.table import OUTFMT, Bounds, QueryRows, read_table
from mirjax.cores import available_cores

# blastn keeps the hits of a batch of queries in memory, up to 2.4 KB each: with this
# many it stays below about 0.6 GB.
_HITS_PER_BATCH = 250_000
_QUERIES_PER_BATCH = 2_000
_QUERIES_PER_RUN = 20_000
# blastn cuts a batch of a million letters or more into chunks, across its queries.
_LETTERS_PER_BATCH = 400_000
_ESTIMATED_FROM = 11  # word size from which on blastn estimates scores of extensions
_BLOCK = 4  # letters whose scores the estimate adds up at a time

_LONGEST_TIMEOUT_S = (2**31 - 1) // 1000  # poll() counts milliseconds in 32 bits

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
        if not 0 < self.timeout_s <= _LONGEST_TIMEOUT_S:
            raise ValueError(
                f"--time_limit={self.timeout_s} must be above 0, and at most "
                f"{_LONGEST_TIMEOUT_S} s"
            )

    @property
    def workers(self) -> int:
        """The number of parallel processes."""
        if self.num_processes is not None:
            return self.num_processes
        return available_cores()


ONE_PER_CORE = Limits()


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
      numbers: indices of the sequences to search.
      database: a folder returned by `database.build_database`.
      settings: settings of the search.
      limits: limits of the blastn processes.

    Yields:
      The rows of each query that has any.

    Raises:
      BlastError: if BLAST+ is missing, too old, fails, exceeds the time limit or prints
        an unexpected table.
    """
    if not numbers:
        return
    bounds = Bounds(
        [len(sequence) for sequence in sequences],
        subject_lengths(database).tolist(),
        settings.evalue,
    )
    num_runs, num_full = _count_runs(len(numbers), limits.workers), 0
    programs = ProgramGroup()
    with (
        scratch_folder(Path(tempfile.gettempdir()), "mirjax-blast-") as scratch,
        concurrent.futures.ThreadPoolExecutor(limits.workers) as pool,
    ):
        run_blastn = _make_runner(programs, sequences, numbers, database, settings)

        def run_part(part: int) -> tuple[Path, Sequence[int]]:
            # Round-robin, so that slow queries are spread over the processes.
            own = numbers[part::num_runs]
            return run_blastn(scratch / str(part), own, limits.timeout_s), own

        try:
            for finished in [pool.submit(run_part, part) for part in range(num_runs)]:
                table, own = finished.result()
                for query_rows in read_table(table, own, bounds):
                    subjects = {subject for subject, _ in query_rows.rows}
                    num_full += len(subjects) >= settings.max_target_seqs
                    yield query_rows
                table.unlink()
        finally:
            # After an error or a signal the pool would wait for them.
            programs.stop()
            pool.shutdown(wait=False, cancel_futures=True)
    if num_full and settings.max_target_seqs < len(bounds.subject_lengths):
        _warn_of_more(num_full, len(numbers), settings.max_target_seqs)


def _warn_of_more(num_full: int, num_queries: int, max_target_seqs: int) -> None:
    _logger.warning(
        "%d of %d distinct queries reached max_target_seqs=%d and may have more hits",
        num_full,
        num_queries,
        max_target_seqs,
    )


def _count_runs(num_queries: int, workers: int) -> int:
    """Return a number of blastn runs that occupies all workers to the end."""
    num_runs = -(-num_queries // _QUERIES_PER_RUN)
    return min(num_queries, -(-num_runs // workers) * workers)


def _make_runner(
    programs: ProgramGroup,
    sequences: Sequence[str],
    numbers: Sequence[int],
    database: Path,
    settings: BlastSettings,
) -> Callable[[Path, Sequence[int], float], Path]:
    """Return a function that searches queries by one blastn process.

    Args:
      programs: the group that the process belongs to.
      sequences: RNA letters.
      numbers: indices of all sequences to search; they decide the size of a batch.
      database: a folder returned by `database.build_database`.
      settings: settings of the search.

    Returns:
      A function of a path for scratch files, the indices of the sequences to search,
      and the time limit in seconds; it returns the path of the table.
    """
    mean_letters = sum(len(sequences[number]) for number in numbers) / len(numbers)
    queries_per_batch = min(
        _QUERIES_PER_BATCH, _HITS_PER_BATCH // settings.max_target_seqs + 1
    )
    # blastn adds queries to a batch until they have this many letters together.
    batch_letters = min(int(queries_per_batch * mean_letters) + 1, _LETTERS_PER_BATCH)
    command = [str(find_blast().blastn), "-db", DATABASE, *settings.arguments()]
    command += [*_complete_arguments(settings), "-outfmt", OUTFMT]

    def run_blastn(path: Path, own: Sequence[int], timeout_s: float) -> Path:
        fasta, table = path.with_suffix(".fa"), path.with_suffix(".tsv")
        with fasta.open("w", encoding="ascii") as file:
            file.writelines(f">q{number}\n{sequences[number]}\n" for number in own)
        programs.run(
            [*command, "-query", str(fasta), "-out", str(table)],
            timeout_s=timeout_s,
            folder=database,
            variables={"BATCH_SIZE": str(batch_letters)},
        )
        fasta.unlink()
        return table

    return run_blastn


def _complete_arguments(settings: BlastSettings) -> list[str]:
    """Return arguments that keep blastn from losing hits by its estimated scores.

    A seed passes if its estimate is at least 0.8 times the least score of a hit,
    rounded down. The estimate of any seed has the blocks that lie within its word,
    wherever they start. So blastn is told the highest score whose 0.8 all seeds reach,
    though none above that of a word alone, which every hit has. Its E-values still
    select the rows.
    """
    if settings.word_size < _ESTIMATED_FROM:
        return []
    blocks = (settings.word_size - (_BLOCK - 1)) // _BLOCK
    estimate = settings.reward * _BLOCK * blocks
    score = -(-5 * (estimate + 1) // 4) - 1
    return [
        "-min_raw_gapped_score",
        f"{min(score, settings.reward * settings.word_size)}",
    ]
