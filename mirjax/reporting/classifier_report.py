"""The report of a classifier: plots, tables and notes."""

import pathlib
from collections.abc import Sequence

from mirjax.evaluation.classifier import ClassifierResults
from mirjax.evaluation.evaluation_set import EvaluationSet
from mirjax.evaluation.options import BETWEEN
from mirjax.reporting import curves, plots, table
from mirjax.reporting.benchmark_report import with_published
from mirjax.reporting.drawing import Row
from mirjax.reporting.report import Metrics, Report


def report_classifier(
    results: ClassifierResults,
    evaluation_set: EvaluationSet,
    folder: pathlib.Path,
    history: Sequence[Row] = (),
) -> Report:
    """Draw the plots of a classifier, and return its report.

    Args:
      results: the measurements.
      evaluation_set: the rows of the measurements.
      folder: where `probabilities.png` and, if there is a history, `curves.png` are
        written.
      history: rows of `metrics.jsonl` of the model's training.
    """
    _draw(results, evaluation_set, folder, history)
    options, notes = results.options, []
    metrics = {
        "threshold": options.rule.threshold,
        "temperature": options.temperature,
        **results.model,
    }
    if options.temperature != 1.0:
        notes.append(f"the model's logits are divided by {options.temperature:.4g}")
    if results.three_way is not None:
        metrics["three_way"] = results.three_way
        notes.append(_describe_rule(results.three_way))
    metrics["intervals"] = results.intervals
    notes.append(
        "95% intervals of the model, over rows drawn with replacement: "
        + ", ".join(
            f"{table.label(name)} {low:.4f} to {high:.4f}"
            for name, (low, high) in results.intervals.items()
        )
    )
    if results.warning:
        notes.append(f"warning: {results.warning}")
    report = Report(metrics, results.baselines, notes)
    return with_published(report, options.benchmark, evaluation_set)


def _draw(
    results: ClassifierResults,
    evaluation_set: EvaluationSet,
    folder: pathlib.Path,
    history: Sequence[Row],
) -> None:
    rows, temperature = evaluation_set.describe(), results.options.temperature
    title = rows
    if temperature != 1.0:
        title += f"; logits divided by {temperature:.4g}"
    plots.probabilities(results.curves, folder / "probabilities.png", title=title)
    if history:
        path = folder / "curves.png"
        if evaluation_set.source.is_training_data:
            curves.classifier_curves(
                history,
                path,
                baseline_accuracy=results.baseline_accuracy,
                title=f"Dashed lines: baselines on {rows}",
            )
        else:
            curves.classifier_curves(history, path)


def _describe_rule(found: Metrics) -> str:
    """Return the published rule and its metrics, in a line."""
    between = dict(zip(BETWEEN, ("left out", "positive", "negative"), strict=True))
    metrics = ", ".join(
        f"{table.label(name)} {table.value(name, found[name])}"
        for name in ("n", "accuracy", "sensitivity", "specificity", "f1", "ppv", "npv")
    )
    return (
        f"above {found['above']:g} positive, below {found['below']:g} negative, "
        f"between {between[found['between']]} ({found['dropped']:,} dropped): {metrics}"
    )
