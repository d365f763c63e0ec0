"""Temperature scaling: one number that makes a classifier's probabilities honest."""

import math
import os
from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy import optimize

from mirjax.evaluation.metrics.classification import Labels

METADATA = "temperature"  # the key in a model's metadata
LOWEST, HIGHEST = 0.05, 20.0  # bounds of the temperature

_TOLERANCE = 1e-8  # of its logarithm

Logits = Float[np.ndarray, " n"]


def fit_temperature(labels: Labels, logits: Logits) -> float:
    """Find the number to divide logits by, so that their probabilities fit the labels.

    It minimises the mean binary cross-entropy of sigmoid(logits / temperature). Above 1
    the model was too sure of itself, below 1 not sure enough. The order of the rows
    stays, so AUROC and average precision do too.

    Args:
      labels: 1 where the pair binds, else 0, of rows that the model was not trained on.
      logits: the model's, of the same rows.

    Returns:
      The temperature, kept within `LOWEST` to `HIGHEST`. It ends at the lowest where
      the logits' signs make no mistake, at the highest where they mislead.

    Raises:
      ValueError: unless there are rows of both labels and every logit is finite.

    References:
      Guo et al. 2017, ICML, On Calibration of Modern Neural Networks, arXiv 1706.04599.
    """
    if len(labels) != len(logits):
        raise ValueError(f"{len(labels)} labels, but {len(logits)} logits")
    if not np.isin(labels, (0, 1)).all():
        raise ValueError("a label is neither 0 nor 1")
    binding = int(np.sum(labels))
    if not 0 < binding < len(labels):
        raise ValueError(
            "a temperature is fitted on rows labelled 0 and rows labelled 1, but there "
            f"are {len(labels) - binding} and {binding}; add the others"
        )
    if not np.isfinite(logits).all():
        raise ValueError("a logit is not a finite number")
    # Of a binding pair the loss is log(1 + exp(-z)), of another log(1 + exp(z)).
    signed = np.where(labels == 1, -1.0, 1.0) * np.asarray(logits, np.float64)

    def cross_entropy(log_temperature: float) -> float:
        return float(np.mean(np.logaddexp(0, signed / np.exp(log_temperature))))

    # Convex in 1 / temperature, so that there is one minimum only.
    found = optimize.minimize_scalar(
        cross_entropy,
        bounds=(math.log(LOWEST), math.log(HIGHEST)),
        method="bounded",
        options={"xatol": _TOLERANCE},
    )
    return math.exp(found.x)


def stored_temperature(
    metadata: Mapping[str, Any], path: str | os.PathLike[str]
) -> float:
    """Return the temperature that was fitted when the model was trained.

    Args:
      metadata: the model's.
      path: its file, for messages.

    Raises:
      ValueError: if there is none, or it is not a positive number.
    """
    value = metadata.get(METADATA)
    if not isinstance(value, int | float) or not 0 < value < math.inf:
        raise ValueError(
            f"--calibrated: {path} holds no temperature fitted on validation rows; "
            "train the model with mirjax.train, or leave the flag out"
        )
    return float(value)
