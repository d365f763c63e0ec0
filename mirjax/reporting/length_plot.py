"""Picture of the length distributions of targets and miRNAs."""

import pathlib
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from mirjax.reporting.drawing import (
    BLUE,
    ORANGE,
    new_figure,
    panel,
    picture_name,
    save,
)
from mirjax.sequences import alphabet
from mirjax.sequences.records import Pairs

_COLUMNS = ("targets", "miRNAs")


def length_distributions(
    datasets: Mapping[str, Pairs], path: pathlib.Path | None, *, title: str = ""
) -> Figure:
    """Draw the fraction of rows of each length, a row of panels for each dataset.

    Args:
      datasets: name → at least one pair.
      path: the picture, PNG or SVG by its suffix, or None; see `drawing.save`.
      title: above the panels.

    Returns:
      The figure, with a panel for the targets and one for the miRNAs of each dataset.
      It has a bar for each length and a dashed line at the median. The panels of a
      column have the same axis of lengths.

    Raises:
      ValueError: if there is no dataset or one without rows, or for another suffix.
    """
    histograms = {}
    for name, pairs in datasets.items():
        if not len(pairs):
            raise ValueError(f"{picture_name(path)}: {name} has no rows to draw")
        histograms[name] = {
            what: _count(sequences)
            for what, sequences in zip(
                _COLUMNS, (pairs.targets, pairs.mirnas), strict=True
            )
        }
    return length_histograms(histograms, path, title=title)


def _count(sequences: Sequence[str]) -> dict[int, int]:
    """Return the rows of each length."""
    found, rows = np.unique(alphabet.lengths(sequences), return_counts=True)
    return dict(zip(found.tolist(), rows.tolist(), strict=True))


def length_histograms(
    datasets: Mapping[str, Mapping[str, Mapping[int, int]]],
    path: pathlib.Path | None,
    *,
    title: str = "",
) -> Figure:
    """Draw the fraction of rows of each length, from counts.

    Args:
      datasets: name → "targets" and "miRNAs" → length in nt → rows.
      path: the picture, PNG or SVG by its suffix, or None; see `drawing.save`.
      title: above the panels.

    Returns:
      The figure of `length_distributions`.

    Raises:
      ValueError: if there is no dataset, or for another suffix.
    """
    if not datasets:
        raise ValueError(f"{picture_name(path)}: there is no dataset to draw")
    figure = new_figure(10.0, 0.8 + 1.7 * len(datasets), title)
    panels = figure.subplots(len(datasets), 2, sharex="col", squeeze=False)
    for line, (name, columns) in zip(panels, datasets.items(), strict=True):
        for axes, what in zip(line, _COLUMNS, strict=True):
            lengths = np.array(list(columns[what]))
            rows = np.array(list(columns[what].values()))
            axes.bar(lengths, 100 * rows / rows.sum(), width=0.85, color=BLUE)
            median = float(np.median(np.repeat(lengths, rows)))
            axes.axvline(
                median, color=ORANGE, linestyle="--", label=f"median {median:g} nt"
            )
            panel(axes, f"{name}: {what}", "% of rows")
    for axes, what in zip(panels[-1], ("target", "miRNA"), strict=True):
        axes.set_xlabel(f"length of the {what}, nt")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    save(figure, path)
    return figure
