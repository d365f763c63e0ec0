"""Compare the rows of `mirjax.confirm` with plain blastn's, every column, as sets.

    python scripts/bench/same_table.py --queries=2000

Prints a row for each database, E-value, strand and word size: the number of plain
blastn's rows, and of the rows that only one of both has. `lost` counts the queries with
a hit that the prefilter, applied to all queries, would remove.
"""

import argparse
import dataclasses
import itertools
import tempfile
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import search_cases

from mirjax.blast import database, words
from mirjax.blast.requirements import find_requirements, satisfies
from mirjax.blast.search import confirm
from mirjax.blast.settings import BlastSettings
from mirjax.datasets import registry
from mirjax.sequences import alphabet
from mirjax.sequences.fasta import write_fasta
from mirjax.sequences.records import SequenceRecord


class Comparison(NamedTuple):
    """Rows of both tables.

    Attributes:
      rows: rows of plain blastn.
      plain_only: distinct rows that only plain blastn has.
      ours_only: distinct rows that only confirm has.
      lost: queries with a hit that the prefilter would remove.
      is_same: whether both have the same rows, with the same multiplicity.
    """

    rows: int
    plain_only: int
    ours_only: int
    lost: int
    is_same: bool

    @property
    def differences(self) -> int:
        """The number of differences of all kinds."""
        return self.plain_only + self.ours_only + self.lost + (not self.is_same)


def filtered_out(
    sequences: Iterable[str], folder: Path, settings: BlastSettings
) -> int:
    """Count the sequences that the prefilter would remove."""
    letters = database.subject_letters(folder)
    size = database.database_size(letters)
    index = words.load_index(folder, letters)
    by_length = defaultdict(list)
    for sequence in sequences:
        by_length[len(sequence)].append(sequence)
    lost = 0
    for length, found in by_length.items():
        requirements = find_requirements(settings, length, size)
        tokens = alphabet.encode(found, length)
        lost += int((~satisfies(index, tokens, requirements, settings)[0]).sum())
    return lost


def compare(
    queries: list[SequenceRecord],
    fasta: Path,
    subjects: Path,
    settings: BlastSettings,
) -> Comparison:
    """Search the same queries by both, and compare the rows.

    Args:
      queries: the queries.
      fasta: file of the queries.
      subjects: file of the database, beside which plain blastn's is built.
      settings: settings of the search.
    """
    folder = fasta.parent
    ours = database.build_database(subjects, folder / "cache")
    plain, table = folder / "plain.tsv", folder / "ours.tsv"
    search_cases.plain_blastn(fasta, subjects, settings, plain)
    with table.open("wb") as file:
        confirm(queries, ours, file, settings)
    theirs, mine = (sorted(path.read_bytes().splitlines()) for path in (plain, table))
    names = {row.partition(b"\t")[0].decode() for row in theirs}
    with_hits = [query.sequence for query in queries if query.name in names]
    return Comparison(
        rows=len(theirs),
        plain_only=len(set(theirs) - set(mine)),
        ours_only=len(set(mine) - set(theirs)),
        lost=filtered_out(with_hits, ours, settings),
        is_same=theirs == mine,
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--queries", type=int, default=2000)
    parser.add_argument("--evalues", default="0.001,0.01,0.1,10")
    parser.add_argument("--datasets", default="mirbase/hsa,mirbase/all")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    rng = np.random.default_rng(arguments.seed)
    queries = search_cases.mixed_queries(rng, arguments.queries)
    print(
        "| database | E | strand | word size | rows | plain only | ours only | lost |"
    )
    print("|---|---|---|---|---|---|---|---|", flush=True)
    total = differences = 0
    with tempfile.TemporaryDirectory() as scratch:
        fasta = Path(scratch) / "queries.fa"
        write_fasta(fasta, queries)
        for dataset in arguments.datasets.split(","):
            subjects = Path(scratch) / f"{dataset.replace('/', '-')}.fa"
            write_fasta(subjects, registry.load_fasta(dataset))
            search_cases.plain_database(subjects)
            for evalue, strand, word_size in itertools.product(
                map(float, arguments.evalues.split(",")), ("plus", "both"), (7, 11)
            ):
                settings = dataclasses.replace(
                    BlastSettings(), evalue=evalue, strand=strand, word_size=word_size
                )
                found = compare(queries, fasta, subjects, settings)
                total += found.rows
                differences += found.differences
                print(
                    f"| {dataset} | {evalue:g} | {strand} | {word_size} | "
                    f"{found.rows:,} | {found.plain_only} | {found.ours_only} | "
                    f"{found.lost} |",
                    flush=True,
                )
    print(f"\n{total:,} rows compared, {differences} differences")


if __name__ == "__main__":
    main()
