"""Temperature scaling: calibrate a classifier's probabilities by one number."""

import math

import numpy as np
from jaxtyping import Float
from scipy import optimize

from mirjax.evaluation.metrics.classification import Labels

LOWEST, HIGHEST = 0.05, 20.0  # bounds of the temperature

_TOLERANCE = 1e-8  # of its logarithm

Logits = Float[np.ndarray, " n"]


def fit_temperature(labels: Labels, logits: Logits) -> float:
    """Fit the temperature that calibrates logits to labels.

    It minimises the mean binary cross-entropy of sigmoid(logits / temperature). Above 1
    the model was overconfident, below 1 underconfident. The ranking of the rows does
    not change, so AUROC and average precision do not change either.

    Args:
      labels: 1 for a positive pair, 0 for a negative one, of rows that the model was
        not trained on.
      logits: the model's, of the same rows.

    Returns:
      The temperature, from `LOWEST` to `HIGHEST`. It is the lowest if every logit has
      the sign of its label, and the highest if the logits do not help to predict the
      labels.

    Raises:
      ValueError: unless there are rows of both labels and every logit is finite.

    References:
      Guo et al. 2017, ICML, On Calibration of Modern Neural Networks, arXiv 1706.04599.
    """
    if len(labels) != len(logits):
        raise ValueError(f"{len(labels)} labels, but {len(logits)} logits")
    if not np.isin(labels, (0, 1)).all():
        raise ValueError("a label is neither 0 nor 1")
    positives = int(np.sum(labels))
    if not 0 < positives < len(labels):
        raise ValueError(
            "a temperature is fitted on rows labelled 0 and rows labelled 1, but there "
            f"are {len(labels) - positives} and {positives}; add rows of the other "
            "label"
        )
    if not np.isfinite(logits).all():
        raise ValueError("a logit is not a finite number")
    # The loss is log(1 + exp(-z)) of a positive pair, log(1 + exp(z)) of a negative.
    signed = np.where(labels == 1, -1.0, 1.0) * np.asarray(logits, np.float64)

    def cross_entropy(log_temperature: float) -> float:
        return float(np.mean(np.logaddexp(0, signed / np.exp(log_temperature))))

    # Convex in 1 / temperature, so there is only one minimum.
    found = optimize.minimize_scalar(
        cross_entropy,
        bounds=(math.log(LOWEST), math.log(HIGHEST)),
        method="bounded",
        options={"xatol": _TOLERANCE},
    )
    return math.exp(found.x)
