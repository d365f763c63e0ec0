"""Run a model that tells whether a pair binds."""

import functools
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from scipy import special

from mirjax.models.trained import TrainedModel
from mirjax.sequences import alphabet
from mirjax.sequences.records import Pairs
from mirjax.xla import compiler_options

_MAX_BATCH = 512  # rows

# (parameters, miRNA tokens, target tokens) -> logits
Scorer = Callable[[Mapping[str, Any], np.ndarray, np.ndarray], jax.Array]


@functools.lru_cache(maxsize=8)
def make_scorer(model: Any) -> Scorer:
    """Return the jitted forward pass of a classifier; of equal models, the same one.

    Args:
      model: the classifier; its attributes are plain numbers.

    Returns:
      A function of parameters and tokens that gives logits in float32.
    """

    def score(
        params: Mapping[str, Any], mirnas: np.ndarray, targets: np.ndarray
    ) -> jax.Array:
        logits: jax.Array = model.apply({"params": params}, mirnas, targets)
        return logits.astype(jnp.float32)

    return jax.jit(score, compiler_options=compiler_options())


def predict_logits(
    model: Any, params: Mapping[str, Any], pairs: Pairs, batch_size: int = _MAX_BATCH
) -> np.ndarray:
    """Return the logit of each pair: its logistic function is the probability.

    Args:
      model: the classifier; its attributes are plain numbers.
      params: its parameters.
      pairs: rows that fit it.
      batch_size: rows scored at a time.

    Returns:
      float64 [n].
    """
    scorer = make_scorer(model)
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
    logits = [np.zeros(0), *jax.device_get(parts)]
    return np.concatenate(logits)[: len(pairs)].astype(np.float64)


def predict_probabilities(
    trained: TrainedModel, pairs: Pairs, *, temperature: float = 1.0
) -> np.ndarray:
    """Return the probability that each pair binds, as a trained model has it.

    Args:
      trained: a classifier.
      pairs: rows that fit it.
      temperature: to divide the logits by; see `calibration.fit_temperature`.

    Returns:
      float64 [n].
    """
    logits = predict_logits(trained.model, trained.params, pairs)
    probabilities: np.ndarray = special.expit(logits / temperature)
    return probabilities
