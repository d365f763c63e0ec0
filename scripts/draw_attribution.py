"""Draw the attribution of a classifier's score for the first pairs of a table.

python scripts/draw_attribution.py MODEL PAIRS OUT.png [--rows=3]
"""

import argparse
import pathlib

from mirjax.evaluation.attribution import attribute
from mirjax.inference.pairs import load_classifier, read_table
from mirjax.reporting.attribution_plot import attributions
from mirjax.sequences.bad_records import BadRecords


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", help="as for --model of mirjax.predict")
    parser.add_argument("pairs", help="a table with the columns mirna and target")
    parser.add_argument("out", type=pathlib.Path, help="the picture, PNG or SVG")
    parser.add_argument("--rows", type=int, default=3, help="pairs drawn (default: 3)")
    arguments = parser.parse_args()
    trained = load_classifier(arguments.model)
    pairs = read_table(arguments.pairs, trained.model, BadRecords())
    pairs = pairs.take(range(min(arguments.rows, len(pairs))))
    names = pairs.mirna_names or [f"pair {n + 1}" for n in range(len(pairs))]
    found = attribute(trained, pairs)
    attributions(list(zip(names, found, strict=True)), arguments.out)


if __name__ == "__main__":
    main()
