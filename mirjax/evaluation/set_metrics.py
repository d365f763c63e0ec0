"""Metrics on an evaluation set: of all its rows, and of those with new targets.

A new target is in no training pair. The key `new_targets` of a result holds the metrics
of these rows, if there are any.
"""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float, Int

from mirjax.evaluation.evaluation_set import EvaluationSet
from mirjax.evaluation.metrics import retrieval, sequence
from mirjax.evaluation.metrics.sequence import Metrics

NEW_TARGETS = "new_targets"


def measure(
    evaluation_set: EvaluationSet,
    metrics_of: Callable[[Int[np.ndarray, " rows"]], Metrics],
) -> Metrics:
    """Measure all rows and, separately, those of new targets.

    Args:
      evaluation_set: n rows.
      metrics_of: measures the rows of given numbers.
    """
    metrics = metrics_of(np.arange(len(evaluation_set.held_out)))
    if evaluation_set.is_new_target.any():
        metrics[NEW_TARGETS] = metrics_of(np.flatnonzero(evaluation_set.is_new_target))
    return metrics


def prediction_metrics(
    evaluation_set: EvaluationSet, predictions: Sequence[str]
) -> Metrics:
    """Compare predictions with the true miRNAs.

    Args:
      evaluation_set: n rows.
      predictions: the predicted miRNA of each row, 5'→3'.

    Returns:
      The metrics of `sequence.sequence_metrics`.
    """
    database = set(evaluation_set.database_mirnas)

    def metrics_of(rows: Int[np.ndarray, " rows"]) -> Metrics:
        part = evaluation_set.held_out.take(rows)
        return sequence.sequence_metrics(
            [predictions[row] for row in rows],
            part.mirnas,
            part.targets,
            evaluation_set.known,
            database,
        )

    return measure(evaluation_set, metrics_of)


def rank_metrics(
    evaluation_set: EvaluationSet,
    ranks: Float[np.ndarray, " n"],
    first: Sequence[str],
) -> Metrics:
    """Measure a ranking of candidate miRNAs for each target.

    Args:
      evaluation_set: n rows.
      ranks: rank of the true miRNA, from 1; infinity if it is not a candidate.
      first: the candidate of rank 1.

    Returns:
      The metrics of `retrieval.retrieval_metrics`.
    """

    def metrics_of(rows: Int[np.ndarray, " rows"]) -> Metrics:
        part = evaluation_set.held_out.take(rows)
        return retrieval.retrieval_metrics(
            ranks[rows],
            [first[row] for row in rows],
            part.mirnas,
            part.targets,
            evaluation_set.known,
        )

    return measure(evaluation_set, metrics_of)


def join_metrics(first: Metrics, *others: Metrics) -> Metrics:
    """Join metrics of the same rows, and those of the new targets likewise.

    >>> join_metrics({"a": 1, "new_targets": {"a": 2}}, {"b": 3})
    {'a': 1, 'new_targets': {'a': 2}, 'b': 3}
    """
    joined = dict(first)
    for metrics in others:
        new_targets = joined.get(NEW_TARGETS, {}) | metrics.get(NEW_TARGETS, {})
        joined |= metrics
        if new_targets:
            joined[NEW_TARGETS] = new_targets
    return joined
