"""Slices and a scanner that stand for real ones in tests of what runs scans."""

import dataclasses
import hashlib
import os
import pathlib
import time

import pyarrow as pa

from mirjax.scanning.slices import Slice
from mirjax.scanning.tables import open_table
from mirjax.sequences.records import SequenceRecord

SCHEMA = pa.schema(
    [
        ("mirna", pa.string()),
        ("target", pa.string()),
        ("start", pa.int32()),
        ("end", pa.int32()),
        ("score", pa.float32()),
        ("pvalue", pa.float64()),
        ("site_type", pa.string()),
    ]
)
SETTINGS = {"--step": "22", "--model": "3f" * 32}


def slices(number=12, per_slice=3):
    """Yield slices whose sequences follow from their names."""
    for index in range(number):
        names = [f"t{index * per_slice + n}" for n in range(per_slice)]
        yield Slice(index, tuple(SequenceRecord(n, sequence(n)) for n in names))


def sequence(name):
    digest = hashlib.sha256(name.encode()).digest()
    return "".join("ACGU"[byte % 4] for byte in digest)


@dataclasses.dataclass(frozen=True)
class FakeScanner:
    """Has one row for each C of a transcript; slices differ in their numbers of rows.

    Attributes:
      seconds: that a slice takes.
      log: a file that gets a line a slice that is scanned, and its process; "": none.
      refused: a transcript that ends the scan with an error.
    """

    seconds: float = 0.0
    log: str = ""
    refused: str = ""

    def __call__(self, a_slice):
        time.sleep(self.seconds)
        if self.log:
            with open(self.log, "a") as stream:
                stream.write(f"{a_slice.number} {os.getpid()}\n")
        rows = []
        for record in a_slice.records:
            if record.name == self.refused:
                raise ValueError(f"targets.fa record {record.name}: cannot be scanned")
            for start, letter in enumerate(record.sequence):
                if letter == "C":
                    score = (start + 1) / 33
                    rows.append(
                        (f"miR-{start % 5}", record.name, start, start + 8, score)
                    )
        columns = list(zip(*rows, strict=True)) if rows else [[]] * 5
        pvalues = [score / 1000 for score in columns[4]]
        types = [None if start % 2 else "8mer" for start in columns[2]]
        return pa.table([*columns, pvalues, types], SCHEMA)


def scanned(log):
    """Return the numbers of the slices that a scanner has logged."""
    path = pathlib.Path(log)
    lines = path.read_text().splitlines() if path.exists() else []
    return [int(line.split()[0]) for line in lines]


def table(out):
    """Return the output of a scan, in the format of its name."""
    formats = {".parquet": "parquet", ".bed": "bed"}
    return open_table(str(out), formats.get(pathlib.Path(out).suffix, "tsv"), SCHEMA)


def whole_table(number=12):
    """Return all rows, by the scanner alone."""
    return pa.concat_tables(map(FakeScanner(), slices(number)))
