"""The null distribution of a miRNA's scores: how often chance sites score as high.

The p-value of a score is the expected number of sites of the same miRNA, with that
score or a higher one, per nucleotide of shuffled transcript, found by the same rule:
candidates, windows and scores; see `background`. So a p-value of 1e-4 is one chance
site in 10,000 nt, and a threshold of p <= 1e-4 reports as many from sequence without
any real site. The E-value is p times the nucleotides that were searched: the expected
number of chance sites of this miRNA in the whole search, as in BLAST.

Probabilities are compared as logits. Up to a high score u, sites are counted. Above it
an exponential tail is fitted: with K sites that score u or more, in N nucleotides,

    p(s) = K / N exp(-rate (s - u))

The rate is the maximum-likelihood estimate from the K excesses s - u. It allows for
scores on a lattice, such as alignment scores. The relative standard error of a p-value
follows from that of the rate, and grows with the distance from u; `Null.describe`
states it, and how far the fitted tail is from the counts.

References:
  Karlin & Altschul 1990, doi 10.1073/pnas.87.6.2264 (E-values).
  Balkema & de Haan 1974, Residual life time at great age, doi 10.1214/aop/1176996548.
"""

import dataclasses
import functools
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy import special

TAIL = 100  # sites from which the tail is fitted
_FEWEST = 20  # sites that a fit needs
_CLOSEST = 2.0**-24  # least distance of a probability from 0 and 1: that of a float32


class _Tail(NamedTuple):
    """The fitted tail of a distribution of scores."""

    start: float  # u
    size: int  # K
    rate: float  # 0 if none could be fitted


@dataclasses.dataclass(frozen=True, eq=False)
class Null:
    """The sites of one miRNA in shuffled transcripts.

    Attributes:
      scores: of all sites, ascending: logits of probabilities, or alignment scores.
      letters: nucleotides of the shuffled transcripts.
    """

    scores: Float[np.ndarray, " sites"]
    letters: int

    def pvalues(self, scores: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        """Return chance sites per nucleotide with at least these scores.

        Args:
          scores: on the scale of `self.scores`.
        """
        if not len(self.scores):
            return np.full(len(scores), 1 / self.letters)
        counts = len(self.scores) - np.searchsorted(self.scores, scores, "left")
        tail = self._tail
        if not tail.rate:
            return np.maximum(counts, 1) / self.letters
        excess = np.maximum(scores - tail.start, 0)
        fitted = tail.size * np.exp(-tail.rate * excess)
        return np.where(scores > tail.start, fitted, counts) / self.letters

    def relative_error(self, pvalue: float) -> float:
        """Return the relative standard error of a p-value: of the count and the fit."""
        if not self._tail.rate:
            return float(1 / np.sqrt(max(1.0, pvalue * self.letters)))
        count = self._tail.size
        beyond = max(0.0, np.log(count / max(pvalue * self.letters, 1e-300)))
        if not beyond:
            return float(1 / np.sqrt(pvalue * self.letters))
        return float(np.sqrt((1 + beyond**2) / count))

    def fit_error(self) -> float | None:
        """Return the largest difference of the fitted and the counted tail, 0 to 1.

        None where there are too few sites, or too few distinct scores, for a fit.
        """
        tail = self._tail
        if not tail.rate:
            return None
        top = self.scores[-tail.size :]
        places = np.unique(top)
        counted = 1 - np.searchsorted(top, places, "left") / tail.size
        fitted = np.exp(-tail.rate * (places - tail.start))
        return float(np.abs(fitted - counted).max())

    def describe(self, pvalue: float) -> str:
        """Return one line on the standard error of a p-value and the tail's fit."""
        error = self.fit_error()
        fit = "no tail is fitted"
        if error is not None:
            fit = f"the fitted tail is within {error:.3f} of the counts"
        return (
            f"{len(self.scores)} chance sites in {self.letters} shuffled nt; p = "
            f"{pvalue:.3g} is known to {100 * self.relative_error(pvalue):.0f}%; {fit}"
        )

    @functools.cached_property
    def _tail(self) -> _Tail:
        """The exponential tail of the highest scores."""
        count = min(TAIL, len(self.scores) // 2)
        if count < _FEWEST:
            return _Tail(np.inf, 0, 0.0)
        start = self.scores[-count]
        top = self.scores[np.searchsorted(self.scores, start, "left") :]
        steps = np.diff(np.unique(top))
        if not len(steps):
            return _Tail(float(start), len(top), 0.0)
        # Scores on a lattice of this step are geometric: their rate is below 1 / mean.
        rate = np.log1p(steps.min() / np.mean(top - start)) / steps.min()
        return _Tail(float(start), len(top), float(rate))


def to_logits(probabilities: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Return the logits of probabilities, finite for 0 and 1 too."""
    wide = probabilities.astype(np.float64)
    return special.logit(np.clip(wide, _CLOSEST, 1 - _CLOSEST))
