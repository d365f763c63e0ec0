"""Picture of attention maps: a decoded miRNA against its target."""

import math
import pathlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from mirjax.reporting.drawing import mark_pairs, new_figure, picture_name, save

_COLUMNS = 2  # panels side by side


class Duplex(NamedTuple):
    """A target site, a miRNA and the attention between them.

    Attributes:
      target: 5'→3'.
      mirna: 5'→3'.
      weights: attention of each letter of the miRNA to each letter of the target.
      title: above the panel.
    """

    target: str
    mirna: str
    weights: Float[np.ndarray, "mirna target"]
    title: str


def attention(
    duplexes: Sequence[Duplex], path: pathlib.Path | None, *, title: str = ""
) -> Figure:
    """Draw a panel for each duplex, and mark the letters that can pair.

    The target runs 5'→3' from left to right, the miRNA 5'→3' from top to bottom. So a
    duplex is a diagonal from the upper right to the lower left.

    Args:
      duplexes: at least one.
      path: the picture, PNG or SVG by its suffix, or None; see `drawing.save`.
      title: above the panels.

    Returns:
      The figure.

    Raises:
      ValueError: if there is no duplex, or for another suffix.
    """
    if not duplexes:
        raise ValueError(f"{picture_name(path)}: there is no duplex to draw")
    columns = min(_COLUMNS, len(duplexes))
    rows = math.ceil(len(duplexes) / columns)
    figure = new_figure(6.0 * columns, 0.8 + 4.6 * rows, title)
    panels = figure.subplots(rows, columns, squeeze=False).reshape(-1)
    for axes in panels[len(duplexes) :]:
        axes.set_visible(False)
    for axes, duplex in zip(panels, duplexes, strict=False):
        image = axes.imshow(duplex.weights, cmap="Blues", vmin=0.0, aspect="auto")
        figure.colorbar(image, ax=axes, fraction=0.04, label="attention")
        mark_pairs(axes, duplex.mirna, duplex.target)
        axes.set_xticks(range(len(duplex.target)), list(duplex.target))
        axes.set_yticks(range(len(duplex.mirna)), list(duplex.mirna))
        axes.tick_params(length=0, labelsize=8)
        axes.set_xlabel("target, 5'→3'")
        axes.set_ylabel("decoded miRNA, 5'→3'")
        axes.set_title(duplex.title, fontsize="medium", loc="left")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower right", ncols=2, frameon=False)
    save(figure, path)
    return figure
