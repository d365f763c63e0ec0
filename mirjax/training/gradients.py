"""The gradient of a batch, computed at once or summed over micro-batches."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from mirjax.models.interfaces import Model
from mirjax.models.losses import (
    AnyBatch,
    Metrics,
    batch_logits,
    l2_penalty,
    mean_metrics,
    summed_metrics,
)
from mirjax.training.precision import in_bfloat16

GradientOf = Callable[[AnyBatch, Array], tuple[Any, Metrics]]
"""(rows, dropout key) → the gradient of their part of the loss, and summed metrics."""


class StepOptions(NamedTuple):
    """How a training step computes its loss and gradient.

    Attributes:
      l2: factor of the penalty on the Dense kernels.
      micro_batches: parts of a batch, computed one after another.
      compute_dtype: of the operands of matrix products, float32 or bfloat16.
    """

    l2: float
    micro_batches: int = 1
    compute_dtype: str = "float32"


def batch_gradient(
    model: Model, options: StepOptions, params: Any, batch: AnyBatch, key: Array
) -> tuple[Any, Metrics]:
    """Return the gradient of a batch's mean loss.

    The parts of a batch are weighted by their valid rows, so that the number of parts
    changes the gradient only by rounding. Dropout masks are drawn for each part: they
    differ from those of a whole batch, but have the same distribution.

    Args:
      model: as for `steps.train_step`.
      options: `micro_batches` must divide the rows.
      params: the model's parameters, float32.
      batch: the rows.
      key: of the dropout.

    Returns:
      The gradient, float32, and the metrics of `losses.mean_metrics`.
    """
    parts, rows = options.micro_batches, jnp.maximum(jnp.sum(batch.weights), 1.0)

    def loss_of(at: Any, part: AnyBatch, part_key: Array) -> tuple[Array, Metrics]:
        logits = batch_logits(model, at, part, train=True, rngs={"dropout": part_key})
        sums = summed_metrics(logits, part)
        return sums["loss"] / rows + l2_penalty(at, options.l2) / parts, sums

    def gradient_of(part: AnyBatch, part_key: Array) -> tuple[Any, Metrics]:
        return jax.grad(loss_of, has_aux=True)(params, part, part_key)

    if options.compute_dtype == "bfloat16":
        gradient_of = in_bfloat16(gradient_of)
    gradient, sums = (
        gradient_of(batch, key)
        if parts == 1
        else _added_up(gradient_of, _divided(batch, parts), key)
    )
    return gradient, mean_metrics(sums, l2_penalty(params, options.l2))


def _divided(batch: AnyBatch, parts: int) -> AnyBatch:
    """Divide a batch into parts, along a new first axis.

    Part k takes the rows k, k + `parts`, k + 2 `parts`, …. Rows that lie on one device
    stay there, and every device has rows of every part.
    """
    return jax.tree.map(
        lambda x: jnp.moveaxis(x.reshape(-1, parts, *x.shape[1:]), 1, 0), batch
    )


def _added_up(
    gradient_of: GradientOf, parts: AnyBatch, key: Array
) -> tuple[Any, Metrics]:
    """Sum gradients and metrics over the parts of a batch, one after another."""

    def one(number: Array, part: AnyBatch) -> tuple[Any, Metrics]:
        return gradient_of(part, jax.random.fold_in(key, number))

    def add(total: Any, numbered: tuple[Array, AnyBatch]) -> tuple[Any, None]:
        return jax.tree.map(jnp.add, total, one(*numbered)), None

    numbers = jnp.arange(len(parts.weights))
    shapes = jax.eval_shape(one, numbers[0], jax.tree.map(lambda x: x[0], parts))
    zeros = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)
    total, _ = jax.lax.scan(add, zeros, (numbers, parts))
    gradient, sums = total
    return gradient, sums
