"""Loss and accuracies of a model whose true previous letters are given."""

from collections.abc import Callable, Sequence
from typing import Any

import jax

from mirjax.models import losses


def evaluate_teacher_forced(
    evaluate_batch: Callable[[Any, losses.AnyBatch], losses.Metrics],
    params: Any,
    validation: Sequence[losses.AnyBatch],
    l2: float,
) -> dict[str, float]:
    """Return mean loss and accuracies over validation batches, without dropout."""
    sums = [evaluate_batch(params, batch) for batch in validation]
    total = jax.tree.map(lambda *parts: sum(parts), *sums)
    return losses.summarise(total, params, l2)
