"""Time `mirjax.confirm` against plain blastn on two threads, alternating.

    python scripts/bench/confirm.py
    python scripts/bench/confirm.py --growth

The first command prints a row for each kind of queries: median seconds, their ratio,
and whether the tables agree. Each repeat of confirm is a new process. The line before
the table is the time to start Python and import modules, which is subtracted. The
databases of both programs and confirm's index are built beforehand; reading and hashing
the FASTA file is included.

The second command varies the numbers of queries and sequences, and prints seconds and
peak memory.
"""

import argparse
import dataclasses
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import measured_rows
import numpy as np
import search_cases as cases

from mirjax.blast.settings import BlastSettings

Row = dict[str, Any]


def measured(command: list[str]) -> tuple[float, float]:
    """Return a command's wall time in s, and its peak memory with children in MB."""
    probe = (
        "import json, resource, subprocess, sys, time; start = time.perf_counter(); "
        "subprocess.run(sys.argv[1:], check=True, capture_output=True); "
        "print(json.dumps([time.perf_counter() - start, "
        "resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024]))"
    )
    run = subprocess.run(
        [sys.executable, "-c", probe, *command], check=True, capture_output=True
    )
    seconds, megabytes = json.loads(run.stdout)
    return seconds, megabytes


def ours(queries: Path, fasta: Path, settings: BlastSettings, out: Path) -> list[str]:
    """Return the command line of `mirjax.confirm`."""
    values = dataclasses.asdict(settings)
    values["dust"] = str(values["dust"]).lower()
    options = [f"--{name}={value}" for name, value in values.items()]
    files = [f"--queries={queries}", f"--db={fasta}", f"--out={out}"]
    return [sys.executable, "-m", "mirjax.confirm", *files, *options]


def plain(queries: Path, fasta: Path, settings: BlastSettings, out: Path) -> list[str]:
    """Return the command line of blastn."""
    command = ["blastn", "-query", str(queries), "-db", str(fasta), "-outfmt", "6"]
    return [*command, "-out", str(out), "-num_threads", "2", *settings.arguments()]


def start_seconds(repeats: int) -> float:
    """Return the median time to start Python and import what the command imports."""
    modules = "mirjax.confirm, mirjax.blast.search, mirjax.datasets.registry"
    command = [sys.executable, "-c", f"import {modules}"]
    return statistics.median(measured(command)[0] for _ in range(repeats))


def compare(
    folder: Path, queries: Path, fasta: Path, settings: BlastSettings, repeats: int
) -> tuple[list[float], list[float], list[float], list[float], bool]:
    """Run both in turn; return seconds and MB of each, and whether the rows agree."""
    mine, theirs = folder / "ours.tsv", folder / "plain.tsv"
    subprocess.run(
        ours(queries, fasta, settings, mine), check=True, capture_output=True
    )
    measurements: tuple[list[float], ...] = ([], [], [], [])
    for _ in range(repeats):
        for side, command in enumerate(
            (
                plain(queries, fasta, settings, theirs),
                ours(queries, fasta, settings, mine),
            )
        ):
            seconds, megabytes = measured(command)
            measurements[side].append(seconds)
            measurements[side + 2].append(megabytes)
    rows = [sorted(path.read_bytes().splitlines()) for path in (mine, theirs)]
    return *measurements, rows[0] == rows[1]  # type: ignore[return-value]


def make_cases(
    rng: np.random.Generator,
) -> dict[str, tuple[Callable[[], list[str]], str]]:
    """Return, for each case, a function that makes its queries, and its database."""
    real = cases.sequences_of("mirbase/all")
    published = cases.registry.load_pairs("chakraborty2019").mirnas
    few = list(dict.fromkeys(published))[:685]

    def one() -> str:
        return real[int(rng.integers(len(real)))]

    def near() -> str:
        return cases.substituted(rng, one(), int(rng.integers(1, 5)))

    def unrelated() -> str:
        return cases.shuffled(rng, one())

    return {
        "10,000 decoded, 685 distinct": (
            lambda: [few[n] for n in rng.integers(len(few), size=10_000)],
            "mirbase",
        ),
        "685 decoded, distinct": (lambda: few, "mirbase"),
        "10,000 with 1-4 substitutions": (
            lambda: cases.distinct(near, 10_000),
            "mirbase",
        ),
        "10,000 shuffled": (lambda: cases.distinct(unrelated, 10_000), "mirbase"),
        "1,000 shuffled, 20 million letters": (
            lambda: cases.distinct(unrelated, 1_000),
            "random",
        ),
    }


