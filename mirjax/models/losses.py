"""Losses and metrics of generators and classifiers, as pure functions.

Metrics are computed in two stages: sums over the rows of each batch, which can be added
up over batches, then means.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, UInt8

from mirjax.datasets.batches import Batch, LabelledBatch
from mirjax.models.interfaces import Model
from mirjax.sequences import alphabet

Metrics = dict[str, Array]
"""A float32 scalar by name."""

AnyBatch = Batch | LabelledBatch
"""Rows for a generator, or for a classifier."""

_EPSILON = 1e-7  # probabilities are clipped to [this, 1 - this], as in Keras


def shift_right(
    mirnas: UInt8[Array | np.ndarray, "batch time"],
) -> UInt8[Array, "batch time"]:
    """Return the token before each step: BOS, then all tokens but the last.

    >>> shift_right(np.array([[1, 2, 6]], np.uint8)).tolist()
    [[5, 1, 2]]
    """
    return jnp.pad(mirnas[:, :-1], ((0, 0), (1, 0)), constant_values=alphabet.BOS)


def cross_entropy(
    logits: Float[Array, "batch time 6"],
    mirnas: UInt8[Array | np.ndarray, "batch time"],
) -> Float[Array, "batch time"]:
    """Return the categorical cross-entropy as Keras 2.2 computes it, in nats.

    Probabilities are clipped to [1e-7, 1 - 1e-7].

    Args:
      logits: over A, U, C, G, BOS and EOS.
      mirnas: the true tokens.

    Returns:
      The cross-entropy of each token; 0 for PAD.
    """
    log_probs = jax.nn.log_softmax(logits.astype(jnp.float32))
    log_probs = jnp.clip(log_probs, jnp.log(_EPSILON), jnp.log1p(-_EPSILON))
    index = mirnas.astype(jnp.int32)
    # one_hot turns PAD, which is -1 here, into zeros.
    true_symbols = jax.nn.one_hot(index - 1, logits.shape[-1])
    return -jnp.sum(true_symbols * log_probs, axis=-1)


def binary_cross_entropy(
    logits: Float[Array, " batch"], labels: Float[Array | np.ndarray, " batch"]
) -> Float[Array, " batch"]:
    """Return the binary cross-entropy as Keras 2.2 computes it, in nats.

    Probabilities are clipped to [1e-7, 1 - 1e-7].

    Args:
      logits: of the probability of label 1.
      labels: 1 for a positive pair, 0 for a negative one.
    """
    logits = logits.astype(jnp.float32)
    log_positive, log_negative = (
        jnp.clip(jax.nn.log_sigmoid(x), jnp.log(_EPSILON), jnp.log1p(-_EPSILON))
        for x in (logits, -logits)
    )
    labels = jnp.asarray(labels)
    return -(labels * log_positive + (1.0 - labels) * log_negative)


def l2_penalty(params: Any, factor: float) -> Float[Array, ""]:
    """Return the L2 penalty: factor times the sum of squares of the Dense kernels.

    Args:
      params: of a model; the Dense layers are those whose names end in "_dense".
      factor: of the penalty.
    """
    kernels = [
        layer["kernel"] for name, layer in params.items() if name.endswith("_dense")
    ]
    squares = [jnp.sum(jnp.square(kernel)) for kernel in kernels]
    return jnp.float32(factor) * sum(squares, start=jnp.float32(0.0))


def batch_logits(
    model: Model, params: Any, batch: AnyBatch, **options: Any
) -> Float[Array, "batch ..."]:
    """Apply a model to a batch.

    Args:
      model: a classifier for a `LabelledBatch`, otherwise a generator.
      params: its parameters.
      batch: the rows; a generator is given the true previous letters.
      **options: as `model.apply` takes them, such as `train` and `rngs`.

    Returns:
      The model's logits.
    """
    if isinstance(batch, LabelledBatch):
        inputs = batch.mirnas, batch.targets
    else:
        inputs = batch.targets, shift_right(batch.mirnas)
    logits: Array = model.apply({"params": params}, *inputs, **options)
    return logits


def summed_metrics(logits: Float[Array, "batch ..."], batch: AnyBatch) -> Metrics:
    """Return the sums that `mean_metrics` needs, over the rows of weight 1.

    Args:
      logits: from `batch_logits`.
      batch: the rows.

    Returns:
      Of a classifier `loss`, `correct` and `rows`; of a generator `loss`,
      `correct_letters`, `letters`, `keras_accuracy` and `rows`. Sums of several batches
      may be added up.
    """
    if isinstance(batch, LabelledBatch):
        losses = binary_cross_entropy(logits, batch.labels)
        correct = (logits > 0.0) == (batch.labels > 0.5)
        return {
            "loss": jnp.sum(losses * batch.weights),
            "correct": jnp.sum(jnp.where(correct, batch.weights, 0.0)),
            "rows": jnp.sum(batch.weights),
        }
    losses = cross_entropy(logits, batch.mirnas)
    predicted = jnp.argmax(logits, axis=-1)
    symbols = batch.mirnas.astype(jnp.int32) - 1
    weights = batch.weights[:, None]
    letters = jnp.where(batch.mirnas != alphabet.PAD, weights, 0.0)
    correct = jnp.where(predicted == symbols, letters, 0.0)
    # Keras also takes the argmax of a padded step's zeros, which counts as symbol 0, A.
    keras_correct = jnp.where(predicted == jnp.maximum(symbols, 0), weights, 0.0)
    return {
        "loss": jnp.sum(losses * weights) / losses.shape[1],
        "correct_letters": jnp.sum(correct),
        "letters": jnp.sum(letters),
        "keras_accuracy": jnp.sum(keras_correct) / losses.shape[1],
        "rows": jnp.sum(batch.weights),
    }


def mean_metrics(sums: Metrics, penalty: Float[Array, ""]) -> Metrics:
    """Return mean metrics from sums.

    Args:
      sums: from `summed_metrics`, added up over batches.
      penalty: see `l2_penalty`.

    Returns:
      `loss` (cross-entropy and penalty) and `cross_entropy`, in nats per row or, of a
      generator, per step, padding included. Of a classifier `accuracy`. Of a generator
      `token_accuracy_masked`, over letters and EOS, and `token_accuracy_keras`, over
      all steps as Keras counts them. Without rows, all are 0 but for the penalty.
    """
    rows = jnp.maximum(sums["rows"], 1.0)
    means = {
        "loss": sums["loss"] / rows + penalty,
        "cross_entropy": sums["loss"] / rows,
    }
    if "correct" in sums:
        return means | {"accuracy": sums["correct"] / rows}
    letters = jnp.maximum(sums["letters"], 1.0)
    return means | {
        "token_accuracy_masked": sums["correct_letters"] / letters,
        "token_accuracy_keras": sums["keras_accuracy"] / rows,
    }


def evaluate_batch(model: Model, params: Any, batch: AnyBatch) -> Metrics:
    """Return the summed metrics of a batch, without dropout.

    Args:
      model: as for `batch_logits`.
      params: its parameters.
      batch: the rows.
    """
    return summed_metrics(batch_logits(model, params, batch), batch)


def evaluation_metrics(sums: Metrics, params: Any, l2: float) -> dict[str, float]:
    """Return mean metrics as Python numbers.

    Args:
      sums: from `evaluate_batch`, added up over batches.
      params: the model's parameters.
      l2: factor of the L2 penalty in the loss.

    Returns:
      The metrics of `mean_metrics`.
    """
    means = mean_metrics(sums, l2_penalty(params, l2))
    return {name: float(value) for name, value in means.items()}
