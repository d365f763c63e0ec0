"""Measure the effect of each data set, labels and teacher on the duplex classifier.

    python scripts/bench/duplex_ablation.py --workdir=A --seeds 0 1 2 --out=rows.json \
        [--only labels ...] [--reserved=hejret2023/test+targets_20mers.txt] \
        [--transcripts=utr3.fa.gz --teacher=published/mirbind2]

Trains each recipe with every seed in a folder of --workdir; after a stop, the same
command continues. A row has the average precision on the held-out rows of each set, at
the evaluation with the best mean over the training sets: the mean over seeds, and the
range. Recipes that need a teacher are left out unless --transcripts names a FASTA file
of 3'UTRs. Test rows are not read.
"""

import argparse
import pathlib
import statistics
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import measured_rows

from mirjax.training.metric_writer import read_metrics

SETS = ("hejret2023/train", "helwak2013", "manakov2022/sample")
ENDING = "/average_precision"


def without(left_out: str) -> list[str]:
    """Return the flags that leave a set out of training, and measure on it."""
    kept = "+".join(name for name in SETS if name != left_out)
    flags = [f"--config.data.sources={kept}", f"--config.data.left_out={left_out}"]
    return ["--config=duplex:labels", *flags]


RECIPES = {
    "labels": ["--config=duplex:labels"],
    "labels, at most 6,000 positives of a set": [
        "--config=duplex:labels",
        "--config.data.positives_per_epoch=6000",
    ],
    **{f"labels without {name}": without(name) for name in SETS},
    "labels, a fifth of the families left out": [
        "--config=duplex:labels",
        "--config.data.left_out_families=0.2",
    ],
}
WITH_TEACHER = {
    "teacher": ["--config=duplex:teacher"],
    "labels and teacher": ["--config=duplex:distilled"],
}


def train(flags: Sequence[str], folder: pathlib.Path) -> dict[str, float]:
    """Train in a folder unless it has been done; return the best evaluation."""
    command = [sys.executable, "-m", "mirjax.train", *flags, f"--workdir={folder}"]
    if not (folder / "done").exists():
        subprocess.run(command, check=True)
        (folder / "done").touch()
    rows = [row for row in read_metrics(folder) if "val/average_precision" in row]
    return max(rows, key=lambda row: row["val/average_precision"])


def summarise(recipe: str, runs: Sequence[dict[str, float]]) -> dict[str, Any]:
    """Return a row: the mean over the seeds of each set, and the range."""
    row: dict[str, Any] = {"recipe": recipe, "seeds": len(runs)}
    for name in (*SETS, "left_out_families"):
        found = [run[key] for run in runs if (key := f"val/{name}{ENDING}") in run]
        if found:
            row[name] = round(statistics.mean(found), 4)
            row[f"{name} range"] = [round(min(found), 4), round(max(found), 4)]
    return row


def main() -> None:
    """Train, and print the rows."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--workdir", type=pathlib.Path, required=True)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--only", nargs="+", help="recipes; all by default")
    parser.add_argument("--reserved", default="hejret2023/test")
    parser.add_argument("--transcripts", default="", help="FASTA of 3'UTRs")
    parser.add_argument("--teacher", default="published/mirbind2")
    parser.add_argument("--epochs", type=float, help="in place of the recipe's own")
    measured_rows.add_out(parser)
    options = parser.parse_args()
    recipes = dict(RECIPES)
    if options.transcripts:
        pool = [f"--config.pool.transcripts={options.transcripts}"]
        pool.append(f"--config.pool.teacher={options.teacher}")
        recipes |= {name: [*flags, *pool] for name, flags in WITH_TEACHER.items()}
    if unknown := sorted(set(options.only or ()) - set(recipes)):
        parser.error(f"--only: {unknown[0]!r} is none of {', '.join(recipes)}")
    options.workdir.mkdir(parents=True, exist_ok=True)
    rows = []
    for recipe in options.only or recipes:
        runs = []
        for seed in options.seeds:
            flags = [*recipes[recipe], f"--config.seed={seed}"]
            flags.append(f"--config.data.reserved={options.reserved}")
            if options.epochs:
                flags += [f"--config.train.num_epochs={options.epochs}"]
            name = f"{recipe.replace('/', '_')}, seed {seed}"
            runs.append(train(flags, options.workdir / name))
        rows.append(summarise(recipe, runs))
        print(*(f"{name}={value}" for name, value in rows[-1].items()), flush=True)
    measured_rows.write_rows(options.out, rows)


if __name__ == "__main__":
    main()
