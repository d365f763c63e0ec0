"""The table of plain blastn, sooner.

Three things save time, and none changes a row:

* Identical queries are searched once.
* Queries that cannot have a hit are not searched, where finding that out pays; the
  argument is `prefilter`'s, the choice `plan`'s.
* The rest are dealt out to one blastn process a core. On short queries blastn's own
  threads gain next to nothing, and half of its time goes to printing, which has none.

blastn always searches the whole database, so search space, cutoffs, the choice of
`max_target_seqs` hits and the order among equal ones stay its own. It treats each query
by itself, with one exception: blastn joins the queries that it takes at a time, and may
overlook a hit at the very end of what it has joined. So here each batch ends with
letters of no interest, except that the last query of all is searched last, as in plain
blastn. (Plain blastn itself takes queries of very many letters in several batches. At
the ends of all but the last it may overlook a hit that is found here.)
"""

import concurrent.futures
import dataclasses
import itertools
import logging
import os
import random
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from mirjax.blast import prefilter as sieve
from mirjax.blast.blastn import Hit, best_hits, parse_row
from mirjax.blast.database import DATABASE, subject_names
from mirjax.blast.programs import find_blast, run
from mirjax.blast.settings import DEFAULT, BlastSettings
from mirjax.sequences import alphabet
from mirjax.sequences.records import SequenceRecord

# blastn holds the hits of the queries it takes at a time, at up to 2.4 KB each: when it
# may report this many it stays under about 0.6 GB.
_HITS_AT_A_TIME = 250_000
_QUERIES_AT_A_TIME = 2_000
_QUERIES_PER_RUN = 20_000
_GUARD = 32  # letters at least, after the last query of a batch
_NOBODY = -1  # the number of what stands there
_QUERY = b"\0"  # stands for the query's name, until it is known whose row it is

_logger = logging.getLogger(__name__)


@dataclasses.dataclass
class Account:
    """What was searched, and what was found.

    Attributes:
      queries: how many were given.
      distinct: different sequences among them.
      subjects: sequences of the database.
      sieve: what became of those before blastn.
      searched: distinct queries that blastn searched.
      found: distinct queries with a hit.
      rows: of the table.
    """

    queries: int
    distinct: int
    subjects: int
    sieve: sieve.Account
    searched: int
    found: int = 0
    rows: int = 0


def confirm(
    queries: Sequence[SequenceRecord],
    database: Path,
    table: BinaryIO,
    settings: BlastSettings = DEFAULT,
    *,
    workers: int | None = None,
    timeout_s: float = 3600.0,
) -> Account:
    """Write the table that plain blastn prints for queries.

    Args:
      queries: RNA or DNA, 5'→3'.
      database: a folder which `database.build_database` returned.
      table: gets blastn's twelve columns, rows in the order of the queries.
      settings: what blastn is told.
      workers: blastn processes at a time; by default one a core.
      timeout_s: the longest to wait for one of them, in seconds.

    Returns:
      What was searched, and what was found.

    Raises:
      ValueError: for a query with a letter other than A, C, G, U and T, or settings
        that blastn has no statistics for.
      BlastError: if BLAST+ is missing, too old, fails or takes too long.
    """
    numbers: dict[str, int] = {}
    number_of = []
    for query in queries:
        sequence = alphabet.normalise(query.sequence, name=f"query {query.name}")
        number_of.append(numbers.setdefault(sequence, len(numbers)))
    sequences = list(numbers)
    names = [name.encode() for name in subject_names(database)]
    workers = workers or _cores()
    left, sieved = sieve.sieve(sequences, database, settings, workers)
    account = Account(len(queries), len(sequences), len(names), sieved, len(left))
    if number_of and number_of[-1] in left:
        # Another number for the last query, which is searched last.
        sequences.append(sequences[number_of[-1]])
        number_of[-1] = len(sequences) - 1
        left.append(number_of[-1])
    places: dict[int, tuple[int, int, int]] = {}
    with tempfile.TemporaryFile() as spool:
        for number, rows in _search(
            sequences, left, database, settings, workers, timeout_s
        ):
            block = b"".join(
                b"%b\t%b\t%b" % (_QUERY, names[subject], rest) for subject, rest in rows
            )
            places[number] = spool.tell(), len(block), len(rows)
            spool.write(block)
        spool.flush()
        for query, number in zip(queries, number_of, strict=True):
            if number in places:
                start, size, num_rows = places[number]
                block = os.pread(spool.fileno(), size, start)
                table.write(block.replace(_QUERY, query.name.encode()))
                account.rows += num_rows
    account.found = len({sequences[number] for number in places})
    return account


