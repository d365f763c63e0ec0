"""Compare the rows of `mirjax.confirm` with plain blastn's, every column, as sets.

    python scripts/bench/same_table.py --queries=2000

Prints a line for each database, E-value, strand and word size: how many rows both
have, and how many only one of them. `lost` counts queries with a hit which the filter,
made to look at all queries, would have left out.
"""

import argparse
import dataclasses
import itertools
import tempfile
from collections import defaultdict
from pathlib import Path

import numpy as np
import search_cases

from mirjax.blast import database, words
from mirjax.blast import requirements as prefilter
from mirjax.blast import search as confirm
from mirjax.blast.karlin_altschul import find_statistics
from mirjax.blast.settings import BlastSettings
from mirjax.blast.statistics import DatabaseSize
from mirjax.sequences import alphabet


def filtered_out(
    names: set[str], sequences: dict[str, str], folder: Path, settings: BlastSettings
) -> int:
    """Count the named queries that the filter would leave out."""
    letters = database.subject_letters(folder)
    number = len(database.subject_names(folder))
    size = DatabaseSize(len(letters) - number - 1, number)
    index = words.load_index(folder, letters)
    by_length = defaultdict(list)
    for name in names:
        by_length[len(sequences[name])].append(sequences[name])
    lost = 0
    for length, found in by_length.items():
        statistics = find_statistics(settings)
        needs = prefilter.find_requirements(settings, statistics, length, size)
        tokens = alphabet.encode(found, length)
        lost += int((~prefilter.meet(index, tokens, needs, settings)[0]).sum())
    return lost


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
    sequences = {query.name: query.sequence for query in queries}
    print(
        "| database | E | strand | word size | rows | plain only | ours only | lost |"
    )
    print("|---|---|---|---|---|---|---|---|", flush=True)
    total = differences = 0
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        fasta = folder / "queries.fa"
        fasta.write_fasta(fasta, queries)
        for dataset, evalue in itertools.product(
            arguments.datasets.split(","), map(float, arguments.evalues.split(","))
        ):
            subjects = folder / f"{dataset.replace('/', '-')}.fa"
            if not subjects.exists():
                fasta.write_fasta(subjects, search_cases.registry.load_fasta(dataset))
                search_cases.plain_database(subjects)
            ours = database.build_database(subjects, folder / "cache")
            for strand, word_size in itertools.product(("plus", "both"), (7, 11)):
                settings = dataclasses.replace(
                    BlastSettings(),
                    evalue=evalue,
                    strand=strand,
                    word_size=word_size,
                )
                plain, table = folder / "plain.tsv", folder / "ours.tsv"
                search_cases.plain_blastn(fasta, subjects, settings, plain)
                with table.open("wb") as file:
                    confirm.confirm(queries, ours, file, settings)
                theirs, mine = (
                    sorted(path.read_bytes().splitlines()) for path in (plain, table)
                )
                names = {row.partition(b"\t")[0].decode() for row in theirs}
                only = [len(set(theirs) - set(mine)), len(set(mine) - set(theirs))]
                is_same = theirs == mine  # repeated rows count, too
                lost = filtered_out(names, sequences, ours, settings)
                total += len(theirs)
                differences += sum(only) + lost + (not is_same)
                print(
                    f"| {dataset} | {evalue:g} | {strand} | {word_size} | "
                    f"{len(theirs):,} | {only[0]} | {only[1]} | {lost} |",
                    flush=True,
                )
    print(f"\n{total:,} rows compared, {differences} differences")


if __name__ == "__main__":
    main()
