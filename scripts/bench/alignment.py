"""Speed of local alignment scores, in billions of cell updates per second (GCUPS).

    python scripts/bench/alignment.py --bench_python=.venv-bench/bin/python

Compares mirjax with parasail, called pair by pair, and pyopal, with one thread per
core. A cell is a pair of a query letter and a subject letter; padding and overlaps of
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
from typing import Any

import alignment_worker as worker
import measured_rows
import numpy as np
import one_hot_pairs
import timing

from mirjax.datasets import registry

_NAMES = {
    "mirjax": "mirjax",
    "parasail": "parasail, one pair a call",
    "pyopal": "pyopal",
}
_LABELS = {
    "pairs": "pairs of miRNAs",
    "mature": "miRNAs × all {:,} mature miRNAs",
    "transcripts": "miRNAs × {:,} transcripts of 2,000 nt",
}
_CHECKED = 8  # queries whose scores are compared; for pairs, 100 times as many


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--bench_python", default=".venv-bench/bin/python")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--cases", default="pairs,mature,transcripts")
    parser.add_argument("--database", default="mirbase/all", help="a FASTA dataset")
    measured_rows.add_out(parser)
    arguments = parser.parse_args()
    rows: list[dict[str, Any]] = []
    print(timing.machine(), end="\n\n")
    print("| | | GCUPS, median | slowest to fastest | repeats | mirjax, times |")
    print("|---|---|---:|---:|---:|---:|")
    for case in arguments.cases.split(","):
        work = make_case(case, arguments.database)
        rows += _compare(case, work, arguments.bench_python, arguments.repeats)
    measured_rows.write_rows(arguments.out, rows)


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
) -> list[dict[str, Any]]:
    """Time all competitors on one case, print and return rows, and compare scores."""
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
    rows = []
    for name, times in seconds.items():
        cells = _cells(case, sizes[name], lengths)
        rates = [cells / 1e9 / time for time in times]
        rows.append(
            {
                "case": _LABELS[case].format(len(work["subjects"])),
                "program": name,
                "gcups": measured_rows.rounded(statistics.median(rates), 3),
                "range": [measured_rows.rounded(end(rates), 3) for end in (min, max)],
                "repeats": len(rates),
            }
        )
    ours = next(row["gcups"] for row in rows if row["program"] == "mirjax")
    for row in rows:
        row["mirjax_times"] = measured_rows.rounded(ours / row["gcups"], 3)
        slowest, fastest = row["range"]
        print(
            f"| {case} | {_NAMES[row['program']]} | {row['gcups']:g} "
            f"| {slowest:g} to {fastest:g} | {row['repeats']} "
            f"| {row['mirjax_times']:g} |",
            flush=True,
        )
    different = [name for name in scores if scores[name] != scores["mirjax"]]
    if different:
        raise SystemExit(f"{case}: the scores of {', '.join(different)} differ")
    return rows


def _cells(case: str, size: int, lengths: dict[str, np.ndarray]) -> int:
    """Return the cells of one repeat of a number of queries."""
    queries = lengths["queries"][:size]
    if case != "pairs":
        return int(queries.sum() * lengths["subjects"].sum())
    number = np.arange(size)
    return sum(
        int((queries * lengths["subjects"][worker.partner(number, turn)]).sum())
        for turn in range(worker.PARTNERS)
    )


if __name__ == "__main__":
    main()
