"""Loss and accuracies given the true previous letters."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax

from mirjax.models import losses


def evaluate_teacher_forced(
    evaluate_batch: Callable[[Mapping[str, Any], losses.AnyBatch], losses.Metrics],
    params: Mapping[str, Any],
    batches: Sequence[losses.AnyBatch],
    l2: float,
) -> dict[str, float]:
    """Return mean loss and accuracies over batches, without dropout.

    Args:
      evaluate_batch: `losses.evaluate_batch` of a model, jitted.
      params: the model's parameters.
      batches: of one shape; at least one.
      l2: factor of the L2 penalty in the loss.

    Returns:
      The metrics of `losses.mean_metrics`.
    """
    sums = [evaluate_batch(params, batch) for batch in batches]
    total = jax.tree.map(lambda *parts: sum(parts), *sums)
    return losses.evaluation_metrics(total, params, l2)
