"""Scan for canonical sites only, without a model."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from jaxtyping import Int64, UInt8

from mirjax.scanning.site_types import SITE_TYPES, find_sites
from mirjax.scanning.slices import Slice
from mirjax.sequences import alphabet
from mirjax.sequences.pairing import SEED_6MER
from mirjax.sequences.records import SequenceRecord

SCHEMA = pa.schema(
    [
        ("mirna", pa.string()),
        ("target", pa.string()),
        ("start", pa.int64()),
        ("end", pa.int64()),
        ("site_type", pa.string()),
    ]
)
"""`start` and `end` are the site itself: 0-based, half-open, 5'→3'."""


@dataclasses.dataclass(frozen=True)
class SeedMode:
    """A `SliceScanner` that lists every canonical site.

    Attributes:
      mirnas: 5'→3'.

    Raises:
      ValueError: for a miRNA of fewer than 7 letters.
    """

    mirnas: tuple[SequenceRecord, ...]

    def __post_init__(self) -> None:
        check_seeds(self.mirnas)

    def __call__(self, piece: Slice) -> pa.Table:
        """Return the canonical sites of a slice, with the columns of `SCHEMA`."""
        found = find_sites(
            [tokens_of(record) for record in piece.records],
            [tokens_of(record) for record in self.mirnas],
        )
        columns = [
            names_of([record.name for record in self.mirnas], found.mirnas),
            names_of([record.name for record in piece.records], found.transcripts),
            found.starts,
            found.ends,
            names_of(SITE_TYPES, found.types),
        ]
        return pa.table(columns, schema=SCHEMA)


def check_seeds(mirnas: Sequence[SequenceRecord]) -> None:
    """Check that miRNAs have the letters that canonical sites pair with.

    Raises:
      ValueError: for one of fewer than 7 letters; it is named.
    """
    for mirna in mirnas:
        if (size := len(mirna.sequence)) < SEED_6MER.stop:
            raise ValueError(
                f"miRNA {mirna.name}: {size} nt, but sites pair its letters 2-7"
            )


def tokens_of(record: SequenceRecord) -> UInt8[np.ndarray, " letters"]:
    """Return the tokens of a record, PAD for N and the other IUPAC codes."""
    sequence = record.sequence
    return alphabet.encode(
        [sequence], len(sequence), names=[record.name], unknown_as_pad=True
    )[0]


def names_of(names: Sequence[str], rows: Int64[np.ndarray, " rows"]) -> pa.Array:
    """Return the name of each row, given its number."""
    return pa.array(names, pa.string()).take(pa.array(rows))
