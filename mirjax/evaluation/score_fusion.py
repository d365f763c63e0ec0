"""One ranking out of several scores of the same candidates.

References:
  McFadden 1974, Conditional logit analysis of qualitative choice behavior.
"""

import zlib
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from scipy import optimize

_FOLDS = 2


def fit_weights(
    scores: Float[np.ndarray, "kinds n m"], true: Sequence[int]
) -> Float[np.ndarray, " kinds"]:
    """Find how much each kind of score says about which candidate is the true one.

    The weights maximise the mean log-probability of the true candidates, where the
    candidates of a row have probabilities softmax(sum of weights times scores).

    Args:
      scores: of m candidates for n rows, of several kinds, the higher the better.
      true: the number of the true candidate of each row.

    Raises:
      ValueError: if there are no rows.
    """
    if not len(true):
        raise ValueError("no rows to fit weights on")
    rows = np.arange(len(true))
    # Weights of like size, whatever the units, make the search well-conditioned.
    spread = np.maximum(scores.std(axis=(1, 2)), 1e-9)
    scaled = scores / spread[:, None, None]
    own = scaled[:, rows, np.asarray(true)]

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        total = np.tensordot(weights, scaled, axes=1)
        total -= total.max(axis=1, keepdims=True)
        chances = np.exp(total)
        sums = chances.sum(axis=1)
        chances /= sums[:, None]
        value = np.mean(np.log(sums) - total[rows, np.asarray(true)])
        expected = np.einsum("knm,nm->kn", scaled, chances)
        return float(value), (expected - own).mean(axis=1)

    start = np.zeros(len(scores))
    found = optimize.minimize(loss, start, jac=True, method="L-BFGS-B")
    return found.x / spread


def combine(
    scores: Float[np.ndarray, "kinds n m"],
    true: Sequence[int],
    targets: Sequence[str],
) -> Float[np.ndarray, "n m"]:
    """Combine scores by weights that were fitted on other rows.

    The rows are divided in two by their targets; each half is scored with the weights
    that fit the other.

    Args:
      scores: of m candidates for n rows, of several kinds, the higher the better.
      true: the number of the true candidate of each row; -1 where it is none: such a
        row is scored, and no weight is fitted on it.
      targets: the target of each row.

    Raises:
      ValueError: if one of the halves has no row to fit weights on.
    """
    fold = np.array([zlib.crc32(target.encode()) % _FOLDS for target in targets])
    combined = np.empty(scores.shape[1:])
    numbers = np.asarray(true)
    for number in range(_FOLDS):
        own = fold == number
        others = ~own & (numbers >= 0)
        weights = fit_weights(scores[:, others], numbers[others])
        combined[own] = np.tensordot(weights, scores[:, own], axes=1)
    return combined
