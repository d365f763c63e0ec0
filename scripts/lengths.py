"""Compare the lengths of targets and miRNAs in the positive rows of datasets.

  python scripts/lengths.py --out=docs/length_distributions.png DATASET [DATASET...]

Prints a Markdown table, lengths in nt, and writes a picture.
"""

import argparse
import pathlib
import sys
from collections.abc import Mapping, Sequence

import numpy as np

from mirjax.datasets import registry
from mirjax.evaluation.evaluation_set import positive_rows
from mirjax.reporting.length_plot import length_distributions
from mirjax.sequences import alphabet
from mirjax.sequences.records import Pairs

_HEADER = (
    "dataset",
    "positive rows",
    "targets: shortest, median, longest",
    "distinct",
    "miRNAs: shortest, median, longest",
    "distinct",
)


def load_positives(name: str) -> Pairs:
    """Return the positive rows of a dataset."""
    pairs = registry.load_pairs(name)
    return pairs.take(positive_rows(pairs, np.arange(len(pairs)), name)[0])


def table(datasets: Mapping[str, Pairs]) -> str:
    """Return a Markdown table with a row for each dataset."""
    rows = [_HEADER, ("---", *["---:"] * (len(_HEADER) - 1))]
    for name, pairs in datasets.items():
        targets, mirnas = _columns(pairs.targets), _columns(pairs.mirnas)
        rows.append((name, f"{len(pairs):,}", *targets, *mirnas))
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _columns(sequences: Sequence[str]) -> tuple[str, str]:
    lengths = alphabet.lengths(sequences)
    three = (lengths.min(), np.median(lengths), lengths.max())
    return ", ".join(f"{length:g}" for length in three), f"{len(set(sequences)):,}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "datasets", nargs="+", metavar="DATASET", help="such as mitar2021"
    )
    parser.add_argument(
        "--out", type=pathlib.Path, required=True, help="the picture, .png or .svg"
    )
    arguments = parser.parse_args()
    try:
        datasets = {name: load_positives(name) for name in arguments.datasets}
        title = "Lengths of targets and miRNAs in the positive rows"
        length_distributions(datasets, arguments.out, title=title)
    except (ValueError, OSError) as error:
        sys.exit(f"error: {error}")
    print(table(datasets))


if __name__ == "__main__":
    main()
