"""Shared drawing functions: colours, lines, panels, files."""

import itertools
import pathlib
from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from mirjax.files import atomic_write
from mirjax.sequences.pairing import WATSON_CRICK, WOBBLE

SUFFIXES = (".png", ".svg")

Row = Mapping[str, float | int]  # of metrics.jsonl: metric → value

# Distinct for colour-blind readers too (Okabe & Ito 2008).
BLUE, ORANGE, GREEN, GREY = "#0072b2", "#d55e00", "#009e73", "#8c8c8c"

_STYLES = ("--", ":", "-.")  # of baselines, distinct without colour
_DPI = 150
_MAX_MARKERS = 40  # lines of more points have no markers


def new_figure(width: float, height: float, title: str) -> Figure:
    """Return an empty figure; sizes are in inches."""
    layout = ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.08)
    figure = Figure(figsize=(width, height), layout=layout)
    if title:
        figure.suptitle(title, fontsize="medium", x=0.01, ha="left")
    return figure


def line(
    axes: Axes,
    rows: Sequence[Row],
    key: str,
    label: str,
    color: str,
    scale: float = 1.0,
) -> None:
    """Draw a metric by epoch, from the rows that have it, if any."""
    points = [(row["epoch"], scale * row[key]) for row in rows if key in row]
    if points:
        marker = "o" if len(points) <= _MAX_MARKERS else ""
        epochs, values = zip(*points, strict=True)
        axes.plot(epochs, values, color=color, label=label, marker=marker, ms=3)


def levels(axes: Axes, fractions: Mapping[str, float]) -> None:
    """Draw baselines as dashed lines in percent, with their values in the legend."""
    for (name, fraction), style in zip(
        fractions.items(), itertools.cycle(_STYLES), strict=False
    ):
        label = f"{name}: {100 * fraction:.1f}%"
        axes.axhline(100 * fraction, color=ORANGE, linestyle=style, label=label)


def mark_pairs(axes: Axes, mirna: str, target: str) -> None:
    """Mark the letters of miRNA (rows) and target (columns) that can pair."""
    for pairs, fill, name in (
        (WATSON_CRICK, ORANGE, "Watson-Crick pair"),
        (WOBBLE, "none", "G:U wobble"),
    ):
        positions = [
            (x, y)
            for y, letter in enumerate(mirna)
            for x, other in enumerate(target)
            if letter + other in pairs
        ]
        axes.scatter(
            [x for x, _ in positions],
            [y for _, y in positions],
            s=7,
            marker="o",
            facecolors=fill,
            edgecolors=ORANGE,
            linewidths=0.6,
            label=name,
        )


def panel(axes: Axes, title: str, unit: str) -> None:
    """Add title, unit, grid and legend to a panel."""
    axes.set_title(title, fontsize="medium", loc="left")
    axes.set_ylabel(unit)
    axes.grid(color="0.92")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    if axes.lines:
        axes.legend(frameon=False, fontsize="small")


def picture_name(path: pathlib.Path | None) -> str:
    """Return the name of a picture in messages; a path of None has no file."""
    return "picture" if path is None else path.name


def save(figure: Figure, path: pathlib.Path | None) -> None:
    """Write a picture, PNG or SVG by its suffix; it appears whole or not at all.

    Args:
      figure: the picture.
      path: the file; an existing one is replaced. None: no file is written.
    """
    if path is None:
        return
    if path.suffix not in SUFFIXES:
        raise ValueError(f"{path}: a picture ends in {' or '.join(SUFFIXES)}")
    with atomic_write(path) as unfinished:
        figure.savefig(unfinished, format=path.suffix[1:], dpi=_DPI)
