"""Metrics of a classifier of pairs, by labels and probabilities."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int, Integer
from sklearn import metrics as sklearn_metrics

from mirjax.evaluation.options import DROP, POSITIVE, ThresholdRule

CALIBRATION_BINS = 10

# Name → value; None if it is undefined for the rows.
ClassMetrics = dict[str, float | int | None]
Labels = Integer[np.ndarray, " n"]  # 1 for a positive pair, 0 for a negative one
Probabilities = Float[np.ndarray, " n"]  # that a pair is positive


def classification_metrics(
    labels: Labels, probabilities: Probabilities, threshold: float = 0.5
) -> ClassMetrics:
    """Measure probabilities against labels.

    Args:
      labels: 1 for a positive pair, 0 for a negative one.
      probabilities: that a pair is positive.
      threshold: pairs of a higher probability are predicted positive.

    Returns:
      `n`; by the threshold `accuracy`, `sensitivity` (recall), `specificity`, `f1`,
      `ppv` (precision) and `npv`; without a threshold `brier` (mean squared error),
      `auroc`, `average_precision` and `ece` (`calibration_error`). A metric that is
      undefined for the rows is None, such as specificity without a negative pair.

    Raises:
      ValueError: if there are no rows, a label is not 0 or 1, or a probability is not
        within 0 to 1.
    """
    _check(labels, probabilities)
    auroc = average_precision = None
    if _has_both_classes(labels):
        auroc = float(sklearn_metrics.roc_auc_score(labels, probabilities))
        average_precision = float(
            sklearn_metrics.average_precision_score(labels, probabilities)
        )
    return _threshold_metrics(labels, probabilities > threshold) | {
        "brier": float(np.mean((probabilities - labels) ** 2)),
        "auroc": auroc,
        "average_precision": average_precision,
        "ece": calibration_error(labels, probabilities),
    }


def three_way_metrics(
    labels: Labels, probabilities: Probabilities, rule: ThresholdRule
) -> ClassMetrics:
    """Measure the published rule: positive above one threshold, negative below another.

    Args:
      labels: 1 for a positive pair, 0 for a negative one.
      probabilities: that a pair is positive.
      rule: both thresholds, and what to do with the pairs between them.

    Returns:
      The metrics of `classification_metrics` that depend on a threshold, and `dropped`,
      the number of rows left out.

    Raises:
      ValueError: as `classification_metrics` does, if the rule has no lower threshold,
        or if it leaves out every row.

    References:
      Gu et al. 2021, doi 10.1186/s12859-021-04026-6; the rule is that of the released
      code.
    """
    _check(labels, probabilities)
    above, below = rule.threshold, rule.below
    if below is None:
        raise ValueError(f"{rule} has no lower threshold")
    positive, negative = probabilities > above, probabilities < below
    undecided = ~(positive | negative)
    kept = ~undecided if rule.between == DROP else np.ones(len(labels), bool)
    if not kept.any():
        raise ValueError(
            f"every probability lies from {below=} to {above=}, which leaves no row; "
            "bring the two closer together"
        )
    if rule.between == POSITIVE:
        positive = positive | undecided
    metrics = _threshold_metrics(labels[kept], positive[kept])
    return metrics | {"dropped": int(len(labels) - kept.sum())}


class CalibrationCurve(NamedTuple):
    """Probabilities against labels, for each bin of probabilities that holds rows.

    Attributes:
      mean_probability: of the rows of the bin.
      positive_fraction: of the rows of the bin.
      num_rows: of the bin.
    """

    mean_probability: Float[np.ndarray, " bins"]
    positive_fraction: Float[np.ndarray, " bins"]
    num_rows: Int[np.ndarray, " bins"]


def calibration_curve(
    labels: Labels, probabilities: Probabilities, bins: int = CALIBRATION_BINS
) -> CalibrationCurve:
    """Compare probabilities with labels in bins of equal width.

    Args:
      labels: 1 for a positive pair, 0 for a negative one.
      probabilities: that a pair is positive.
      bins: number of bins.
    """
    bin_of = np.minimum((probabilities * bins).astype(int), bins - 1)
    count = np.bincount(bin_of, minlength=bins)
    filled = count > 0
    means = [
        np.bincount(bin_of, values, bins)[filled] / count[filled]
        for values in (probabilities, labels)
    ]
    return CalibrationCurve(means[0], means[1], count[filled])


def calibration_error(
    labels: Labels, probabilities: Probabilities, bins: int = CALIBRATION_BINS
) -> float:
    """Return the expected calibration error.

    It is the mean over rows of |mean probability - fraction of positive pairs| in the
    bin of the row.

    Args:
      labels: 1 for a positive pair, 0 for a negative one.
      probabilities: that a pair is positive.
      bins: number of bins of equal width.

    References:
      Naeini et al. 2015, AAAI, doi 10.1609/aaai.v29i1.9602.
    """
    curve = calibration_curve(labels, probabilities, bins)
    gaps = np.abs(curve.mean_probability - curve.positive_fraction)
    return float(np.sum(curve.num_rows * gaps) / len(labels))


class PrecisionRecallCurve(NamedTuple):
    """Precision at each recall above 0, as the threshold rises.

    Attributes:
      precision: at each threshold.
      recall: at each threshold, falling.
      average_precision: the area under the steps.
    """

    precision: Float[np.ndarray, " points"]
    recall: Float[np.ndarray, " points"]
    average_precision: float


def precision_recall_curve(
    labels: Labels, probabilities: Probabilities
) -> PrecisionRecallCurve | None:
    """Return the precision-recall curve; None if the rows are of one class.

    Args:
      labels: 1 for a positive pair, 0 for a negative one.
      probabilities: that a pair is positive.
    """
    if not _has_both_classes(labels):
        return None
    precision, recall, _ = sklearn_metrics.precision_recall_curve(labels, probabilities)
    average = sklearn_metrics.average_precision_score(labels, probabilities)
    return PrecisionRecallCurve(
        precision[recall > 0], recall[recall > 0], float(average)
    )


def bootstrap_intervals(
    labels: Labels,
    probabilities: Probabilities,
    *,
    threshold: float = 0.5,
    draws: int = 200,
    seed: int = 0,
) -> dict[str, tuple[float, float]]:
    """Return 95% percentile intervals of each metric, over rows drawn with replacement.

    Args:
      labels: 1 for a positive pair, 0 for a negative one.
      probabilities: that a pair is positive.
      threshold: as in `classification_metrics`.
      draws: number of draws.
      seed: decides the draws.

    Returns:
      Metric → (lower, upper), of the metrics that every draw defines.

    References:
      Efron & Tibshirani 1993, An Introduction to the Bootstrap, chapter 13.
    """
    rng = np.random.default_rng(seed)
    drawn: dict[str, list[float | int | None]] = {}
    for _ in range(draws):
        rows = rng.integers(len(labels), size=len(labels))
        metrics = classification_metrics(labels[rows], probabilities[rows], threshold)
        for name, value in metrics.items():
            drawn.setdefault(name, []).append(value)
    intervals = {}
    for name, values in drawn.items():
        if name != "n" and None not in values:
            low, high = np.quantile(np.array(values, float), (0.025, 0.975))
            intervals[name] = (float(low), float(high))
    return intervals


def one_class_warning(labels: Labels) -> str | None:
    """Return why accuracy on rows of one class is meaningless; None for two classes."""
    if _has_both_classes(labels):
        return None
    one, other = ("1", "0") if labels.all() else ("0", "1")
    return (
        f"every row is labelled {one}: accuracy is meaningless here, since a predictor "
        f"that gives {one} for every row has 100%; rows labelled {other} are needed "
        "to tell a model from that"
    )


def _has_both_classes(labels: Labels) -> bool:
    return bool(0 < labels.sum() < len(labels))


def _threshold_metrics(
    labels: Labels, positive: Bool[np.ndarray, " n"]
) -> ClassMetrics:
    """Return the metrics that depend on a threshold.

    Args:
      labels: 1 for a positive pair, 0 for a negative one.
      positive: whether a pair is predicted positive.
    """
    (tn, fp), (fn, tp) = sklearn_metrics.confusion_matrix(
        labels, positive, labels=[0, 1]
    )
    ratios: Mapping[str, tuple[int, int]] = {
        "accuracy": (tp + tn, len(labels)),
        "sensitivity": (tp, tp + fn),
        "specificity": (tn, tn + fp),
        "f1": (2 * tp, 2 * tp + fp + fn),
        "ppv": (tp, tp + fp),
        "npv": (tn, tn + fn),
    }
    metrics: ClassMetrics = {"n": len(labels)}
    for name, (part, whole) in ratios.items():
        metrics[name] = float(part / whole) if whole else None
    return metrics


def _check(labels: Labels, probabilities: Probabilities) -> None:
    if not len(labels):
        raise ValueError("no rows to measure")
    if not np.isin(labels, (0, 1)).all():
        raise ValueError("a label is neither 0 nor 1")
    # In this form, NaN fails too.
    if not ((probabilities >= 0) & (probabilities <= 1)).all():
        raise ValueError("a probability is not within 0 to 1")
