"""Pictures of a training run and of an evaluation."""

import pathlib
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import MaxNLocator, ScalarFormatter
from sklearn.metrics import average_precision_score, precision_recall_curve

from mirjax.evaluation.classification import calibration_curve
from mirjax.whole_file import whole_file

SUFFIXES = (".png", ".svg")

# Told apart by eyes of all kinds (Okabe & Ito 2008).
_BLUE, _ORANGE, _GREEN, _GREY = "#0072b2", "#d55e00", "#009e73", "#8c8c8c"
_DPI = 150
_LEAST_RANGE = 5.0  # percent; matches below 1% should look small
_MARKED = 40  # points a line, at most, that are marked one by one

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
    if not rows:
        raise ValueError(f"{path.name}: there is nothing to draw yet, no metrics")
    figure = _figure(10, 6.4, title)
    (loss, accuracy), (match, distinct) = figure.subplots(2, 2, sharex=True)
    _line(loss, rows, "train/loss", "training, with dropout", _GREY)
    _line(loss, rows, "val/loss", "held out", _BLUE)
    _panel(loss, "Loss", "nats a position")

    key = "token_accuracy_masked"
    _line(accuracy, rows, f"train/{key}", "training, with dropout", _GREY, 100)
    _line(accuracy, rows, f"val/{key}", "held out", _BLUE, 100)
    if blind_accuracy is not None:
        _level(accuracy, blind_accuracy, "without seeing the mRNA", "--")
    _panel(accuracy, "Next letter right, given the true ones before", "% of letters")

    _line(match, rows, "val/seed_match", "seed (2-8)", _GREEN, 100)
    _line(match, rows, "val/exact_match", "whole miRNA", _BLUE, 100)
    for number, (name, share) in enumerate((retrieval_match or {}).items()):
        _level(match, share, name.replace("_", ", "), ("--", ":", "-.")[number % 3])
    _panel(match, "Decoded miRNA equals the true one, held out", "% of rows")
    top = max(match.get_ylim()[1], _LEAST_RANGE)
    match.set_ylim(-0.02 * top, top)  # a line along 0 is seen whole

    _line(distinct, rows, "val/distinct", "distinct answers", _BLUE)
    _line(distinct, rows, "val/n", "rows decoded", _GREY)
    _panel(distinct, "Distinct decoded sequences, held out", "sequences")
    # One answer for all rows, and for all but a few, are worlds apart.
    distinct.set_yscale("log")
    distinct.set_ylim(bottom=0.8)
    distinct.yaxis.set_major_formatter(ScalarFormatter())
    for axes in (match, distinct):
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    distinct.set_xlim(0, 1.02 * rows[-1]["epoch"])
    _save(figure, path)
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
    figure = _figure(10, 1.4 + 0.36 * len(names), title)
    panels = figure.subplots(1, len(_MATCHES), sharex=True, sharey=True)
    longest = 0.0
    for axes, (key, label) in zip(panels, _MATCHES.items(), strict=True):
        shares = [100 * predictor[key] for predictor in predictors.values()]
        colors = [_BLUE] + [_GREY] * len(baselines)
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
    _save(figure, path)
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
    figure = _figure(10, 4.6, title)
    calibration, precision = figure.subplots(1, 2)
    model = next(iter(predicted.values()))
    mean, share, count = calibration_curve(labels, model)
    calibration.plot([0, 1], [0, 1], color=_GREY, linestyle="--", label="calibrated")
    calibration.plot(mean, share, color=_BLUE, marker="o", label="model")
    for x, y, rows in zip(mean, share, count, strict=True):
        calibration.annotate(
            f"{rows:,.0f}", (x, y), (4, -10), textcoords="offset points", fontsize=7
        )
    _panel(calibration, "Calibration (rows in each bin)", "share that binds")
    calibration.set_xlabel("predicted probability")

    if 0 < labels.sum() < len(labels):
        for number, (name, values) in enumerate(predicted.items()):
            found, recall, _ = precision_recall_curve(labels, values)
            found, recall = found[recall > 0], recall[recall > 0]
            average = average_precision_score(labels, values)
            precision.plot(
                recall,
                found,
                color=_BLUE if number == 0 else f"C{number}",
                linewidth=2.2 if number == 0 else 1,
                drawstyle="steps-post",
                label=f"{name.replace('_', ' ')}: {average:.3f}",
            )
    precision.axhline(labels.mean(), color=_GREY, linestyle=":", label="chance")
    _panel(precision, "Precision and recall (average precision)", "precision")
    precision.set_xlabel("recall")
    for axes in (calibration, precision):
        axes.set_xlim(-0.02, 1.02)
        axes.set_ylim(-0.02, 1.02)
    _save(figure, path)
    return figure


def _figure(width: float, height: float, title: str) -> Figure:
    """Make an empty figure; sizes are in inches."""
    layout = ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.08)
    figure = Figure(figsize=(width, height), layout=layout)
    if title:
        figure.suptitle(title, fontsize="medium", x=0.01, ha="left")
    return figure


def _line(
    axes: Axes,
    rows: Sequence[Mapping[str, float]],
    key: str,
    label: str,
    color: str,
    scale: float = 1,
) -> None:
    """Draw a figure by epoch, over the rows that have it; none is fine."""
    points = [(row["epoch"], scale * row[key]) for row in rows if key in row]
    if points:
        marker = "o" if len(points) <= _MARKED else ""
        epochs, values = zip(*points, strict=True)
        axes.plot(epochs, values, color=color, label=label, marker=marker, ms=3)


def _level(axes: Axes, share: float, label: str, style: str) -> None:
    """Draw a baseline as a broken line, its figure in the legend."""
    label = f"{label}: {100 * share:.1f}%"
    axes.axhline(100 * share, color=_ORANGE, linestyle=style, label=label)


def _panel(axes: Axes, title: str, unit: str) -> None:
    """Label a panel."""
    axes.set_title(title, fontsize="medium", loc="left")
    axes.set_ylabel(unit)
    axes.grid(color="0.92")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    if axes.lines:
        axes.legend(frameon=False, fontsize="small")


def _save(figure: Figure, path: pathlib.Path) -> None:
    """Write the picture under another name, then give it its own."""
    if path.suffix not in SUFFIXES:
        raise ValueError(f"{path}: a picture ends in {' or '.join(SUFFIXES)}")
    with whole_file(path) as unfinished:
        figure.savefig(unfinished, format=path.suffix[1:], dpi=_DPI)
