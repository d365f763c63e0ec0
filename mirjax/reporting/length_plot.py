"""Picture of the length distributions of targets and miRNAs."""

import pathlib
from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from mirjax.reporting.drawing import BLUE, ORANGE, new_figure, panel, save
from mirjax.sequences import alphabet
from mirjax.sequences.records import Pairs


def length_distributions(
    datasets: Mapping[str, Pairs], path: pathlib.Path, *, title: str = ""
) -> Figure:
    """Draw the fraction of rows of each length, a row of panels for each dataset.

    Args:
      datasets: name → at least one pair.
      path: the picture, PNG or SVG by its suffix; an existing one is replaced.
      title: above the panels.

    Returns:
      The figure, with a panel for the targets and one for the miRNAs of each dataset.
      It has a bar for each length and a broken line at the median. The panels of a
      column have the same axis of lengths.

    Raises:
      ValueError: if there is no dataset or one without rows, or for another suffix.
    """
    if not datasets:
        raise ValueError(f"{path.name}: there is no dataset to draw")
    figure = new_figure(10.0, 0.8 + 1.7 * len(datasets), title)
    panels = figure.subplots(len(datasets), 2, sharex="col", squeeze=False)
    for row, (name, pairs) in zip(panels, datasets.items(), strict=True):
        if not len(pairs):
            raise ValueError(f"{path.name}: {name} has no rows to draw")
        for axes, what, sequences in zip(
            row, ("targets", "miRNAs"), (pairs.targets, pairs.mirnas), strict=True
        ):
            found, rows = np.unique(alphabet.lengths(sequences), return_counts=True)
            axes.bar(found, 100 * rows / rows.sum(), width=0.85, color=BLUE)
            median = float(np.median(alphabet.lengths(sequences)))
            axes.axvline(
                median, color=ORANGE, linestyle="--", label=f"median {median:g} nt"
            )
            panel(axes, f"{name}: {what}", "% of rows")
    for axes, what in zip(panels[-1], ("target", "miRNA"), strict=True):
        axes.set_xlabel(f"length of the {what}, nt")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    save(figure, path)
    return figure
