"""The stage that counts the lengths of targets and miRNAs."""

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mirjax.datasets import registry
from mirjax.evaluation.row_selection import positive_rows
from mirjax.sequences import alphabet
from mirjax.studies.settings import Settings
from mirjax.studies.stages import Cache, Outcome, Stage


@dataclasses.dataclass(frozen=True)
class Lengths(Stage):
    """Count the lengths in the positive rows of a dataset.

    Attributes:
      data: the dataset.
      settings: of the study.
    """

    data: str
    settings: Settings
    expected: float = 2.0

    @property
    def title(self) -> str:  # type: ignore[override]
        """What is counted."""
        return f"lengths of {self.data}"

    def inputs(self) -> Mapping[str, Any]:
        """Return the rows."""
        return {"data": self.data, "positive_rows": self.settings.positive_rows}

    def run(self, folder: pathlib.Path, cache: Cache) -> Outcome:
        """Count rows by length, and distinct sequences."""
        pairs = registry.load_pairs(self.data)
        rows, _ = positive_rows(pairs, np.arange(len(pairs)), self.data)
        limit = self.settings.positive_rows or len(rows)
        pairs = pairs.take(rows[:limit])
        return {
            "pairs": len(pairs),
            "targets": _describe(pairs.targets),
            "mirnas": _describe(pairs.mirnas),
        }


def _describe(sequences: Sequence[str]) -> dict[str, Any]:
    lengths = alphabet.lengths(sequences)
    found, rows = np.unique(lengths, return_counts=True)
    return {
        "shortest": int(lengths.min()),
        "median": float(np.median(lengths)),
        "longest": int(lengths.max()),
        "distinct": len(set(sequences)),
        "rows_by_length": {str(x): int(n) for x, n in zip(found, rows, strict=True)},
    }
