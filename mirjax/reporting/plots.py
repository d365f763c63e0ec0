"""Pictures of an evaluation."""

import pathlib
from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from mirjax.evaluation.classifier import ProbabilityCurves
from mirjax.evaluation.metrics.classification import (
    CalibrationCurve,
    PrecisionRecallCurve,
)
from mirjax.reporting.drawing import BLUE, GREEN, GREY, new_figure, panel, save

_MATCHES = {
    "exact_match": "exact match",
    "known_match": "a miRNA known for the target",
    "seed_match": "seed (2-8) match",
}


def predictions(
    model: Mapping[str, Any],
    baselines: Mapping[str, Mapping[str, Any]],
    path: pathlib.Path | None,
    *,
    title: str = "",
) -> Figure:
    """Draw the matches of predictions of a model and of each baseline, as bars.

    Args:
      model: its metrics, fractions from 0 to 1.
      baselines: name → metrics.
      path: the picture, PNG or SVG by its suffix, or None; see `drawing.save`.
      title: above the panels.

    Returns:
      The figure, with a panel for exact match, known match and seed match, and in each
      a bar for the model, the first, and one for each baseline, in order.

    Raises:
      ValueError: for another suffix.
    """
    predictors = {"model": model, **baselines}
    names = [name.replace("_", " ") for name in predictors]
    figure = new_figure(10.0, 1.4 + 0.36 * len(names), title)
    panels = figure.subplots(1, len(_MATCHES), sharex=True, sharey=True)
    longest = 0.0
    for axes, (key, label) in zip(panels, _MATCHES.items(), strict=True):
        percents = [100 * predictor[key] for predictor in predictors.values()]
        colors = [BLUE] + [GREY] * len(baselines)
        bars = axes.barh(names, percents, color=colors, height=0.7)
        axes.bar_label(bars, [f"{percent:.1f}%" for percent in percents], padding=3)
        axes.set_title(label, fontsize="medium", loc="left")
        axes.set_xlabel("% of rows")
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(axis="y", length=0)
        longest = max(longest, *percents)
    # Space for the value after the longest bar; the axes are shared.
    panels[0].set_xlim(0, max(1.25 * longest, 1.0))
    panels[0].invert_yaxis()
    save(figure, path)
    return figure


def matches_by_length(
    columns: Mapping[str, Mapping[str, Mapping[str, float]]],
    path: pathlib.Path | None,
    *,
    title: str = "",
) -> Figure:
    """Draw the fraction of correct predictions, by the length of a sequence.

    Args:
      columns: name of the sequence, such as "target" → result of
        `sequence.matches_by_length`.
      path: the picture, PNG or SVG by its suffix, or None; see `drawing.save`.
      title: above the panels.

    Returns:
      The figure, with a panel for each column: matches in percent, and rows as bars.

    Raises:
      ValueError: for another suffix.
    """
    figure = new_figure(10.0, 4.2, title)
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
            percents = [100 * row[key] for row in by_length.values()]
            axes.plot(
                lengths, percents, color=color, marker="o", ms=4, label=_MATCHES[key]
            )
        panel(axes, f"By the length of the {name}", "% of rows")
        axes.set_ylim(-2, 102)
        axes.set_xlabel(f"{name}, nt")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    save(figure, path)
    return figure


def probabilities(
    curves: ProbabilityCurves, path: pathlib.Path | None, *, title: str = ""
) -> Figure:
    """Draw the calibration of a classifier, and precision-recall curves.

    Args:
      curves: of the classifier and its baselines; the model is the first.
      path: the picture, PNG or SVG by its suffix, or None; see `drawing.save`.
      title: above the panels.

    Returns:
      The figure: a calibration panel of the model, and the precision-recall curves of
      all predictors, with their average precision in the legend.

    Raises:
      ValueError: for another suffix.
    """
    figure = new_figure(10.0, 4.6, title)
    calibration, precision = figure.subplots(1, 2)
    _draw_calibration(calibration, curves.calibration)
    for number, (name, curve) in enumerate(curves.precision_recall.items()):
        _draw_precision_recall(precision, name, number, curve)
    precision.axhline(
        curves.positive_fraction, color=GREY, linestyle=":", label="chance"
    )
    panel(precision, "Precision and recall (average precision)", "precision")
    precision.set_xlabel("recall")
    for axes in (calibration, precision):
        axes.set_xlim(-0.02, 1.02)
        axes.set_ylim(-0.02, 1.02)
    save(figure, path)
    return figure


def _draw_calibration(axes: Axes, curve: CalibrationCurve) -> None:
    axes.plot([0, 1], [0, 1], color=GREY, linestyle="--", label="calibrated")
    axes.plot(
        curve.mean_probability,
        curve.positive_fraction,
        color=BLUE,
        marker="o",
        label="model",
    )
    for x, y, count in zip(*curve, strict=True):
        axes.annotate(
            f"{count:,.0f}", (x, y), (4, -10), textcoords="offset points", fontsize=7
        )
    panel(axes, "Calibration (rows in each bin)", "fraction of positives")
    axes.set_xlabel("predicted probability")


def _draw_precision_recall(
    axes: Axes, name: str, number: int, curve: PrecisionRecallCurve
) -> None:
    """Draw a predictor's curve; that of the model, number 0, stands out."""
    axes.plot(
        curve.recall,
        curve.precision,
        color=BLUE if number == 0 else f"C{number}",
        linewidth=2.2 if number == 0 else 1,
        drawstyle="steps-post",
        label=f"{name.replace('_', ' ')}: {curve.average_precision:.3f}",
    )
