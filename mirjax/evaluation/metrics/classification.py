"""Metrics of a classifier: does this miRNA bind this target?"""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Bool, Float, Integer
from sklearn import metrics

CALIBRATION_BINS = 10
BETWEEN = ("drop", "positive", "negative")

Labels = Integer[np.ndarray, " n"]
Probabilities = Float[np.ndarray, " n"]


def classification_metrics(
    labels: Labels, probabilities: Probabilities, threshold: float = 0.5
) -> dict[str, float | None]:
    """Measure probabilities against labels.

    Args:
      labels: 1 where the pair binds, else 0.
      probabilities: that it binds.
      threshold: a pair is called binding if its probability is above this.

    Returns:
      `n`; at the threshold `accuracy`, `sensitivity` (recall), `specificity`, `f1`,
      `ppv` (precision) and `npv`; at none `brier` (mean squared error), `auroc`,
      `average_precision` and `ece` (`calibration_error`). None stands for a figure that
      such rows do not define, as specificity without a negative.

    Raises:
      ValueError: if there are no rows, or a label is not 0 or 1, or a probability not
        within 0 to 1.
    """
    _check(labels, probabilities)
    both = 0 < labels.sum() < len(labels)
    return _at_threshold(labels, probabilities > threshold) | {
        "brier": float(np.mean((probabilities - labels) ** 2)),
        "auroc": float(metrics.roc_auc_score(labels, probabilities)) if both else None,
        "average_precision": float(
            metrics.average_precision_score(labels, probabilities)
        )
        if both
        else None,
        "ece": calibration_error(labels, probabilities),
    }


def three_way_metrics(
    labels: Labels,
    probabilities: Probabilities,
    *,
    above: float,
    below: float,
    between: str = "drop",
) -> dict[str, float | None]:
    """Measure the published rule: binding above one threshold, not below another.

    Args:
      labels: 1 where the pair binds, else 0.
      probabilities: that it binds.
      above: a pair of a higher probability is called binding.
      below: a pair of a lower one is called not binding; not more than `above`.
      between: what becomes of the others: "drop" leaves them out, as published;
        "positive" or "negative" calls them so.

    Returns:
      The figures of `classification_metrics` that a threshold decides, and `dropped`,
      the rows left out.

    Raises:
      ValueError: as `classification_metrics` does, for thresholds in the wrong order,
        or if every row is dropped.

    References:
      Gu et al. 2021, doi 10.1186/s12859-021-04026-6; the rule is the released code's.
    """
    _check(labels, probabilities)
    if below > above:
        raise ValueError(f"{below=} is more than {above=}")
    if between not in BETWEEN:
        raise ValueError(f"{between=} is not one of {', '.join(BETWEEN)}")
    positive, negative = probabilities > above, probabilities < below
    undecided = ~(positive | negative)
    kept = ~undecided if between == "drop" else np.ones(len(labels), bool)
    if not kept.any():
        raise ValueError(
            f"every probability lies from {below=} to {above=}, which leaves no row; "
            "bring the two closer together"
        )
    if between == "positive":
        positive = positive | undecided
    figures = _at_threshold(labels[kept], positive[kept])
    return figures | {"dropped": int(len(labels) - kept.sum())}


def calibration_error(
    labels: Labels, probabilities: Probabilities, bins: int = CALIBRATION_BINS
) -> float:
    """Return the expected calibration error.

    That is the mean, over rows, of how far the mean probability and the share of
    binding pairs lie apart in the row's bin; bins are equally wide.

    Args:
      labels: 1 where the pair binds, else 0.
      probabilities: that it binds.
      bins: how many.

    References:
      Naeini et al. 2015, AAAI, doi 10.1609/aaai.v29i1.9602.
    """
    mean_probability, share, count = calibration_curve(labels, probabilities, bins)
    return float(np.sum(count * np.abs(mean_probability - share)) / len(labels))


def calibration_curve(
    labels: Labels, probabilities: Probabilities, bins: int = CALIBRATION_BINS
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return, for each bin with rows: mean probability, share binding, rows."""
    bin_of = np.minimum((probabilities * bins).astype(int), bins - 1)
    count = np.bincount(bin_of, minlength=bins)
    filled = count > 0
    means = [
        np.bincount(bin_of, values, bins)[filled] / count[filled]
        for values in (probabilities, labels)
    ]
    return means[0], means[1], count[filled]


def bootstrap_intervals(
    labels: Labels,
    probabilities: Probabilities,
    *,
    threshold: float = 0.5,
    draws: int = 200,
    level: float = 0.95,
    seed: int = 0,
) -> dict[str, tuple[float, float]]:
    """Return percentile intervals of each figure, over rows drawn with replacement.

    Args:
      labels: 1 where the pair binds, else 0.
      probabilities: that it binds.
      threshold: as in `classification_metrics`.
      draws: how many.
      level: of the interval.
      seed: decides the draws.

    Returns:
      Figure → (lower, upper), of the figures that every draw defines.

    References:
      Efron & Tibshirani 1993, An Introduction to the Bootstrap, chapter 13.
    """
    rng = np.random.default_rng(seed)
    drawn: dict[str, list[float | None]] = {}
    for _ in range(draws):
        rows = rng.integers(len(labels), size=len(labels))
        figures = classification_metrics(labels[rows], probabilities[rows], threshold)
        for name, value in figures.items():
            drawn.setdefault(name, []).append(value)
    tails = (1 - level) / 2, (1 + level) / 2
    intervals = {}
    for name, values in drawn.items():
        if name != "n" and None not in values:
            low, high = np.quantile(np.array(values, float), tails)
            intervals[name] = (float(low), float(high))
    return intervals


def one_class_warning(labels: Labels) -> str | None:
    """Say in words why figures on rows of one class mean nothing; else None."""
    if 0 < labels.sum() < len(labels):
        return None
    one, other = ("1", "0") if labels.all() else ("0", "1")
    return (
        f"every row is labelled {one}: accuracy is meaningless here, since a predictor "
        f"that answers {one} to everything has 100%; rows labelled {other} are needed "
        "to tell a model from that"
    )


def _at_threshold(
    labels: Labels, positive: Bool[np.ndarray, " n"]
) -> dict[str, float | None]:
    """Return the figures that a threshold decides."""
    (tn, fp), (fn, tp) = metrics.confusion_matrix(labels, positive, labels=[0, 1])
    ratios: Mapping[str, tuple[int, int]] = {
        "accuracy": (tp + tn, len(labels)),
        "sensitivity": (tp, tp + fn),
        "specificity": (tn, tn + fp),
        "f1": (2 * tp, 2 * tp + fp + fn),
        "ppv": (tp, tp + fp),
        "npv": (tn, tn + fn),
    }
    figures: dict[str, float | None] = {"n": len(labels)}
    for name, (part, whole) in ratios.items():
        figures[name] = float(part / whole) if whole else None
    return figures


def _check(labels: np.ndarray, probabilities: np.ndarray) -> None:
    if not len(labels):
        raise ValueError("no rows to measure")
    if not np.isin(labels, (0, 1)).all():
        raise ValueError("a label is neither 0 nor 1")
    # Written so that NaN fails too.
    if not ((probabilities >= 0) & (probabilities <= 1)).all():
        raise ValueError("a probability is not within 0 to 1")
