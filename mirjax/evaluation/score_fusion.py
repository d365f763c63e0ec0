"""Score fusion: one ranking of candidates from several scores.

References:
  McFadden 1974, Conditional logit analysis of qualitative choice behavior.
"""

import zlib
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int, Integer, Shaped
from scipy import optimize

_HALVES = 2

# Several kinds of scores of m candidates for n rows: real numbers, higher is better.
Scores = Shaped[np.ndarray, "kinds n m"]
# Index of the true candidate of each row.
TrueIndices = Sequence[int] | Integer[np.ndarray, " n"]


def fit_weights(scores: Scores, true: TrueIndices) -> Float[np.ndarray, " kinds"]:
    """Fit the weights of a conditional logit.

    The weights maximise the mean log-probability of the true candidates, where the
    candidates of a row have probabilities softmax(sum of weights times scores).

    Args:
      scores: several kinds of scores.
      true: index of the true candidate of each row.

    Raises:
      ValueError: if there are no rows.
    """
    if not len(true):
        raise ValueError("no rows to fit weights on")
    rows = np.arange(len(true))
    # Scores are scaled to unit variance, so that the optimisation is well-conditioned.
    spread = np.maximum(scores.std(axis=(1, 2)), 1e-9)
    scaled = scores / spread[:, None, None]
    own = scaled[:, rows, np.asarray(true)]

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the mean negative log-probability and its gradient."""
        total = np.tensordot(weights, scaled, axes=1)
        total -= total.max(axis=1, keepdims=True)
        probabilities = np.exp(total)
        sums = probabilities.sum(axis=1)
        probabilities /= sums[:, None]
        value = np.mean(np.log(sums) - total[rows, np.asarray(true)])
        expected = np.einsum("knm,nm->kn", scaled, probabilities)
        return float(value), (expected - own).mean(axis=1)

    start = np.zeros(len(scores))
    found = optimize.minimize(loss, start, jac=True, method="L-BFGS-B")
    return found.x / spread


def fuse_scores(
    scores: Scores, true: TrueIndices, targets: Sequence[str]
) -> Float[np.ndarray, "n m"]:
    """Sum scores with weights that were fitted on other rows.

    The rows are divided into two halves by their targets. Each half is scored with the
    weights fitted on the other.

    Args:
      scores: several kinds of scores.
      true: index of the true candidate of each row; -1 if it is not a candidate. No
        weight is fitted on such a row.
      targets: the target of each row.

    Returns:
      One score of each candidate for each row.

    Raises:
      ValueError: if one of the halves has no row to fit weights on.
    """
    halves = _halves(targets)
    fused = np.empty(scores.shape[1:])
    indices = np.asarray(true)
    for half in range(_HALVES):
        own, others = halves == half, (halves != half) & (indices >= 0)
        weights = fit_weights(scores[:, others], indices[others])
        fused[own] = np.tensordot(weights, scores[:, own], axes=1)
    return fused


def can_fuse(true: TrueIndices, targets: Sequence[str]) -> bool:
    """Return whether both halves have a row to fit weights on.

    Args:
      true: as for `fuse_scores`.
      targets: likewise.
    """
    with_candidate = _halves(targets)[np.asarray(true) >= 0]
    return len(set(with_candidate.tolist())) == _HALVES


def _halves(targets: Sequence[str]) -> Int[np.ndarray, " n"]:
    """Return the half, 0 or 1, of each row; rows of one target are in the same half."""
    return np.array([zlib.crc32(target.encode()) % _HALVES for target in targets])
