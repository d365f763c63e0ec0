"""The losses of generators and classifiers, as pure functions."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, UInt8

from mirjax.datasets.batches import Batch, LabelledBatch
from mirjax.sequences import alphabet

_EPSILON = 1e-7  # Keras's clip on probabilities


Metrics = dict[str, Array]
AnyBatch = Batch | LabelledBatch


def shift_right(
    mirnas: UInt8[Array | np.ndarray, "batch time"],
) -> UInt8[Array, "batch time"]:
    """Return the symbol before each step: BOS, then the miRNA, then EOS."""
    return jnp.pad(mirnas[:, :-1], ((0, 0), (1, 0)), constant_values=alphabet.BOS)


def cross_entropy(
    logits: Float[Array, "batch time 6"],
    mirnas: UInt8[Array | np.ndarray, "batch time"],
) -> Float[Array, "batch time"]:
    """Return the categorical cross-entropy as Keras 2.2 computes it, in nats.

    Probabilities are clipped to [1e-7, 1 - 1e-7], and padding contributes 0.
    """
    log_probs = jax.nn.log_softmax(logits.astype(jnp.float32))
    log_probs = jnp.clip(log_probs, jnp.log(_EPSILON), jnp.log1p(-_EPSILON))
    index = mirnas.astype(jnp.int32)
    # one_hot turns PAD, -1 here, into zeros.
    true_symbols = jax.nn.one_hot(index - 1, logits.shape[-1])
    return -jnp.sum(true_symbols * log_probs, axis=-1)


def l2_penalty(params: Any, factor: float) -> Float[Array, ""]:
    """Return factor times the sum of squares of the Dense kernels."""
    kernels = [
        layer["kernel"] for name, layer in params.items() if name.endswith("_dense")
    ]
    squares = [jnp.sum(jnp.square(kernel)) for kernel in kernels]
    return jnp.float32(factor) * sum(squares, start=jnp.float32(0.0))


def binary_cross_entropy(
    logits: Float[Array, " batch"], labels: Float[Array | np.ndarray, " batch"]
) -> Float[Array, " batch"]:
    """Return the binary cross-entropy as Keras 2.2 computes it, in nats.

    Probabilities are clipped to [1e-7, 1 - 1e-7].
    """
    logits = logits.astype(jnp.float32)
    binds, binds_not = (
        jnp.clip(jax.nn.log_sigmoid(x), jnp.log(_EPSILON), jnp.log1p(-_EPSILON))
        for x in (logits, -logits)
    )
    labels = jnp.asarray(labels)
    return -(labels * binds + (1.0 - labels) * binds_not)


def forward(model: Any, params: Any, batch: AnyBatch, **options: Any) -> Array:
    """Apply a model to what it sees of a batch."""
    if isinstance(batch, LabelledBatch):
        inputs = batch.mirnas, batch.targets
    else:
        inputs = batch.targets, shift_right(batch.mirnas)
    logits: Array = model.apply({"params": params}, *inputs, **options)
    return logits


def row_sums(logits: Array, batch: AnyBatch) -> Metrics:
    """Return sums over the rows that count, to be added up over batches."""
    if isinstance(batch, LabelledBatch):
        losses = binary_cross_entropy(logits, batch.labels)
        right = (logits > 0.0) == (batch.labels > 0.5)
        return {
            "loss": jnp.sum(losses * batch.weights),
            "right": jnp.sum(right * batch.weights),
            "rows": jnp.sum(batch.weights),
        }
    losses = cross_entropy(logits, batch.mirnas)
    predicted = jnp.argmax(logits, axis=-1)
    real = batch.mirnas != alphabet.PAD
    symbols = batch.mirnas.astype(jnp.int32) - 1
    weights = batch.weights[:, None]
    hits = (predicted == symbols) * weights * real
    # Keras takes the argmax of an all-zero row too: padding counts as symbol 0, A.
    keras_hits = (predicted == jnp.maximum(symbols, 0)) * weights
    return {
        "loss": jnp.sum(losses * weights) / losses.shape[1],
        "hits": jnp.sum(hits),
        "letters": jnp.sum(real * weights),
        "keras_hits": jnp.sum(keras_hits) / losses.shape[1],
        "rows": jnp.sum(batch.weights),
    }


def means_of(sums: Metrics, penalty: Array) -> Metrics:
    """Turn the sums of a generator or of a classifier into means."""
    rows = jnp.maximum(sums["rows"], 1.0)
    means = {
        "loss": sums["loss"] / rows + penalty,
        "cross_entropy": sums["loss"] / rows,
    }
    if "right" in sums:
        return means | {"accuracy": sums["right"] / rows}
    return means | {
        "token_accuracy_masked": sums["hits"] / jnp.maximum(sums["letters"], 1.0),
        "token_accuracy_keras": sums["keras_hits"] / rows,
    }


def evaluation_sums(model: Any, params: Any, batch: AnyBatch) -> Metrics:
    """Return sums over a batch, teacher-forced, without dropout; see `summarise`."""
    return row_sums(forward(model, params, batch), batch)


def summarise(sums: Metrics, params: Any, l2: float) -> dict[str, float]:
    """Turn sums added up over batches into mean loss and accuracies."""
    means = means_of(sums, l2_penalty(params, l2))
    return {name: float(value) for name, value in means.items()}
