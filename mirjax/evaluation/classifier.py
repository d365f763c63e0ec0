"""Run a model that tells whether a pair binds."""

import jax
import numpy as np

from mirjax.data import alphabet
from mirjax.data.records import Pairs
from mirjax.models.exported import ExportedModel
from mirjax.training.compilation import compiler_options

_MAX_BATCH = 512  # rows


def predict_probabilities(trained: ExportedModel, pairs: Pairs) -> np.ndarray:
    """Return the probability that each pair binds.

    Args:
      trained: a classifier.
      pairs: rows that fit it.

    Returns:
      float64 [n].
    """
    model = trained.model

    def score(mirnas: jax.Array, targets: jax.Array) -> jax.Array:
        logits = model.apply({"params": trained.params}, mirnas, targets)
        return jax.nn.sigmoid(logits)

    scorer = jax.jit(score, compiler_options=compiler_options())
    tokens = [
        alphabet.encode(pairs.mirnas, model.max_mirna_length),
        alphabet.encode(pairs.targets, model.max_target_length),
    ]
    size = min(_MAX_BATCH, len(pairs))
    # Filled up to whole batches, so that one program serves all.
    filled = [np.pad(column, ((0, -len(pairs) % size), (0, 0))) for column in tokens]
    parts = [
        scorer(*(column[start : start + size] for column in filled))
        for start in range(0, len(filled[0]), size)
    ]
    return np.concatenate(jax.device_get(parts))[: len(pairs)].astype(np.float64)
