"""Records and tables of sequences: miRNA-target pairs, all sequences 5'→3'."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np


@dataclasses.dataclass(frozen=True)
class SequenceRecord:
    """One named sequence of a FASTA file, 5'→3', RNA letters."""

    name: str
    sequence: str


@dataclasses.dataclass(frozen=True, eq=False)
class Pairs:
    """Columns of miRNA-target pairs, all of one length.

    Attributes:
      mirnas: miRNA sequences, 5'→3', RNA letters.
      targets: target-site sequences, 5'→3', RNA letters, and N if unknown letters are
        read.
      labels: uint8 [n], 1 for a positive pair, 0 for a negative one; None for data
        without labels, which a generator takes as positives.
      mirna_names: miRNA names or accessions in the file, or None.
      genes: gene or transcript names, or None.
      clusters: names of groups of overlapping targets, or None.
      parts: "train", "validation" or "test", from the file, or None.
      lines: int64 [n], the line of each row in its file, from 1, or None.
    """

    mirnas: Sequence[str]
    targets: Sequence[str]
    labels: np.ndarray | None = None
    mirna_names: Sequence[str] | None = None
    genes: Sequence[str] | None = None
    clusters: Sequence[str] | None = None
    parts: Sequence[str] | None = None
    lines: np.ndarray | None = None

    def __post_init__(self):
        for field in dataclasses.fields(self):
            column = getattr(self, field.name)
            if column is not None and len(column) != len(self.mirnas):
                raise ValueError(
                    f"{field.name} has {len(column)} rows, "
                    f"mirnas has {len(self.mirnas)}"
                )

    def __len__(self) -> int:
        return len(self.mirnas)

    def take(self, rows: Sequence[int] | np.ndarray) -> "Pairs":
        """Return the given rows, in the given order."""
        columns: dict[str, Any] = {}
        for field in dataclasses.fields(self):
            column = getattr(self, field.name)
            if isinstance(column, np.ndarray):
                columns[field.name] = column[np.asarray(rows, np.int64)]
            elif column is not None:
                columns[field.name] = [column[row] for row in rows]
        return Pairs(**columns)


@dataclasses.dataclass(frozen=True)
class Split:
    """Row numbers of one dataset, divided for training, model choice and testing.

    Attributes:
      train: int64 row numbers.
      validation: int64 row numbers to choose a model on.
      test: int64 row numbers for the final metrics; empty if a published protocol has
        none.
    """

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
