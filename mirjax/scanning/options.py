"""Options of a scan; importing them loads neither JAX nor a model."""

import dataclasses

SITES, WINDOWS, SEED = MODES = ("sites", "windows", "seed")
CANDIDATES = ("all", "sensitive", "fast", "seed")
RETAINED = {"sensitive": 0.99, "fast": 0.99, "seed": 0.66}
"""Fraction of the sites of `all` that each finds; from results/scan_candidates.json."""
TSV, PARQUET, BED = FORMATS = ("tsv", "parquet", "bed")

SORTABLE = ("sites", "best_score", "summed_score")  # columns of genes

SLICE_LETTERS = 50_000  # of a slice: it ends with the transcript that reaches them


@dataclasses.dataclass(frozen=True)
class WindowsOptions:
    """Options of `--mode=windows`, the published protocol of miTAR.

    Attributes:
      step: nt from the start of a window to that of the next.
      threshold: lowest probability of a site.
      min_sites: windows of a miRNA and a target that must reach the threshold; the
        sites of other pairs are left out.

    Raises:
      ValueError: for a value out of range.
    """

    step: int = 22
    threshold: float = 0.5
    min_sites: int = 1

    def __post_init__(self) -> None:
        for name in ("step", "min_sites"):
            if (value := getattr(self, name)) < 1:
                raise ValueError(f"--{name}={value} must be at least 1")
        if not 0 <= self.threshold <= 1:
            raise ValueError(
                f"--threshold={self.threshold} must be a probability, from 0 to 1"
            )
