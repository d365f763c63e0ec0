"""Options and flags of `--mode=sites`; importing them loads neither JAX nor SciPy."""

import dataclasses

from absl import flags

from mirjax.scanning.options import CANDIDATES

BACKGROUND_NT = 250_000


@dataclasses.dataclass(frozen=True)
class SiteOptions:
    """Options of `--mode=sites`.

    Attributes:
      candidates: one of `options.CANDIDATES`.
      chance_per_kb: highest p-value of a site, in chance sites of the miRNA per 1,000
        nt; None for any.
      threshold: lowest score of a site; None for any.
      background_nt: nucleotides of the shuffled transcripts.
      background_seed: of the shuffles.

    Raises:
      ValueError: for a value out of range.
    """

    candidates: str = "fast"
    chance_per_kb: float | None = 0.1
    threshold: float | None = None
    background_nt: int = BACKGROUND_NT
    background_seed: int = 0

    def __post_init__(self) -> None:
        if self.candidates not in CANDIDATES:
            raise ValueError(
                f"--candidates={self.candidates} is not one of {', '.join(CANDIDATES)}"
            )
        rate = self.chance_per_kb
        if rate is not None and not 0 < rate <= 1000:
            raise ValueError(
                f"--chance_per_kb={rate} must be above 0, and at most 1000: one chance "
                "site at each nucleotide"
            )
        if self.threshold is not None and not 0 <= self.threshold <= 1:
            raise ValueError(
                f"--threshold={self.threshold} must be a probability, from 0 to 1"
            )
        if self.background_nt < 10_000:
            raise ValueError(
                f"--background_nt={self.background_nt} must be at least 10000"
            )


def define_flags(flag_values: flags.FlagValues) -> None:
    """Define the flags of `--mode=sites` alone."""
    default = SiteOptions()
    flags.DEFINE_enum(
        "candidates",
        default.candidates,
        CANDIDATES,
        "--mode=sites: duplexes that the classifier scores. all: the best duplex of "
        "every 40 nt, by alignment; sensitive: of these at most the best half; fast: "
        "a tenth of this half, chosen by a small network; seed: canonical sites",
        flag_values=flag_values,
    )
    flags.DEFINE_float(
        "chance_per_kb",
        default.chance_per_kb,
        "--mode=sites: highest p-value of a site, in chance sites of its miRNA per "
        "1,000 nt",
        flag_values=flag_values,
    )
    flags.DEFINE_integer(
        "background_nt",
        default.background_nt,
        "--mode=sites: nt of shuffled transcripts that are scanned for the p-values of "
        "each miRNA; their scores are cached for the next search",
        flag_values=flag_values,
    )
    flags.DEFINE_integer(
        "background_seed",
        default.background_seed,
        "--mode=sites: seed of the shuffled transcripts",
        flag_values=flag_values,
    )
