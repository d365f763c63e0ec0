"""Pictures of a training run: its metrics by epoch."""

import pathlib
from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, ScalarFormatter

from mirjax.reporting.drawing import (
    BLUE,
    GREEN,
    GREY,
    Row,
    levels,
    line,
    new_figure,
    panel,
    picture_name,
    save,
)

_LEAST_RANGE = 5.0  # percent; lowest upper limit of an axis of matches


def training_curves(
    rows: Sequence[Row],
    path: pathlib.Path | None,
    *,
    prefix_only_accuracy: float | None = None,
    retrieval_match: Mapping[str, float] | None = None,
    title: str = "",
) -> Figure:
    """Draw a generator's training: loss, token accuracy, matches, distinct predictions.

    Args:
      rows: of `metrics.jsonl`; a row may lack any metric.
      path: the picture, PNG or SVG by its suffix, or None; see `drawing.save`.
      prefix_only_accuracy: masked token accuracy of the baseline that never sees the
        target, from 0 to 1, drawn as a dashed line.
      retrieval_match: exact match, from 0 to 1, of the baselines that retrieve training
        miRNAs, by name, drawn as dashed lines.
      title: above the panels, such as the rows of the baselines.

    Returns:
      The figure, with panels in the order above.

    Raises:
      ValueError: if there are no rows, or for another suffix.
    """
    _check_rows(rows, path)
    figure = new_figure(10.0, 6.4, title)
    (loss, accuracy), (match, distinct) = figure.subplots(2, 2, sharex=True)
    _both_lines(loss, rows, "loss")
    panel(loss, "Loss", "nats per position")

    _both_lines(accuracy, rows, "token_accuracy_masked", 100.0)
    if prefix_only_accuracy is not None:
        levels(accuracy, {"without the mRNA": prefix_only_accuracy})
    panel(accuracy, "Correct letters, given the true previous ones", "% of letters")

    line(match, rows, "val/seed_match", "seed (2-8)", GREEN, 100.0)
    line(match, rows, "val/exact_match", "whole miRNA", BLUE, 100.0)
    retrieval = retrieval_match or {}
    levels(match, {name.replace("_", ", "): retrieval[name] for name in retrieval})
    panel(match, "Predicted miRNA equals the true one, held out", "% of rows")
    top = max(match.get_ylim()[1], _LEAST_RANGE)
    match.set_ylim(-0.02 * top, top)  # a line at 0 stays visible

    line(distinct, rows, "val/distinct", "distinct predictions", BLUE)
    line(distinct, rows, "val/n", "rows", GREY)
    panel(distinct, "Distinct predictions, held out", "sequences")
    # A logarithmic axis separates one prediction for all rows from a few.
    distinct.set_yscale("log")
    distinct.set_ylim(bottom=0.8)
    distinct.yaxis.set_major_formatter(ScalarFormatter())
    for axes in (match, distinct):
        _epochs(axes, rows)
    save(figure, path)
    return figure


def classifier_curves(
    rows: Sequence[Row],
    path: pathlib.Path | None,
    *,
    baseline_accuracy: Mapping[str, float] | None = None,
    title: str = "",
) -> Figure:
    """Draw a classifier's training: loss and accuracy.

    Args:
      rows: of `metrics.jsonl`; a row may lack any metric.
      path: the picture, PNG or SVG by its suffix, or None; see `drawing.save`.
      baseline_accuracy: of each baseline, from 0 to 1, drawn as dashed lines.
      title: above the panels, such as the rows of the baselines.

    Returns:
      The figure, with panels in the order above.

    Raises:
      ValueError: if there are no rows, or for another suffix.
    """
    _check_rows(rows, path)
    figure = new_figure(10.0, 4.2, title)
    loss, accuracy = figure.subplots(1, 2)
    _both_lines(loss, rows, "loss")
    panel(loss, "Loss", "nats a pair")
    _both_lines(accuracy, rows, "accuracy", 100.0)
    baselines = baseline_accuracy or {}
    levels(accuracy, {name.replace("_", " "): baselines[name] for name in baselines})
    panel(accuracy, "Accuracy", "% of pairs")
    for axes in (loss, accuracy):
        _epochs(axes, rows)
    save(figure, path)
    return figure


def _check_rows(rows: Sequence[Row], path: pathlib.Path | None) -> None:
    if not rows:
        raise ValueError(f"{picture_name(path)}: there are no metrics to draw yet")


def _both_lines(axes: Axes, rows: Sequence[Row], key: str, scale: float = 1.0) -> None:
    """Draw a metric of the training rows and of the held-out rows, by epoch."""
    line(axes, rows, f"train/{key}", "training, with dropout", GREY, scale)
    line(axes, rows, f"val/{key}", "held out", BLUE, scale)


def _epochs(axes: Axes, rows: Sequence[Row]) -> None:
    """Label the axis of epochs, and start it at 0."""
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    axes.set_xlim(0, 1.02 * rows[-1]["epoch"])
