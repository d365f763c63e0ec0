"""Measure a classifier and its baselines."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
from absl import logging

from mirjax.evaluation.baselines.classifier import (
    classifier_baselines,
    unfitted_baselines,
)
from mirjax.evaluation.evaluation_set import EvaluationSet
from mirjax.evaluation.metrics.classification import (
    CalibrationCurve,
    Labels,
    PrecisionRecallCurve,
    Probabilities,
    bootstrap_intervals,
    calibration_curve,
    classification_metrics,
    one_class_warning,
    precision_recall_curve,
    three_way_metrics,
)
from mirjax.evaluation.metrics.sequence import Metrics
from mirjax.evaluation.options import (
    DEFAULT_THRESHOLD,
    ClassifierOptions,
    ThresholdRule,
)
from mirjax.inference.classify import predict_probabilities
from mirjax.models.trained import TrainedModel

# Baselines whose accuracy is drawn beside the accuracies logged in training.
_IN_TRAINING_CURVES = ("mirna_identity", "complementarity")


@dataclasses.dataclass(frozen=True)
class ProbabilityCurves:
    """Curves of a classifier's probabilities and those of its baselines.

    Attributes:
      calibration: of the model.
      precision_recall: of `model` and each baseline, by name; empty if all rows are of
        one class.
      positive_fraction: of the rows; the precision of a random predictor.
    """

    calibration: CalibrationCurve
    precision_recall: Mapping[str, PrecisionRecallCurve]
    positive_fraction: float


@dataclasses.dataclass(frozen=True)
class ClassifierResults:
    """The measurements of a classifier.

    Attributes:
      options: of the evaluation.
      model: metrics of the model.
      intervals: 95% bootstrap intervals of the model's metrics.
      three_way: the published rule and its metrics; None if not requested.
      baselines: metrics of each baseline; without training rows, the ranking metrics of
        the baselines that need no fit.
      baseline_accuracy: accuracy of the baselines in training curves, at threshold 0.5
        like the accuracies logged in training; empty without training rows.
      curves: calibration and precision-recall curves.
      warning: why accuracy is meaningless, if all rows are of one class.
    """

    options: ClassifierOptions
    model: Metrics
    intervals: Mapping[str, tuple[float, float]]
    three_way: Metrics | None
    baselines: Mapping[str, Metrics]
    baseline_accuracy: Mapping[str, float]
    curves: ProbabilityCurves
    warning: str | None


def measure_classifier(
    trained: TrainedModel,
    evaluation_set: EvaluationSet,
    options: ClassifierOptions,
) -> ClassifierResults:
    """Measure a classifier and its baselines.

    Args:
      trained: the model.
      evaluation_set: labelled pairs to measure on.
      options: how pairs are classified.

    Raises:
      ValueError: if the published rule leaves out every row.
    """
    rule = options.rule
    labels = np.asarray(evaluation_set.held_out.labels)
    model = predict_probabilities(
        trained, evaluation_set.held_out, temperature=options.temperature
    )
    metrics: Metrics = dict(classification_metrics(labels, model, rule.threshold))
    three_way = None if rule.below is None else _three_way(labels, model, rule)

    logging.info("measuring the baselines")
    if len(evaluation_set.train):
        fitted = classifier_baselines(evaluation_set.train, evaluation_set.held_out)
        baselines = {
            name: dict(classification_metrics(labels, probabilities, rule.threshold))
            for name, probabilities in fitted.items()
        }
    else:
        fitted = unfitted_baselines(evaluation_set.held_out)
        baselines = {name: _rank_metrics(labels, fitted[name]) for name in fitted}
    return ClassifierResults(
        options=options,
        model=metrics,
        intervals=bootstrap_intervals(labels, model, threshold=rule.threshold),
        three_way=three_way,
        baselines=baselines,
        baseline_accuracy={
            name: float(np.mean((fitted[name] > DEFAULT_THRESHOLD) == (labels == 1)))
            for name in _IN_TRAINING_CURVES
            if len(evaluation_set.train)
        },
        curves=_curves(labels, {"model": model, **fitted}),
        warning=one_class_warning(labels),
    )


def _rank_metrics(labels: Labels, scores: Probabilities) -> Metrics:
    """Measure the ranking by scores that are not probabilities.

    They equal those of any probability that increases with the score.
    """
    order = np.unique(scores, return_inverse=True)[1]
    metrics = classification_metrics(labels, order / max(1, order.max()))
    return {name: metrics[name] for name in ("n", "auroc", "average_precision")}


def _three_way(
    labels: Labels, probabilities: Probabilities, rule: ThresholdRule
) -> dict[str, Any]:
    """Return the published rule and its metrics."""
    values = {"above": rule.threshold, "below": rule.below, "between": rule.between}
    return values | three_way_metrics(labels, probabilities, rule)


def _curves(
    labels: Labels, probabilities: Mapping[str, Probabilities]
) -> ProbabilityCurves:
    """Compute the curves of each predictor."""
    found = {
        name: precision_recall_curve(labels, values)
        for name, values in probabilities.items()
    }
    return ProbabilityCurves(
        calibration=calibration_curve(labels, probabilities["model"]),
        precision_recall={
            name: curve for name, curve in found.items() if curve is not None
        },
        positive_fraction=float(labels.mean()),
    )
