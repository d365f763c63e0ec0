"""Pictures of a training run and of an evaluation."""

import pathlib
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, ScalarFormatter
from sklearn.metrics import average_precision_score, precision_recall_curve

from mirjax.evaluation.metrics.classification import calibration_curve
from mirjax.reporting.drawing import (
    BLUE,
    GREEN,
    GREY,
    levels,
    line,
    new_figure,
    panel,
    save,
)

_LEAST_RANGE = 5.0  # percent; matches below 1% should look small

_MATCHES = {
    "exact_match": "exact match",
    "known_match": "a miRNA known for the target",
    "seed_match": "seed (2-8) match",
}


def training_curves(
    rows: Sequence[Mapping[str, float]],
    path: pathlib.Path,
    *,
    blind_accuracy: float | None = None,
    retrieval_match: Mapping[str, float] | None = None,
    title: str = "",
) -> Figure:
    """Draw how a run went: loss, token accuracy, matches and distinct answers.

    Args:
      rows: of `metrics.jsonl`; a row may lack any figure.
      path: the picture, PNG or SVG by its suffix; an earlier one is replaced.
      blind_accuracy: masked token accuracy without the target, from 0 to 1, drawn as a
        dashed line.
      retrieval_match: exact match, from 0 to 1, by name of a predictor that retrieves
        training miRNAs, likewise.
      title: above the panels, such as what the baselines were measured on.

    Returns:
      The figure, with panels in the order above.

    Raises:
      ValueError: if there are no rows, or the suffix is another.
    """
    _check_rows(rows, path)
    figure = new_figure(10, 6.4, title)
    (loss, accuracy), (match, distinct) = figure.subplots(2, 2, sharex=True)
    _both_lines(loss, rows, "loss")
    panel(loss, "Loss", "nats a position")

    _both_lines(accuracy, rows, "token_accuracy_masked", 100)
    if blind_accuracy is not None:
        levels(accuracy, {"without seeing the mRNA": blind_accuracy})
    panel(accuracy, "Next letter right, given the true ones before", "% of letters")

    line(match, rows, "val/seed_match", "seed (2-8)", GREEN, 100)
    line(match, rows, "val/exact_match", "whole miRNA", BLUE, 100)
    retrieval = retrieval_match or {}
    levels(match, {name.replace("_", ", "): retrieval[name] for name in retrieval})
    panel(match, "Decoded miRNA equals the true one, held out", "% of rows")
    top = max(match.get_ylim()[1], _LEAST_RANGE)
    match.set_ylim(-0.02 * top, top)  # a line along 0 is seen whole

    line(distinct, rows, "val/distinct", "distinct answers", BLUE)
    line(distinct, rows, "val/n", "rows decoded", GREY)
    panel(distinct, "Distinct decoded sequences, held out", "sequences")
    # One answer for all rows, and for all but a few, are worlds apart.
    distinct.set_yscale("log")
    distinct.set_ylim(bottom=0.8)
    distinct.yaxis.set_major_formatter(ScalarFormatter())
    for axes in (match, distinct):
        _epochs(axes, rows)
    save(figure, path)
    return figure


def classifier_curves(
    rows: Sequence[Mapping[str, float]],
    path: pathlib.Path,
    *,
    baseline_accuracy: Mapping[str, float] | None = None,
    title: str = "",
) -> Figure:
    """Draw how a classifier's run went: loss and accuracy.

    Args:
      rows: of `metrics.jsonl`; a row may lack any figure.
      path: the picture, PNG or SVG by its suffix; an earlier one is replaced.
      baseline_accuracy: from 0 to 1, by name of a baseline, drawn as broken lines.
      title: above the panels, such as what the baselines were measured on.

    Returns:
      The figure, with panels in the order above.

    Raises:
      ValueError: if there are no rows, or the suffix is another.
    """
    _check_rows(rows, path)
    figure = new_figure(10, 4.2, title)
    loss, accuracy = figure.subplots(1, 2)
    _both_lines(loss, rows, "loss")
    panel(loss, "Loss", "nats a pair")
    _both_lines(accuracy, rows, "accuracy", 100)
    baselines = baseline_accuracy or {}
    levels(accuracy, {name.replace("_", " "): baselines[name] for name in baselines})
    panel(accuracy, "Accuracy", "% of pairs")
    for axes in (loss, accuracy):
        _epochs(axes, rows)
    save(figure, path)
    return figure


def answers(
    model: Mapping[str, float],
    baselines: Mapping[str, Mapping[str, float]],
    path: pathlib.Path,
    *,
    title: str = "",
) -> Figure:
    """Draw the model's matches beside those of each baseline, as bars.

    Args:
      model: its figures, shares from 0 to 1.
      baselines: name → figures.
      path: the picture, PNG or SVG by its suffix; an earlier one is replaced.
      title: above the panels.

    Returns:
      The figure, with a panel for exact match, known match and seed match, and in each
      a bar for the model, the first, and one for each baseline, in order.

    Raises:
      ValueError: if the suffix is another.
    """
    predictors = {"model": model, **baselines}
    names = [name.replace("_", " ") for name in predictors]
    figure = new_figure(10, 1.4 + 0.36 * len(names), title)
    panels = figure.subplots(1, len(_MATCHES), sharex=True, sharey=True)
    longest = 0.0
    for axes, (key, label) in zip(panels, _MATCHES.items(), strict=True):
        shares = [100 * predictor[key] for predictor in predictors.values()]
        colors = [BLUE] + [GREY] * len(baselines)
        bars = axes.barh(names, shares, color=colors, height=0.7)
        axes.bar_label(bars, [f"{share:.1f}%" for share in shares], padding=3)
        axes.set_title(label, fontsize="medium", loc="left")
        axes.set_xlabel("% of rows")
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(axis="y", length=0)
        longest = max(longest, *shares)
    # Room for the figure after the longest bar; the axes are shared.
    panels[0].set_xlim(0, max(1.25 * longest, 1.0))
    panels[0].invert_yaxis()
    save(figure, path)
    return figure


