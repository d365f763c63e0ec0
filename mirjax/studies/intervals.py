"""Bootstrap intervals of a metric over seeds and rows."""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float, Integer
from scipy import stats

Interval = tuple[float, float]

_LEVEL = 0.95


def fraction_interval(
    fractions: Sequence[float], rows: int, *, draws: int, seed: int = 0
) -> Interval:
    """Return the 95% interval of a mean over seeds of fractions of the same rows.

    A fraction of n rows drawn with replacement is binomial, so that the rows themselves
    are not needed. Seeds are drawn with replacement, too. All seeds of a draw have the
    same rows, since rows that are easy for one seed are easy for the others. The
    interval also holds for means of values from 0 to 1, which vary at most as much.

    Args:
      fractions: of each seed, from 0 to 1.
      rows: number of rows of each fraction.
      draws: bootstrap draws.
      seed: of the draws.

    Returns:
      The lower and the upper end.

    References:
      Efron & Tibshirani 1993, An Introduction to the Bootstrap, chapter 13.
    """
    rng = np.random.default_rng(seed)
    values = np.asarray(fractions, float)
    drawn = values[rng.integers(len(values), size=(draws, len(values)))]
    of_rows = stats.binom.ppf(rng.random((draws, 1)), rows, drawn) / rows
    return _ends(of_rows.mean(axis=1))


def row_interval(
    measure: Callable[[Integer[np.ndarray, " n"], Float[np.ndarray, " n"]], float],
    labels: Integer[np.ndarray, " n"],
    probabilities: Float[np.ndarray, "seeds n"],
    *,
    draws: int,
    seed: int = 0,
) -> Interval:
    """Return the 95% interval of the mean over seeds of a metric of labelled rows.

    Each draw takes rows and seeds with replacement; its seeds have the same rows.

    Args:
      measure: (labels, probabilities) → metric; draws without positives or without
        negatives are left out.
      labels: 1 for a positive pair, 0 for a negative one; both occur.
      probabilities: of each seed.
      draws: bootstrap draws.
      seed: of the draws.
    """
    rng = np.random.default_rng(seed)
    means = []
    for _ in range(draws):
        rows = rng.integers(len(labels), size=len(labels))
        seeds = rng.integers(len(probabilities), size=len(probabilities))
        if 0 < labels[rows].sum() < len(rows):
            found = [measure(labels[rows], probabilities[k, rows]) for k in seeds]
            means.append(float(np.mean(found)))
    return _ends(np.array(means))


def _ends(means: Float[np.ndarray, " draws"]) -> Interval:
    tail = (1 - _LEVEL) / 2
    low, high = np.quantile(means, (tail, 1 - tail))
    return float(low), float(high)
