"""Measure a model that tells whether a pair binds, and draw how far to trust it."""

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from absl import logging

from mirjax.evaluation.baselines import classifier as classifier_baselines
from mirjax.evaluation.evaluation_set import Rows
from mirjax.evaluation.metrics.classification import (
    BETWEEN,
    bootstrap_intervals,
    classification_metrics,
    one_class_warning,
    three_way_metrics,
)
from mirjax.inference import classify as classifier
from mirjax.models.trained import TrainedModel
from mirjax.reporting import plots, table
from mirjax.reporting.report import Report, on_training_data

_IN_CURVES = ("mirna_identity", "complementarity")  # baselines
_TRAINING_THRESHOLD = 0.5  # of the accuracy that a run's history holds


def report_classifier(
    trained: TrainedModel,
    rows: Rows,
    folder: pathlib.Path,
    *,
    history: Sequence[Mapping[str, float]] = (),
    threshold: float = 0.5,
    below: float | None = None,
    between: str = "drop",
    temperature: float = 1.0,
) -> Report:
    """Measure a classifier beside its baselines.

    Args:
      trained: the model.
      rows: to measure on, all labelled; they fit the model.
      folder: where `probabilities.png` and, if there is a history, `curves.png` go.
      history: rows of the run's `metrics.jsonl`.
      threshold: a pair is called binding if its probability is above this.
      below: measure the published rule too, of `classification.three_way_metrics`, by
        which a pair of a probability below this is called not binding.
      between: what that rule makes of the other pairs.
      temperature: to divide the model's logits by.

    Returns:
      The figures of `classification.classification_metrics`, of the baselines too, with
      `intervals`, `threshold`, `temperature` and, if asked for, `three_way`.

    Raises:
      ValueError: if the published rule leaves no row.
    """
    folder.mkdir(parents=True, exist_ok=True)
    labels = np.asarray(rows.held_out.labels)
    model = classifier.predict_probabilities(
        trained, rows.held_out, temperature=temperature
    )
    results: dict[str, Any] = {"threshold": threshold, "temperature": temperature}
    results |= classification_metrics(labels, model, threshold)
    title, notes = rows.describe(), []
    if temperature != 1.0:
        title += f"; logits divided by {temperature:.4g}"
        notes.append(f"the model's logits are divided by {temperature:.4g}")
    if below is not None:
        rule: dict[str, Any] = {"above": threshold, "below": below, "between": between}
        figures = three_way_metrics(labels, model, **rule)
        results["three_way"] = rule | figures
        notes.append(_describe_rule(results["three_way"]))

    logging.info("measuring the baselines")
    predicted = classifier_baselines.classifier_baselines(rows.train, rows.held_out)
    intervals = bootstrap_intervals(labels, model, threshold=threshold)
    results["intervals"] = intervals
    notes.append(
        "95% intervals of the model, over rows drawn with replacement: "
        + ", ".join(
            f"{table.label(name)} {low:.4f} to {high:.4f}"
            for name, (low, high) in intervals.items()
        )
    )
    if warning := one_class_warning(labels):
        notes.append(f"warning: {warning}")

    plots.probabilities(
        labels,
        {"model": model, **predicted},
        folder / "probabilities.png",
        title=title,
    )
    if history:
        _draw_history(history, folder / "curves.png", rows, trained, predicted)
    baselines = {
        name: classification_metrics(labels, probabilities, threshold)
        for name, probabilities in predicted.items()
    }
    return Report(results, baselines, notes)


def _describe_rule(found: Mapping[str, Any]) -> str:
    """Say in a line what the published rule gives."""
    between = dict(zip(BETWEEN, ("left out", "binding", "not binding"), strict=True))
    figures = ", ".join(
        f"{table.label(name)} {table.value(name, found[name])}"
        for name in ("n", "accuracy", "sensitivity", "specificity", "f1", "ppv", "npv")
    )
    return (
        f"above {found['above']:g} binding, below {found['below']:g} not binding, "
        f"between {between[found['between']]} ({found['dropped']:,} dropped): {figures}"
    )


def _draw_history(
    history: Sequence[Mapping[str, float]],
    path: pathlib.Path,
    rows: Rows,
    trained: TrainedModel,
    predicted: Mapping[str, np.ndarray],
) -> None:
    """Draw the training curves, with the baselines if they are on the same data."""
    if not on_training_data(rows, trained.metadata.get("data") or {}):
        plots.classifier_curves(history, path)
        return
    called = {name: predicted[name] > _TRAINING_THRESHOLD for name in _IN_CURVES}
    labels = np.asarray(rows.held_out.labels) == 1
    plots.classifier_curves(
        history,
        path,
        baseline_accuracy={
            name: float(np.mean(binds == labels)) for name, binds in called.items()
        },
        title=f"Broken lines: baselines on {rows.describe()}",
    )
