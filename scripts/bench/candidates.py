"""Measure the recall of each choice of candidates, relative to `all`, and its time.

    python scripts/bench/candidates.py --targets=utr3.fa.gz --out=rows.json

Twelve miRNAs against some real 3'UTRs, drawn at random, by pretrained/duplex. Each
choice has one row: candidates per 1,000 nt of shuffled transcripts, sites at the
default cut, the fraction of the sites of `all` that it reports, and its seconds without
a cache.
"""

import argparse
import time

import measured_rows
import numpy as np
import pyarrow as pa
import scan_inputs

from mirjax.inference.pairs import load_classifier
from mirjax.models.temperature import find_temperature
from mirjax.scanning.background import Background, sample_of
from mirjax.scanning.engines.choice import make_engine
from mirjax.scanning.mirnas import load_mirnas
from mirjax.scanning.options import CANDIDATES
from mirjax.scanning.site_options import SiteOptions
from mirjax.scanning.sites_mode import make_scanner
from mirjax.scanning.transcripts import cut_slices
from mirjax.sequences.bad_records import BadRecords

SAME = 22  # nt; nearer 3' ends in two tables are those of one site


def retained(reference: pa.Table, table: pa.Table) -> np.ndarray:
    """Return which sites of a reference table are in another table, too.

    A site is retained if the other table has one of the same miRNA and target that ends
    less than `SAME` letters from it.

    Args:
      reference: sites, with columns `mirna`, `target` and `end`.
      table: likewise, from the same transcripts.
    """
    places: dict[tuple[str, str], list[int]] = {}
    columns = "mirna", "target", "end"
    for *pair, end in zip(*(table[name].to_pylist() for name in columns), strict=True):
        places.setdefault((pair[0], pair[1]), []).append(end)
    return np.array(
        [
            any(abs(end - other) < SAME for other in places.get((mirna, target), ()))
            for mirna, target, end in zip(
                *(reference[name].to_pylist() for name in columns), strict=True
            )
        ],
        bool,
    )


def measure(
    model: str, targets: list[str], transcripts: int
) -> list[dict[str, str | int | float]]:
    """Return the rows of all choices."""
    trained = load_classifier(model)
    mirnas = tuple(load_mirnas(scan_inputs.MIRNAS, BadRecords()))
    temperature = find_temperature(trained.metadata, model) or 1.0
    engine = make_engine(trained, mirnas, temperature)
    records = scan_inputs.sample_fasta(targets, transcripts)
    size = SiteOptions().background_nt
    background = Background(sample_of(records, size), size)
    letters = sum(len(record.sequence) for record in records)
    rows, reference = [], None
    for kind in CANDIDATES:
        start = time.perf_counter()
        options = SiteOptions(candidates=kind)
        scan = make_scanner(mirnas, engine, background, options, letters)
        parts = [scan(part) for part in cut_slices(records)]
        seconds = time.perf_counter() - start
        table = pa.concat_tables(parts)
        reference = table if reference is None else reference
        asked = sum(len(null.scores) for null in scan.nulls)
        rows.append(
            {
                "candidates": kind,
                "mirnas": len(mirnas),
                "transcripts": len(records),
                "letters": letters,
                "per_kb": round(1000 * asked / size / len(mirnas), 2),
                "sites": table.num_rows,
                "retained": round(float(np.mean(retained(reference, table))), 4),
                "seconds": round(seconds, 1),
            }
        )
    return rows


def main() -> None:
    """Print the rows."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", default="pretrained/duplex")
    parser.add_argument("--targets", nargs="+", required=True, help="FASTA of 3'UTRs")
    parser.add_argument("--transcripts", type=int, default=250)
    measured_rows.add_out(parser)
    arguments = parser.parse_args()
    rows = measure(arguments.model, arguments.targets, arguments.transcripts)
    for row in rows:
        print(*(f"{name}={value}" for name, value in row.items()))
    measured_rows.write_rows(arguments.out, rows)


if __name__ == "__main__":
    main()
