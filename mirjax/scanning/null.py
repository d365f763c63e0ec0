"""The null distribution of a miRNA's scores: p-values and E-values of sites.

The p-value of a score is the expected number of chance sites of the same miRNA with at
least that score, per nucleotide. Chance sites are those that the same search finds in
shuffled transcripts; see `background`. At p <= 1e-4, a search reports one chance site
in 10,000 nt. The E-value is p times the number of nucleotides searched: the expected
number of chance sites of this miRNA in the whole search, as in BLAST.

Probabilities are compared as logits. Up to a high score u, sites are counted. Above u,
a generalised Pareto distribution is fitted to the tail. With K sites of score u or more
in N nucleotides, and z = (s - u) / scale,

    p(s) = K / N (1 + shape z)^(-1 / shape),  exp(-z) for a shape of 0

by probability-weighted moments of the K excesses s - u. A classifier's logits are
bounded, so their tail falls faster than an exponential one, and the shape is negative.
It is kept above -0.2. Where less than 0.1 sites are expected in the N nucleotides, the
tail continues as an exponential one, so that no p-value is 0. Scores with many ties,
such as alignment scores, lie on a lattice, and their tail is geometric.

The relative standard error of a p-value follows from the errors of K, scale and shape,
and grows with the distance from u. `Null.describe` reports it, and the largest
difference between the fitted tail and the counts.

References:
  Karlin & Altschul 1990, doi 10.1073/pnas.87.6.2264 (E-values).
  Balkema & de Haan 1974, Residual life time at great age, doi 10.1214/aop/1176996548.
  Hosking & Wallis 1987, doi 10.1080/00401706.1987.10488243 (the fit and its errors).
"""

import dataclasses
import functools
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy import special

TAIL = 100  # sites from which the tail is fitted
_FEWEST = 20  # sites that a fit needs
_LOWEST_SHAPE = -0.2  # lower estimates are mostly noise
_EXPONENTIAL = 0.1  # expected sites, below which the tail is exponential
_REPEATED = 0.9  # fraction of distinct top scores, below which they lie on a lattice
_CLOSEST = 2.0**-24  # least distance of a float32 probability from 0 and 1


class _Tail(NamedTuple):
    """The fitted tail of a distribution of scores."""

    start: float  # u
    size: int  # K
    scale: float  # 0 if none could be fitted
    shape: float = 0.0  # not above 0
    on_lattice: bool = False

    def survival(self, scores: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        """Return the fraction of the K sites expected to score at least as high."""
        z = np.maximum(scores - self.start, 0) / self.scale
        if not self.shape:
            return np.exp(-z)
        last = _EXPONENTIAL / self.size
        turn = (last**-self.shape - 1) / self.shape  # z at that fraction
        beyond = np.maximum(z - turn, 0) / (1 + self.shape * turn)
        inside = (1 + self.shape * np.minimum(z, turn)) ** (-1 / self.shape)
        return inside * np.exp(-beyond)

    def variance(self, survival: float) -> float:
        """Return the variance of the logarithm of a survival, from the fit's errors."""
        depth = -np.log(survival)
        if self.on_lattice:
            return float(depth**2 / self.size)
        xi = self.shape
        z = depth if not xi else (survival**-xi - 1) / xi
        left = 1 + xi * z
        by_scale = z / left  # derivatives; that by log(scale)
        by_shape = z**2 / 2 if not xi else (np.log(left) / xi - z / left) / xi
        # Errors of maximum likelihood; those of the moments are hardly larger.
        found = (
            (1 + xi) ** 2 * by_shape**2
            - 2 * (1 + xi) * by_shape * by_scale
            + 2 * (1 + xi) * by_scale**2
        )
        return float(max(found, 0.0) / self.size)


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
          scores: logits of probabilities, or alignment scores, like `self.scores`.
        """
        if not len(self.scores):
            return np.full(len(scores), 1 / self.letters)
        counts = len(self.scores) - np.searchsorted(self.scores, scores, "left")
        tail = self._tail
        if not tail.scale:
            return np.maximum(counts, 1) / self.letters
        fitted = tail.size * tail.survival(scores)
        return np.where(scores > tail.start, fitted, counts) / self.letters

    def relative_error(self, pvalue: float) -> float:
        """Return the relative standard error of a p-value, of count and fit."""
        expected, tail = pvalue * self.letters, self._tail
        if not tail.scale:
            return float(1 / np.sqrt(max(1.0, expected)))
        if expected >= tail.size:
            return float(1 / np.sqrt(expected))
        survival = max(expected, 1e-300) / tail.size
        return float(np.sqrt(1 / tail.size + tail.variance(survival)))

    def fit_error(self) -> float | None:
        """Return the largest difference between fitted and counted tail, 0 to 1.

        None where there are too few sites, or too few distinct scores, for a fit.
        """
        tail = self._tail
        if not tail.scale:
            return None
        top = self.scores[-tail.size :]
        places = np.unique(top)
        counted = 1 - np.searchsorted(top, places, "left") / tail.size
        return float(np.abs(tail.survival(places) - counted).max())

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
        """The tail of the highest scores."""
        count = min(TAIL, len(self.scores) // 2)
        if count < _FEWEST:
            return _Tail(np.inf, 0, 0.0)
        start = float(self.scores[-count])
        top = self.scores[np.searchsorted(self.scores, start, "left") :] - start
        distinct = np.unique(top)
        if len(distinct) < 2:
            return _Tail(start, len(top), 0.0)
        if len(distinct) < _REPEATED * len(top):
            # On a lattice the tail is geometric: the rate is below 1 / mean.
            step = np.diff(distinct).min()
            scale = step / np.log1p(step / np.mean(top))
            return _Tail(start, len(top), float(scale), on_lattice=True)
        return _Tail(start, len(top), *_fit(top))


def _fit(excesses: Float[np.ndarray, " n"]) -> tuple[float, float]:
    """Return scale and shape of a generalised Pareto distribution of excesses.

    Args:
      excesses: ascending, from 0; not all equal.
    """
    above = 1 - (np.arange(1, len(excesses) + 1) - 0.35) / len(excesses)
    mean, weighted = np.mean(excesses), np.mean(excesses * above)
    shape = 2 - mean / (mean - 2 * weighted)
    shape = float(np.clip(shape, _LOWEST_SHAPE, 0.0))
    return float(mean * (1 - shape)), shape


def to_logits(probabilities: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Return the logits of probabilities, finite for 0 and 1 too."""
    wide = probabilities.astype(np.float64)
    return special.logit(np.clip(wide, _CLOSEST, 1 - _CLOSEST))