def matches_by_length(
    columns: Mapping[str, Mapping[str, Mapping[str, float]]],
    path: pathlib.Path,
    *,
    title: str = "",
) -> Figure:
    """Draw how many answers are right, by the length of a sequence of their rows.

    Args:
      columns: what the length is of, such as "target" → what
        `sequence.matches_by_length` gave.
      path: the picture, PNG or SVG by its suffix; an earlier one is replaced.
      title: above the panels.

    Returns:
      The figure, with a panel for each column: the shares, and the rows as bars.

    Raises:
      ValueError: if the suffix is another.
    """
    figure = new_figure(10, 4.2, title)
    panels = figure.subplots(1, len(columns), squeeze=False)[0]
    for axes, (name, by_length) in zip(panels, columns.items(), strict=True):
        lengths = [int(length) for length in by_length]
        rows = axes.twinx()
        rows.bar(lengths, [row["n"] for row in by_length.values()], color="0.88")
        rows.set_ylabel("rows (bars)")
        rows.spines[["top"]].set_visible(False)
        axes.set_zorder(rows.get_zorder() + 1)
        axes.patch.set_visible(False)
        for key, color in (("seed_match", GREEN), ("exact_match", BLUE)):
            shares = [100 * row[key] for row in by_length.values()]
            axes.plot(
                lengths, shares, color=color, marker="o", ms=4, label=_MATCHES[key]
            )
        panel(axes, f"By the length of the {name}", "% of rows")
        axes.set_ylim(-2, 102)
        axes.set_xlabel(f"{name}, nt")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    save(figure, path)
    return figure


def probabilities(
    labels: np.ndarray,
    predicted: Mapping[str, np.ndarray],
    path: pathlib.Path,
    *,
    title: str = "",
) -> Figure:
    """Draw how far probabilities can be trusted, and what they find at what cost.

    Args:
      labels: 1 where a pair binds, else 0.
      predicted: predictor → probabilities, the model first, then its baselines.
      path: the picture, PNG or SVG by its suffix; an earlier one is replaced.
      title: above the panels.

    Returns:
      The figure: a calibration panel of the model, and the precision-recall curves of
      all, with their average precision in the legend.

    Raises:
      ValueError: if the suffix is another.
    """
    figure = new_figure(10, 4.6, title)
    calibration, precision = figure.subplots(1, 2)
    model = next(iter(predicted.values()))
    mean, share, count = calibration_curve(labels, model)
    calibration.plot([0, 1], [0, 1], color=GREY, linestyle="--", label="calibrated")
    calibration.plot(mean, share, color=BLUE, marker="o", label="model")
    for x, y, rows in zip(mean, share, count, strict=True):
        calibration.annotate(
            f"{rows:,.0f}", (x, y), (4, -10), textcoords="offset points", fontsize=7
        )
    panel(calibration, "Calibration (rows in each bin)", "share that binds")
    calibration.set_xlabel("predicted probability")

    if 0 < labels.sum() < len(labels):
        for number, (name, values) in enumerate(predicted.items()):
            found, recall, _ = precision_recall_curve(labels, values)
            found, recall = found[recall > 0], recall[recall > 0]
            average = average_precision_score(labels, values)
            precision.plot(
                recall,
                found,
                color=BLUE if number == 0 else f"C{number}",
                linewidth=2.2 if number == 0 else 1,
                drawstyle="steps-post",
                label=f"{name.replace('_', ' ')}: {average:.3f}",
            )
    precision.axhline(labels.mean(), color=GREY, linestyle=":", label="chance")
    panel(precision, "Precision and recall (average precision)", "precision")
    precision.set_xlabel("recall")
    for axes in (calibration, precision):
        axes.set_xlim(-0.02, 1.02)
        axes.set_ylim(-0.02, 1.02)
    save(figure, path)
    return figure


def _check_rows(rows: Sequence[Mapping[str, float]], path: pathlib.Path) -> None:
    if not rows:
        raise ValueError(f"{path.name}: there is nothing to draw yet, no metrics")


def _both_lines(
    axes: Axes, rows: Sequence[Mapping[str, float]], key: str, scale: float = 1
) -> None:
    """Draw a figure of the training rows and of the held-out ones, by epoch."""
    line(axes, rows, f"train/{key}", "training, with dropout", GREY, scale)
    line(axes, rows, f"val/{key}", "held out", BLUE, scale)


def _epochs(axes: Axes, rows: Sequence[Mapping[str, float]]) -> None:
    """Label the axis of epochs, which starts at 0."""
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    axes.set_xlim(0, 1.02 * rows[-1]["epoch"])
