"""Check every window of --mode=windows against a plain pass in NumPy.

    python scripts/bench/scan_exactness.py --model=miTAR.h5 --steps 1 15 22 53

Random transcripts of 10 to 5,000 nt and random miRNAs. Names and places of all windows
are checked, and the probabilities of a sample of each slice: a window in plain NumPy
takes a millisecond. --targets and --mirnas take FASTA files in place of random ones.
The oracles are those of the tests. Ends with an error at the first difference.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import measured_rows
import numpy as np
import pyarrow as pa
import scan_inputs

from mirjax.inference.pairs import load_classifier
from mirjax.models.imports.torch_file import read_torch_file
from mirjax.models.loading import find_model_file
from mirjax.models.temperature import find_temperature
from mirjax.models.trained import TrainedModel
from mirjax.scanning.engines.choice import make_engine
from mirjax.scanning.options import WindowsOptions
from mirjax.scanning.slices import Slice
from mirjax.scanning.transcripts import cut_slices
from mirjax.scanning.windows_mode import WindowsScanner
from mirjax.sequences.records import SequenceRecord

sys.path.append(str(Path(__file__).resolve().parents[2] / "tests"))
TOLERANCE = 1e-5


def plain_model(
    trained: TrainedModel[Any], temperature: float, name: str
) -> Callable[[str, str], float]:
    """Return the model of a name as a plain function of a miRNA and a window."""
    kind = type(trained.model).__name__
    if kind == "Mitar":
        from equations import numpy_mitar

        length = trained.model.length
        return lambda mirna, window: numpy_mitar(trained.params, mirna, window, length)
    if kind == "Duplex":
        from duplex_test import in_plain_loops

        def score(mirna: str, window: str) -> float:
            logit = in_plain_loops(trained.params, mirna, window)
            return float(1 / (1 + np.exp(-logit / temperature)))

        return score
    if kind == "MirBind2":
        from mirbind2_test import released_probabilities

        tensors = read_torch_file(find_model_file(name))["model_state_dict"]
        return lambda mirna, window: float(
            released_probabilities(tensors, [mirna], [window])[0]
        )
    raise ValueError(f"{kind} has no plain oracle; use miTAR, duplex or miRBind2")


def expected_windows(length: int, size: int, step: int) -> list[tuple[int, int]]:
    """Return the windows of a transcript by the published protocol."""
    if length <= size:
        return [(0, length)]
    starts = [*range(0, length - size, step), length - size]
    return [(start, start + size) for start in starts]


def check_slice(
    table: pa.Table,
    part: Slice,
    mirnas: Sequence[SequenceRecord],
    size: int,
    step: int,
) -> None:
    """Raise an AssertionError unless a table has exactly the windows of a slice."""
    rows = [
        (mirna.name, record.name, start, end, number)
        for record in part.records
        for mirna in mirnas
        for number, (start, end) in enumerate(
            expected_windows(len(record.sequence), size, step)
        )
    ]
    columns = zip(*rows, strict=True)
    for name, values in zip(
        ("mirna", "target", "start", "end", "window"), columns, strict=True
    ):
        assert table[name].to_pylist() == list(values), name


def check(flags: argparse.Namespace, step: int) -> dict[str, Any]:
    """Return the row of one step."""
    trained = load_classifier(flags.model)
    temperature = find_temperature(trained.metadata, flags.model) or 1.0
    rng = np.random.default_rng(17)
    mirnas = _records(flags.mirnas, rng.integers(15, 27, flags.mirna_count), rng)
    targets = _records(flags.targets, rng.integers(10, 5001, flags.transcripts), rng)
    engine = make_engine(trained, mirnas, temperature)
    oracle = plain_model(trained, temperature, flags.model)
    step = min(step, engine.window_length)  # more would leave letters out
    options = WindowsOptions(step=step, threshold=0.0)
    scan = WindowsScanner(engine, [mirna.name for mirna in mirnas], options)
    sequences = {record.name: record.sequence for record in [*mirnas, *targets]}
    start, windows, checked, worst = time.perf_counter(), 0, 0, 0.0
    for part in cut_slices(targets, flags.slice_nt):
        table = scan(part)
        windows += table.num_rows
        check_slice(table, part, mirnas, engine.window_length, step)
        chosen = rng.permutation(table.num_rows)[: flags.sample]
        for row in table.take(pa.array(np.sort(chosen))).to_pylist():
            window = sequences[row["target"]][row["start"] : row["end"]]
            difference = abs(oracle(sequences[row["mirna"]], window) - row["score"])
            assert difference < TOLERANCE, (row, difference)
            worst, checked = max(worst, difference), checked + 1
    return {
        "model": type(trained.model).__name__,
        "window": engine.window_length,
        "step": step,
        "windows": windows,
        "checked": checked,
        "largest_difference": float(f"{worst:.2g}"),
        "seconds": round(time.perf_counter() - start, 1),
    }


def _records(
    path: str | None, lengths: np.ndarray, rng: np.random.Generator
) -> list[SequenceRecord]:
    """Return the records of a FASTA file, or random ones; names are distinct."""
    if path:
        found = scan_inputs.sample_fasta([path], 10**6)
        return [SequenceRecord(*record) for record in found]
    return [
        SequenceRecord(f"r{rng.integers(2**40)}", "".join(rng.choice(list("AUCG"), n)))
        for n in lengths
    ]


def main() -> None:
    """Print the rows."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", default="pretrained/duplex")
    parser.add_argument("--steps", nargs="+", type=int, default=[15, 22, 53])
    parser.add_argument("--mirnas", help="FASTA")
    parser.add_argument("--targets", help="FASTA")
    parser.add_argument("--mirna_count", type=int, default=50)
    parser.add_argument("--transcripts", type=int, default=200)
    parser.add_argument("--sample", type=int, default=60, help="of a slice")
    parser.add_argument("--slice_nt", type=int, default=20_000)
    measured_rows.add_out(parser)
    flags = parser.parse_args()
    rows = []
    for step in flags.steps:
        rows.append(check(flags, step))
        print(*(f"{name}={value}" for name, value in rows[-1].items()), flush=True)
    measured_rows.write_rows(flags.out, rows)


if __name__ == "__main__":
    main()
