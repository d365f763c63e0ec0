"""Run a model that tells whether a pair binds."""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np

from mirjax.data import alphabet
from mirjax.data.records import Pairs
from mirjax.models.exported import ExportedModel
from mirjax.training.compilation import compiler_options

_MAX_BATCH = 512  # rows

# (parameters, miRNA tokens, target tokens) -> probabilities
Scorer = Callable[[Mapping[str, Any], np.ndarray, np.ndarray], jax.Array]


def make_scorer(model: Any) -> Scorer:
    """Return the jitted forward pass of a classifier."""

    def score(
        params: Mapping[str, Any], mirnas: np.ndarray, targets: np.ndarray
    ) -> jax.Array:
        return jax.nn.sigmoid(model.apply({"params": params}, mirnas, targets))

    return jax.jit(score, compiler_options=compiler_options())


def score_pairs(
    scorer: Scorer,
    model: Any,
    params: Mapping[str, Any],
    pairs: Pairs,
    batch_size: int = _MAX_BATCH,
) -> np.ndarray:
    """Return the probability that each pair binds.

    Args:
      scorer: what `make_scorer` gave.
      model: the classifier.
      params: its parameters.
      pairs: rows that fit it.
      batch_size: rows scored at a time.

    Returns:
      float64 [n].
    """
    tokens = [
        alphabet.encode(pairs.mirnas, model.max_mirna_length),
        alphabet.encode(pairs.targets, model.max_target_length),
    ]
    size = max(1, min(batch_size, len(pairs)))
    # Filled up to whole batches, so that one program serves all.
    filled = [np.pad(column, ((0, -len(pairs) % size), (0, 0))) for column in tokens]
    parts = [
        scorer(params, *(column[start : start + size] for column in filled))
        for start in range(0, len(filled[0]), size)
    ]
    probabilities = [np.zeros(0), *jax.device_get(parts)]
    return np.concatenate(probabilities)[: len(pairs)].astype(np.float64)


def predict_probabilities(trained: ExportedModel, pairs: Pairs) -> np.ndarray:
    """Return the probability that each pair binds, as a trained model has it."""
    scorer = make_scorer(trained.model)
    return score_pairs(scorer, trained.model, trained.params, pairs)
