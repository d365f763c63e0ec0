"""Speed of local alignment scores, in billions of cell updates a second (GCUPS).

    python scripts/bench/alignment.py --bench_python=.venv-bench/bin/python

Compares mirjax with parasail, called pair by pair, and pyopal, with one thread a core.
A cell is a letter of a query with a letter of a subject; padding and overlaps of
windows are not counted. Three cases:

  pairs        each of many random miRNAs with some others
  mature       miRNAs with every mature miRNA of miRBase
  transcripts  miRNAs with random transcripts of 2,000 nt

Times are from strings to scores; compilation is in the warm-up. The run fails unless
all programs give the same scores.
"""

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path

import alignment_worker as worker
import numpy as np
import one_hot_pairs
import timing

from mirjax.datasets import registry

_NAMES = {
    "mirjax": "mirjax",
    "parasail": "parasail, one pair a call",
    "pyopal": "pyopal",
}
_CHECKED = 8  # queries whose scores are compared; for pairs, 100 times as many


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--bench_python", default=".venv-bench/bin/python")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--cases", default="pairs,mature,transcripts")
    parser.add_argument("--database", default="mirbase/all", help="a FASTA dataset")
    arguments = parser.parse_args()
    print(timing.machine(), end="\n\n")
    print("| | | GCUPS, median | slowest to fastest | repeats | mirjax, times |")
    print("|---|---|---:|---:|---:|---:|")
    for case in arguments.cases.split(","):
        work = make_case(case, arguments.database)
        _compare(case, work, arguments.bench_python, arguments.repeats)


def make_case(case: str, database: str) -> dict[str, list[str]]:
    """Return the queries and subjects of one case."""
    rng = np.random.default_rng(0)
    if case == "pairs":
        letters = one_hot_pairs.random_letters(rng, 2 * worker.SUBJECTS, 20, 24)
        return {"queries": letters[::2], "subjects": letters[1::2]}
    queries = one_hot_pairs.random_letters(rng, 256, 20, 24)
    if case == "mature":
        subjects = [record.sequence for record in registry.load_fasta(database)]
    elif case == "transcripts":
        subjects = one_hot_pairs.random_letters(rng, 500, 2000, 2000)
    else:
        raise SystemExit(f"--cases: {case!r} is not pairs, mature or transcripts")
    return {"queries": queries, "subjects": subjects}


def _compare(
    case: str, work: dict[str, list[str]], bench_python: str, repeats: int
) -> None:
    """Time all competitors on one case, print rows, and compare scores."""
    many = len(work["queries"])
    # Queries in one repeat: each competitor takes about a second.
    sizes = {
        "pairs": {"mirjax": many, "parasail": many // 100},
        "mature": {"mirjax": many, "parasail": 4, "pyopal": 64},
        "transcripts": {"mirjax": many, "parasail": 16, "pyopal": 64},
    }[case]
    lengths = {kind: np.array([len(s) for s in work[kind]]) for kind in work}
    with tempfile.TemporaryDirectory() as folder:
        sequences = Path(folder) / "sequences.json"
        sequences.write_text(json.dumps(work))
        competitors = {
            name: timing.worker_command(
                sys.executable if name == "mirjax" else bench_python,
                f"{name}_alignment.py",
                sequences=str(sequences),
                pairs=int(case == "pairs"),
                checked=_CHECKED * (100 if case == "pairs" else 1),
                scores=str(Path(folder) / f"{name}.json"),
            )
            for name in sizes
        }
        seconds = timing.run(competitors, repeats, sizes)
        scores = {
            name: json.loads((Path(folder) / f"{name}.json").read_text())
            for name in sizes
        }
    rates = {}
    for name, times in seconds.items():
        queries = lengths["queries"][: sizes[name]]
        if case == "pairs":
            number = np.arange(len(queries))
            cells = sum(
                int((queries * lengths["subjects"][worker.partner(number, turn)]).sum())
                for turn in range(worker.PARTNERS)
            )
        else:
            cells = int(queries.sum() * lengths["subjects"].sum())
        rates[name] = [cells / 1e9 / time for time in times]
    ours = statistics.median(rates["mirjax"])
    for name, rate in rates.items():
        median = statistics.median(rate)
        print(
            f"| {case} | {_NAMES[name]} | {median:.3g} "
            f"| {min(rate):.3g} to {max(rate):.3g} | {len(rate)} "
            f"| {ours / median:.3g} |",
            flush=True,
        )
    different = [name for name in scores if scores[name] != scores["mirjax"]]
    if different:
        raise SystemExit(f"{case}: the scores of {', '.join(different)} differ")


if __name__ == "__main__":
    main()
