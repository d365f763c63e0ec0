"""Predict with a classifier: logits and probabilities of pairs."""

import functools
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, UInt8
from scipy import special

from mirjax.models.interfaces import Classifier, reads_unknown_letters
from mirjax.models.members import split_members
from mirjax.models.trained import TrainedModel
from mirjax.sequences import alphabet
from mirjax.sequences.records import Pairs
from mirjax.xla import compiler_options

_MAX_BATCH = 512  # rows

Scorer: TypeAlias = Callable[
    [Mapping[str, Any], UInt8[np.ndarray, "rows _"], UInt8[np.ndarray, "rows _"]],
    Float[Array, " rows"],
]
"""(parameters, miRNA tokens, target tokens) → logits."""


@functools.lru_cache(maxsize=8)
def make_scorer(model: Classifier) -> Scorer:
    """Return the jitted forward pass of a classifier, shared by equal models.

    Args:
      model: the classifier; none of its fields is traced.

    Returns:
      A function of parameters and tokens that returns logits in float32.
    """

    def score(
        params: Mapping[str, Any],
        mirnas: UInt8[Array, "rows mirna_length"],
        targets: UInt8[Array, "rows target_length"],
    ) -> Float[Array, " rows"]:
        logits: Array = model.apply({"params": params}, mirnas, targets)
        return logits.astype(jnp.float32)

    return jax.jit(score, compiler_options=compiler_options())


def predict_logits(
    model: Classifier,
    params: Mapping[str, Any],
    pairs: Pairs,
    batch_size: int = _MAX_BATCH,
) -> Float[np.ndarray, " rows"]:
    """Return the logit of the probability that each pair binds, in float64.

    Args:
      model: the classifier; none of its fields is traced.
      params: its parameters.
      pairs: rows no longer than the model reads.
      batch_size: rows scored at a time.

    Raises:
      FloatingPointError: if a logit is NaN or infinite.
    """
    scorer = make_scorer(model)
    tokens = [
        alphabet.encode(pairs.mirnas, model.max_mirna_length),
        alphabet.encode(
            pairs.targets,
            model.max_target_length,
            unknown_as_pad=reads_unknown_letters(model),
        ),
    ]
    size = max(1, min(batch_size, len(pairs)))
    # Padded to whole batches, so that all run one program.
    filled = [np.pad(column, ((0, -len(pairs) % size), (0, 0))) for column in tokens]
    parts = [
        scorer(params, *(column[start : start + size] for column in filled))
        for start in range(0, len(filled[0]), size)
    ]
    logits = [np.zeros(0), *jax.device_get(parts)]
    found = np.concatenate(logits)[: len(pairs)].astype(np.float64)
    if not np.isfinite(found).all():
        raise FloatingPointError(
            "the model's scores are NaN or infinite: its parameters are damaged or its "
            "training diverged; train it again"
        )
    return found


def predict_member_logits(
    trained: TrainedModel[Classifier], pairs: Pairs, batch_size: int = _MAX_BATCH
) -> Float[np.ndarray, "members rows"]:
    """Return the logits of each member of a model; see `models.members`.

    Their mean over the members is the logit of the model.

    Args:
      trained: a classifier; one without members is its only one.
      pairs: rows no longer than the model reads.
      batch_size: rows scored at a time.

    Raises:
      FloatingPointError: if a logit is NaN or infinite.
    """
    return np.stack(
        [
            predict_logits(member.model, member.params, pairs, batch_size)
            for member in split_members(trained)
        ]
    )


def spread(
    member_logits: Float[np.ndarray, "members rows"], temperature: float = 1.0
) -> Float[np.ndarray, " rows"] | None:
    """Return how far the probabilities of a model's members lie apart.

    Args:
      member_logits: of `predict_member_logits`.
      temperature: the logits are divided by it.

    Returns:
      The standard deviation over the members (divisor: their number - 1); None for a
        single one.
    """
    if len(member_logits) == 1:
        return None
    found: np.ndarray = special.expit(member_logits / temperature).std(axis=0, ddof=1)
    return found


def predict_probabilities(
    trained: TrainedModel, pairs: Pairs, *, temperature: float = 1.0
) -> Float[np.ndarray, " rows"]:
    """Return the probability that each pair binds, in float64.

    Args:
      trained: a classifier.
      pairs: rows no longer than the model reads.
      temperature: the logits are divided by it; see `calibration.fit_temperature`.
    """
    logits = predict_logits(trained.model, trained.params, pairs)
    probabilities: np.ndarray = special.expit(logits / temperature)
    return probabilities
