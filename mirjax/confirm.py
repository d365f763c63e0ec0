"""Search short RNAs or DNAs in a database: the table of plain blastn, sooner.

    python -m mirjax.confirm --queries=FASTA --db=FASTA --evalue=0.01 --out=hits.tsv

Writes one tab-separated row an alignment, in the order of the queries, with the twelve
columns of blastn's -outfmt 6: query, subject, percent identity, alignment length,
mismatches, gap openings, start and end in the query, start and end in the subject,
E-value, bit score.

The rows are those that blastn prints for the same search in the whole database.
Identical queries are searched once, those that cannot have a hit are left out where
that pays, and the others are dealt out to one blastn process a core.
"""

import os
import pathlib
from typing import Any

from absl import flags, logging

from mirjax import cli
from mirjax.blast import blastn as blast
from mirjax.blast import search as engine
from mirjax.blast.database import open_database
from mirjax.blast.karlin_altschul import find_statistics
from mirjax.files import atomic_write, check_writable
from mirjax.sequences import fasta

_NUMBERS = ("word_size", "reward", "penalty", "gapopen", "gapextend", "max_target_seqs")


def confirm(
    queries_path: str | os.PathLike[str],
    database_name: str,
    out: str | os.PathLike[str],
    settings: blast.BlastSettings = blast.DEFAULT,
    *,
    num_processes: int | None = None,
) -> engine.Account:
    """Search a FASTA file's records in a database; write the table.

    Args:
      queries_path: FASTA of queries, RNA or DNA, 5'→3'.
      database_name: FASTA of subjects, or a FASTA dataset of the registry.
      out: the table; an earlier one is replaced.
      settings: what blastn is told.
      num_processes: blastn processes at a time; by default one a core.

    Returns:
      What was searched, and what was found.

    Raises:
      ValueError: for a bad argument or file.
      blast.BlastError: if BLAST+ is missing, too old, fails or takes too long.
      OSError: if the table cannot be written after all.
    """
    out = pathlib.Path(out)
    if num_processes is not None and num_processes < 1:
        raise ValueError(f"--num_processes={num_processes} must be at least 1")
    check_writable(out, queries_path, database_name)
    find_statistics(settings)
    queries = fasta.read_fasta(queries_path)
    database = open_database(database_name)
    with atomic_write(out) as unfinished, unfinished.open("wb") as table:
        account = engine.confirm(
            queries, database, table, settings, workers=num_processes
        )
    logging.info(
        "%s: %d hits of %d of %d distinct queries",
        out,
        account.rows,
        account.found,
        account.distinct,
    )
    return account


def explanation(account: engine.Account) -> list[str]:
    """Say what each stage left, and what was chosen why.

    Args:
      account: as `confirm` returns it.

    Returns:
      Lines of text.
    """
    sieve = account.sieve

    def pairs(queries: int) -> str:
        return f"{queries:,} queries, {queries * account.subjects:,} pairs"

    lines = [
        f"given: {pairs(account.queries)}",
        f"distinct: {pairs(account.distinct)}",
        f"too short for a hit: {sieve.too_short:,} queries",
        f"looked up: {sieve.tested:,} queries, {sieve.occurrences:,} words in common "
        "with the database",
        f"without what a hit needs: {sieve.dropped:,} queries",
        f"searched by blastn: {pairs(account.searched)}",
        f"with a hit: {account.found:,} queries",
    ]
    lengths: dict[str, list[int]] = {}
    for length, choice in sieve.choices.items():
        lengths.setdefault(choice, []).append(length)
    for choice, found in lengths.items():
        lines.append(f"plan for {_ranges(found)} letters: {choice}")
    return lines


def _ranges(numbers: list[int]) -> str:
    """Write ascending numbers as ranges, such as 18-20, 23."""
    ranges: list[list[int]] = []
    for number in numbers:
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    return ", ".join(f"{a}" if a == b else f"{a}-{b}" for a, b in ranges)


def define_flags(flag_values: flags.FlagValues) -> None:
    """Define the command's flags."""
    for name, purpose in (
        ("queries", "FASTA of queries, RNA or DNA, 5'→3'"),
        ("db", "what to search in: a FASTA file, or a dataset such as mirbase/hsa"),
        ("out", "table to write; an earlier one is replaced"),
    ):
        flags.DEFINE_string(name, None, purpose, flag_values, required=True)
    default = blast.DEFAULT
    flags.DEFINE_float(
        "evalue", default.evalue, "highest E-value of a hit", flag_values=flag_values
    )
    flags.DEFINE_enum(
        "strand",
        default.strand,
        ["plus", "both"],
        "both: search the queries' reverse complements, too",
        flag_values,
    )
    flags.DEFINE_enum(
        "task",
        default.task,
        ["megablast", "blastn", "blastn-short"],
        "how blastn extends a seed",
        flag_values,
    )
    for name, purpose in zip(
        _NUMBERS,
        (
            "letters of the exact word that seeds an alignment, at least 4",
            "score of a match",
            "score of a mismatch, below 0",
            "cost of opening a gap",
            "cost of each letter of a gap",
            "most database sequences reported for a query",
        ),
        strict=True,
    ):
        value = getattr(default, name)
        flags.DEFINE_integer(name, value, purpose, flag_values=flag_values)
    flags.DEFINE_bool(
        "dust",
        default.dust,
        "let low-complexity stretches of a query seed no alignment",
        flag_values,
    )
    flags.DEFINE_integer(
        "num_processes",
        None,
        "blastn processes at a time; one a core where it is not given",
        flag_values=flag_values,
    )
    flags.DEFINE_bool(
        "explain",
        False,
        "say how many queries each stage left, and which plan was chosen why",
        flag_values,
    )


def main(flag_values: flags.FlagValues) -> None:
    """Run the command."""
    names = ("task", "evalue", "strand", "dust", *_NUMBERS)
    values: dict[str, Any] = {name: flag_values[name].value for name in names}
    try:
        settings = blast.BlastSettings(**values)
    except ValueError as error:
        problem = str(error).removeprefix("BLAST setting ")
        raise ValueError(f"--{problem}: see --help for what is allowed") from error
    account = confirm(
        flag_values.queries,
        flag_values.db,
        flag_values.out,
        settings,
        num_processes=flag_values.num_processes,
    )
    if flag_values.explain:
        print(*explanation(account), sep="\n")


if __name__ == "__main__":
    cli.run(main, define_flags)
