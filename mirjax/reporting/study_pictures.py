"""Pictures of a study's report, drawn from its result files."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from mirjax.evaluation.classifier import ProbabilityCurves
from mirjax.evaluation.metrics.classification import (
    CalibrationCurve,
    PrecisionRecallCurve,
)
from mirjax.reporting import attention_plot, curves, page, plots, table
from mirjax.reporting.drawing import BLUE, GREY, ORANGE, new_figure
from mirjax.reporting.findings_text import start
from mirjax.reporting.length_plot import length_histograms
from mirjax.reporting.page import Picture, Preformatted, Text
from mirjax.reporting.study_results import HELD_OUT, SEEN, Result, Row

Blocks = list[Picture | Preformatted | Text]

_BARS = 0.36  # inches per predictor


def pictures(result: Result) -> Blocks:
    """Return the pictures of an experiment, each with a text alternative."""
    found: Blocks = list(_comparison(result))
    data = result.content["pictures"]
    if "histories" in data:
        found += _histories(result, data["histories"])
    if "curves" in data:
        found += _probabilities(result, data["curves"], data["curves_of"])
    if "lengths" in data:
        found += _lengths(result, data["lengths"])
    if "by_length" in data:
        found += _by_length(result, data["by_length"])
    if "duplexes" in data:
        found += _duplexes(result, data["duplexes"], data["duplexes_of"])
    return found


def _comparison(result: Result) -> Blocks:
    """Draw the values of the first metric, a picture for each data."""
    groups = list(result.groups())
    if not groups:
        return []
    first = groups[0][0]
    found: Blocks = []
    for number, (metric, data, rows) in enumerate(groups):
        measured = [row for row in rows if HELD_OUT in row]
        if metric != first or not measured:
            continue
        figure = _bars(metric, rows)
        values = ", ".join(
            f"{row['predictor']} {table.value(metric, row[HELD_OUT])}"
            for row in measured
        )
        alt = f"{start(metric)} on held-out rows of {data}: {values}"
        caption = f"{start(metric)}, {data}"
        svg = page.draw(figure, f"{result.name}-bars-{number}")
        found.append(Picture(svg, alt, caption))
    return found


def _bars(metric: str, rows: Sequence[Row]) -> Figure:
    """Draw a bar for each predictor on rows seen in training, and on held-out ones."""
    measured = [row for row in rows if HELD_OUT in row]
    scale = 100.0 if table.value(metric, 0.5).endswith("%") else 1.0
    figure = new_figure(8.0, 1.3 + _BARS * len(measured), "")
    axes = figure.subplots()
    for row_number, row in enumerate(measured):
        for part, offset, color in ((SEEN, -0.2, GREY), (HELD_OUT, 0.2, BLUE)):
            if part in row:
                _bar(axes, row_number + offset, row, part, (color, scale))
    axes.set_yticks(range(len(measured)), [row["predictor"] for row in measured])
    axes.invert_yaxis()
    axes.set_xlim(0, scale * 1.02)
    reported = [row["reported"] for row in rows if row.get("reported") is not None]
    if reported:
        axes.axvline(scale * reported[0], color=ORANGE, linestyle="--")
    handles: list[Artist] = [
        Patch(color=color, label=label)
        for color, label in ((GREY, "seen in training"), (BLUE, "held out"))
    ]
    if reported:
        handles.append(Line2D([], [], color=ORANGE, linestyle="--", label="reported"))
    figure.legend(handles=handles, loc="outside lower right", ncols=3, frameon=False)
    axes.set_xlabel("% of rows" if scale > 1 else table.label(metric))
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    return figure


def _bar(
    axes: Axes, place: float, row: Row, part: str, look: tuple[str, float]
) -> None:
    """Draw one bar, with its interval as a line."""
    color, scale = look
    value = scale * row[part]
    axes.barh([place], [value], color=color, height=0.36)
    if ends := row.get(f"{part}_interval"):
        low, high = (scale * end for end in ends)
        axes.plot([low, high], [place, place], color="#000000", linewidth=1.2)


def _histories(result: Result, histories: Mapping[str, Any]) -> Blocks:
    """Draw the training of each model, first seed."""
    found: Blocks = []
    for number, (name, rows) in enumerate(histories.items()):
        last = rows[-1]
        svg = page.draw(
            curves.training_curves(rows, None), f"{result.name}-curves-{number}"
        )
        alt = (
            f"Training of {name}: after {last['epoch']:g} epochs the loss on held-out "
            f"rows is {last['val/loss']:.3f}, {100 * last['val/exact_match']:.1f}% of "
            f"the predictions are exact and {last['val/distinct']:,.0f} of them "
            "distinct"
        )
        found.append(Picture(svg, alt, f"Training curves: {name}, first seed"))
    return found


def _probabilities(result: Result, data: Mapping[str, Any], rows: str) -> Blocks:
    """Draw calibration, and precision and recall."""
    calibration = {
        name: np.array(values, int if name == "num_rows" else float)
        for name, values in data["calibration"].items()
    }
    precision_recall = {
        name: PrecisionRecallCurve(
            np.array(curve["precision"], float),
            np.array(curve["recall"], float),
            float(curve["average_precision"]),
        )
        for name, curve in data["precision_recall"].items()
    }
    drawn = ProbabilityCurves(
        CalibrationCurve(**calibration),
        precision_recall,
        float(data["positive_fraction"]),
    )
    average = ", ".join(
        f"{name.replace('_', ' ')} {curve.average_precision:.3f}"
        for name, curve in precision_recall.items()
    )
    figure = plots.probabilities(drawn, None)
    alt = f"Calibration of the classifier, and precision by recall: {average}"
    caption = f"Calibration, and precision and recall: {rows}, first seed"
    return [Picture(page.draw(figure, f"{result.name}-curves"), alt, caption)]


def _lengths(result: Result, data: Mapping[str, Any]) -> Blocks:
    """Draw the lengths of targets and miRNAs."""
    datasets = {
        name: {
            "targets": _by_number(columns["targets"]),
            "miRNAs": _by_number(columns["mirnas"]),
        }
        for name, columns in data.items()
    }
    targets = {name: columns["targets"] for name, columns in datasets.items()}
    commonest = ", ".join(
        f"{name} targets most often {max(rows, key=rows.__getitem__)} nt"
        for name, rows in targets.items()
    )
    svg = page.draw(length_histograms(datasets, None), f"{result.name}-lengths")
    alt = f"Distributions of the lengths of targets and miRNAs: {commonest}"
    return [Picture(svg, alt, "Lengths in the positive pairs of each dataset")]


def _by_number(counts: Mapping[str, int]) -> dict[int, int]:
    return {int(length): rows for length, rows in counts.items()}


def _by_length(result: Result, data: Mapping[str, Any]) -> Blocks:
    """Draw the matches by the length of the target."""
    columns = {f"target, {name}": lengths for name, lengths in data.items()}
    figure = plots.matches_by_length(columns, None)
    alt = (
        "Correct predictions of the Transformer by the length of the target, in "
        + " and ".join(data)
    )
    svg = page.draw(figure, f"{result.name}-by-length")
    return [Picture(svg, alt, "Predictions by the length of the target, first seed")]


def _duplexes(
    result: Result, duplexes: Sequence[Mapping[str, Any]], rows: str
) -> Blocks:
    """Draw predicted duplexes: attention, and the best structure."""
    found: Blocks = []
    for number, each in enumerate(duplexes, 1):
        is_right = each["mirna"] == each["true"]
        truth = "the true miRNA" if is_right else f"the true one is {each['true']}"
        weights = np.array(each["weights"], float).reshape(
            len(each["mirna"]), len(each["target"])
        )
        drawn = attention_plot.Duplex(
            each["target"], each["mirna"], weights, f"duplex {number}"
        )
        svg = page.draw(
            attention_plot.attention([drawn], None), f"{result.name}-attention-{number}"
        )
        caption = (
            f"Duplex {number}: attention of the letters of the decoded miRNA "
            f"{each['mirna']} ({truth}) to those of the target, mean of layers and "
            f"heads; {rows}"
        )
        found.append(Picture(svg, caption, caption))
        label = f"Duplex {number}: least free energy {each['energy']:g} kcal/mol"
        found.append(Preformatted(each["drawing"], label))
    return found