def write_databases(folder: Path, rng: np.random.Generator) -> dict[str, Path]:
    """Write and build both databases."""
    paths = {"mirbase": folder / "mirbase.fa", "random": folder / "random.fa"}
    cases.write(paths["mirbase"], cases.sequences_of("mirbase/all"), "m")
    letters = [cases.random_sequence(rng, 2000) for _ in range(10_000)]
    cases.write(paths["random"], letters, "t")
    for path in paths.values():
        cases.plain_database(path)
    return paths


def speed(folder: Path, rng: np.random.Generator, repeats: int) -> list[Row]:
    """Print the table of cases, and return its rows."""
    rows: list[Row] = []
    databases = write_databases(folder, rng)
    settings = BlastSettings(evalue=0.01)
    start_s = start_seconds(repeats)
    print(f"start of Python and import: {start_s:.2f} s, subtracted below\n")
    print("| queries | blastn, s | confirm, s | speed-up | same rows |")
    print("|---|---|---|---|---|", flush=True)
    for name, (make, database) in make_cases(rng).items():
        queries = cases.write(folder / "queries.fa", make(), "q")
        plain_s, ours_s, _, _, same = compare(
            folder, queries, databases[database], settings, repeats
        )
        theirs, mine = statistics.median(plain_s), statistics.median(ours_s) - start_s
        rows.append(
            {
                "queries": name,
                "blastn_seconds": round(theirs, 2),
                "confirm_seconds": round(mine, 2),
                "times_as_fast": round(theirs / mine, 1),
                "same_rows": same,
                "repeats": repeats,
                "import_seconds": round(start_s, 2),
            }
        )
        print(
            f"| {name} | {theirs:.2f} | {mine:.2f} | {theirs / mine:.1f} | "
            f"{'yes' if same else 'NO'} |",
            flush=True,
        )
    return rows


def growth(folder: Path, rng: np.random.Generator) -> list[Row]:
    """Print seconds and memory as queries, and the database, grow; return the rows."""
    rows: list[Row] = []
    real = cases.sequences_of("mirbase/all")

    def near() -> str:
        source = real[int(rng.integers(len(real)))]
        return cases.substituted(rng, source, int(rng.integers(1, 5)))

    print("| queries | sequences | E | blastn, s | MB | confirm, s | MB | same rows |")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    whole = len(real)
    for num_queries, num_subjects, evalue in (
        (2_500, whole, 0.01),
        (5_000, whole, 0.01),
        (10_000, whole, 0.01),
        (20_000, whole, 0.01),
        (10_000, whole // 4, 0.01),
        (10_000, whole // 2, 0.01),
        (2_000, whole, 10.0),
    ):
        fasta = cases.write(folder / f"{num_subjects}.fa", real[:num_subjects], "m")
        cases.plain_database(fasta)
        queries = cases.write(
            folder / "queries.fa", cases.distinct(near, num_queries), "q"
        )
        settings = BlastSettings(evalue=evalue)
        (plain_s,), (ours_s,), (plain_mb,), (ours_mb,), same = compare(
            folder, queries, fasta, settings, 1
        )
        rows.append(
            {
                "case": f"{num_queries:,} queries, {num_subjects:,} sequences, "
                f"E ≤ {evalue:g}",
                "confirm_seconds": round(ours_s, 1),
                "confirm_mb": round(ours_mb),
                "blastn_seconds": round(plain_s, 1),
                "blastn_mb": round(plain_mb),
                "same_rows": same,
            }
        )
        print(
            f"| {num_queries:,} | {num_subjects:,} | {evalue:g} | {plain_s:.1f} | "
            f"{plain_mb:.0f} | {ours_s:.1f} | {ours_mb:.0f} | "
            f"{'yes' if same else 'NO'} |",
            flush=True,
        )
    return rows


def main() -> None:
    """Print and write one of the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--growth", action="store_true")
    measured_rows.add_out(parser)
    arguments = parser.parse_args()
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as scratch:
        if arguments.growth:
            rows = growth(Path(scratch), rng)
        else:
            rows = speed(Path(scratch), rng, arguments.repeats)
    measured_rows.write_rows(arguments.out, rows)


if __name__ == "__main__":
    main()