def search_unique(
    sequences: Sequence[str],
    database: Path,
    settings: BlastSettings = DEFAULT,
    *,
    workers: int | None = None,
    timeout_s: float = 3600.0,
) -> list[Hit | None]:
    """Find the best hit of each sequence.

    Args:
      sequences: RNA letters as decoded. One that is empty, or holds a letter other
        than A, C, G, U and T, is not searched and has no hit.
      database: a folder which `database.build_database` returned.
      settings: what blastn is told.
      workers: blastn processes at a time; by default one a core.
      timeout_s: the longest to wait for one of them, in seconds.

    Returns:
      For each sequence its best hit, whose `query` is the sequence, or None.

    Raises:
      ValueError: for settings that blastn has no statistics for.
      BlastError: if BLAST+ is missing, too old, fails or takes too long.
    """
    letters = [sequence.upper().replace("T", "U") for sequence in sequences]
    known = set(alphabet.LETTERS)
    unique = [s for s in dict.fromkeys(letters) if s and set(s) <= known]
    names = subject_names(database)
    workers = workers or _cores()
    left, _ = sieve.sieve(unique, database, settings, workers)
    best: dict[str, Hit] = {}
    for number, rows in _search(unique, left, database, settings, workers, timeout_s):
        best |= best_hits(
            parse_row(unique[number], names, subject, rest.decode().split("\t"))
            for subject, rest in rows
        )
    return [best.get(sequence) for sequence in letters]


def _search(
    sequences: Sequence[str],
    numbers: Sequence[int],
    database: Path,
    settings: BlastSettings,
    workers: int,
    timeout_s: float,
) -> Iterator[tuple[int, list[tuple[int, bytes]]]]:
    """Yield the rows of each query that has any, as subject and what follows it."""
    if not numbers:
        return
    num_runs = -(-len(numbers) // _QUERIES_PER_RUN)
    num_runs = min(len(numbers), -(-num_runs // workers) * workers)
    lengths = [len(sequences[number]) for number in numbers]
    at_a_time = min(_QUERIES_AT_A_TIME, _HITS_AT_A_TIME // settings.max_target_seqs + 1)
    batch = max(at_a_time * sum(lengths) // len(lengths), max(lengths) + _GUARD)
    variables = {"BATCH_SIZE": str(batch)}  # letters
    command = [str(find_blast().blastn), "-db", DATABASE, *settings.arguments()]
    command += ["-outfmt", "6"]
    most, full = settings.max_target_seqs, 0
    with (
        tempfile.TemporaryDirectory(prefix="mirjax-confirm-") as scratch,
        concurrent.futures.ThreadPoolExecutor(workers) as pool,
    ):

        def run_blast(run_number: int) -> Path:
            fasta = Path(scratch) / f"{run_number}.fa"
            out = fasta.with_suffix(".tsv")
            # Dealt out like cards, so that no process gets all that is slow, from the
            # last on, so that the last query of all is last in its file.
            own = numbers[len(numbers) - 1 - run_number :: -num_runs][::-1]
            with fasta.open("w", encoding="ascii") as file:
                file.writelines(_records(sequences, own, batch, closed=run_number > 0))
            files = ["-query", str(fasta), "-out", str(out)]
            run(
                command + files,
                timeout_s=timeout_s,
                folder=database,
                variables=variables,
            )
            fasta.unlink()
            return out

        runs = [pool.submit(run_blast, number) for number in range(num_runs)]
        try:
            for finished in runs:
                out = finished.result()
                with out.open("rb") as file:
                    for query, lines in itertools.groupby(file, _query):
                        if query == _NOBODY:
                            continue
                        rows = [_split(line) for line in lines]
                        full += len({subject for subject, _ in rows}) >= most
                        yield query, rows
                out.unlink()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
    if full and most < len(subject_names(database)):
        _logger.warning(
            "%d of %d distinct queries reached max_target_seqs=%d and may have more "
            "hits",
            full,
            len(numbers),
            most,
        )


def _records(
    sequences: Sequence[str], numbers: Sequence[int], batch: int, *, closed: bool
) -> Iterator[str]:
    """Yield FASTA records, each `batch` letters of which end with a guard.

    blastn takes records until they have `batch` letters together.
    """
    used = 0
    for number in numbers:
        sequence = sequences[number]
        if used + len(sequence) + _GUARD > batch:
            yield _guard(batch - used)
            used = 0
        yield f">q{number}\n{sequence}\n"
        used += len(sequence)
    if closed:
        yield _guard(_GUARD)


def _guard(length: int) -> str:
    letters = "".join(random.Random(0).choices(alphabet.LETTERS, k=length))
    return f">q{_NOBODY}\n{letters}\n"


def _query(line: bytes) -> int:
    return int(line[1 : line.index(b"\t")])


def _split(line: bytes) -> tuple[int, bytes]:
    _, subject, rest = line.split(b"\t", 2)
    return int(subject[1:]), rest


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
