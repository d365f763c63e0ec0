"""Compare the rows of `mirjax.confirm` with plain blastn's, every column, as sets.

    python scripts/bench/same_table.py --queries=2000
    python scripts/bench/same_table.py --queries=2000 --prefilter=alignment

Prints a line for each database, E-value, strand and word size: the number of plain
blastn's rows, and of the rows that only one of both has. From a word size of 11 on,
blastn drops some hits, depending on the neighbouring queries. `estimated` counts the
rows of confirm that plain blastn prints only at a thousandfold E-value, where it drops
none; they are not differences. `lost` counts the queries with a hit that the prefilter,
applied to all queries, would remove: by words, or by both stages.
"""

import argparse
import dataclasses
import itertools
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import measured_rows
import numpy as np
import search_cases

from mirjax.blast import database, prefilter
from mirjax.blast.search import confirm
from mirjax.blast.settings import PREFILTERS, BlastSettings
from mirjax.datasets import registry
from mirjax.sequences.fasta import write_fasta
from mirjax.sequences.records import SequenceRecord


class Comparison(NamedTuple):
    """Rows of both tables.

    Attributes:
      rows: rows of plain blastn.
      plain_only: distinct rows that only plain blastn has.
      ours_only: distinct rows that only confirm has, without the estimated ones.
      estimated: distinct rows that plain blastn has at a higher E-value only.
      lost: queries with a hit that the prefilter would leave out.
      is_same: whether both have the same other rows, with the same repeats.
    """

    rows: int
    plain_only: int
    ours_only: int
    estimated: int
    lost: int
    is_same: bool

    @property
    def differences(self) -> int:
        """The number of differences of any kind."""
        return self.plain_only + self.ours_only + self.lost + (not self.is_same)


def filtered_out(
    sequences: Sequence[str], folder: Path, settings: BlastSettings, mode: str
) -> int:
    """Count the sequences that the prefilter would leave out."""
    stages = "alignment" if mode == "alignment" else "words"
    remaining, _ = prefilter.prefilter(sequences, folder, settings, 2, stages)
    return len(sequences) - len(remaining)


def compare(
    queries: list[SequenceRecord],
    fasta: Path,
    subjects: Path,
    settings: BlastSettings,
    mode: str = "auto",
) -> Comparison:
    """Search the same queries by both, and compare the rows.

    Args:
      queries: the queries.
      fasta: file of the queries.
      subjects: file of the database, beside which plain blastn's is built.
      settings: settings of the search.
      mode: stages of confirm's prefilter.
    """
    folder = fasta.parent
    ours = database.build_database(subjects, folder / "cache")
    plain, table = folder / "plain.tsv", folder / "ours.tsv"
    search_cases.plain_blastn(fasta, subjects, settings, plain)
    with table.open("wb") as file:
        confirm(queries, ours, file, settings, mode=mode)
    theirs, mine = (sorted(path.read_bytes().splitlines()) for path in (plain, table))
    names = {row.partition(b"\t")[0].decode() for row in theirs}
    with_hits = [query.sequence for query in queries if query.name in names]
    ours_only = set(mine) - set(theirs)
    estimated = ours_only & estimated_rows(
        queries, ours_only, fasta, subjects, settings
    )
    return Comparison(
        rows=len(theirs),
        plain_only=len(set(theirs) - set(mine)),
        ours_only=len(ours_only - estimated),
        estimated=len(estimated),
        lost=filtered_out(with_hits, ours, settings, mode),
        is_same=theirs == [row for row in mine if row not in estimated],
    )


def estimated_rows(
    queries: Iterable[SequenceRecord],
    rows: Iterable[bytes],
    fasta: Path,
    subjects: Path,
    settings: BlastSettings,
) -> set[bytes]:
    """Return plain blastn's rows at a thousandfold E-value, for the queries of rows."""
    names = {row.partition(b"\t")[0].decode() for row in rows}
    if not names or settings.word_size < 11:
        return set()
    few, table = fasta.with_name("few.fa"), fasta.with_name("few.tsv")
    write_fasta(few, [query for query in queries if query.name in names])
    high = dataclasses.replace(settings, evalue=1000 * settings.evalue)
    search_cases.plain_blastn(few, subjects, high, table)
    return set(table.read_bytes().splitlines())


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--queries", type=int, default=2000)
    parser.add_argument("--evalues", default="0.001,0.01,0.1,10")
    parser.add_argument("--datasets", default="mirbase/hsa,mirbase/all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--prefilter", choices=PREFILTERS, default="auto")
    measured_rows.add_out(parser)
    arguments = parser.parse_args()
    rng = np.random.default_rng(arguments.seed)
    queries = search_cases.mixed_queries(rng, arguments.queries)
    print(
        "| database | E | strand | word size | rows | plain only | ours only | "
        "estimated | lost |"
    )
    print("|---|---|---|---|---|---|---|---|---|", flush=True)
    rows: list[dict[str, Any]] = []
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
                mode = arguments.prefilter
                found = compare(queries, fasta, subjects, settings, mode)
                searched = {"database": dataset, "queries": len(queries)}
                searched["prefilter"] = mode
                varied = {"evalue": evalue, "strand": strand, "word_size": word_size}
                rows.append(searched | varied | found._asdict())
                total += found.rows
                differences += found.differences
                print(
                    f"| {dataset} | {evalue:g} | {strand} | {word_size} | "
                    f"{found.rows:,} | {found.plain_only} | {found.ours_only} | "
                    f"{found.estimated} | {found.lost} |",
                    flush=True,
                )
    print(f"\n{total:,} rows compared, {differences} differences")
    measured_rows.write_rows(arguments.out, rows)


if __name__ == "__main__":
    main()
