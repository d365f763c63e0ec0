"""What the pictures share: colours, panels, lines, and how a file is written."""

import itertools
import pathlib
from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from mirjax.files import atomic_write

SUFFIXES = (".png", ".svg")

# Told apart by eyes of all kinds (Okabe & Ito 2008).
BLUE, ORANGE, GREEN, GREY = "#0072b2", "#d55e00", "#009e73", "#8c8c8c"

_STYLES = ("--", ":", "-.")  # of baselines, told apart without colour
_DPI = 150
_MARKED = 40  # points a line, at most, that are marked one by one


def new_figure(width: float, height: float, title: str) -> Figure:
    """Make an empty figure; sizes are in inches."""
    layout = ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.08)
    figure = Figure(figsize=(width, height), layout=layout)
    if title:
        figure.suptitle(title, fontsize="medium", x=0.01, ha="left")
    return figure


def line(
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


def levels(axes: Axes, shares: Mapping[str, float]) -> None:
    """Draw baselines as broken lines in percent, their figures in the legend."""
    for (name, share), style in zip(
        shares.items(), itertools.cycle(_STYLES), strict=False
    ):
        label = f"{name}: {100 * share:.1f}%"
        axes.axhline(100 * share, color=ORANGE, linestyle=style, label=label)


def panel(axes: Axes, title: str, unit: str) -> None:
    """Label a panel."""
    axes.set_title(title, fontsize="medium", loc="left")
    axes.set_ylabel(unit)
    axes.grid(color="0.92")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    if axes.lines:
        axes.legend(frameon=False, fontsize="small")


def save(figure: Figure, path: pathlib.Path) -> None:
    """Write the picture under another name, then give it its own."""
    if path.suffix not in SUFFIXES:
        raise ValueError(f"{path}: a picture ends in {' or '.join(SUFFIXES)}")
    with atomic_write(path) as unfinished:
        figure.savefig(unfinished, format=path.suffix[1:], dpi=_DPI)
