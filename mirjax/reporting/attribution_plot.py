"""Picture of the attribution of a logit: the map of all pairs of letters."""

import math
import pathlib
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure, SubFigure

from mirjax.evaluation.attribution import Attribution
from mirjax.reporting.drawing import BLUE, GREY, mark_pairs, new_figure, save

_COLUMNS = 2  # panels side by side
_COLOURS = "PuOr"  # diverging, and distinct for colour-blind readers too


def attributions(
    sites: Sequence[tuple[str, Attribution]], path: pathlib.Path, *, title: str = ""
) -> Figure:
    """Draw a panel for each site: the map of letter pairs, with the letters beside it.

    The target runs 5'→3' from left to right, the miRNA 5'→3' from top to bottom. So a
    duplex is a diagonal from the upper right to the lower left.

    Args:
      sites: title and attribution of each, at least one.
      path: the picture, PNG or SVG by its suffix; an existing one is replaced.
      title: above the panels.

    Returns:
      The figure.

    Raises:
      ValueError: if there is no site, or for another suffix.
    """
    if not sites:
        raise ValueError(f"{path.name}: there is no site to draw")
    rows = math.ceil(len(sites) / _COLUMNS)
    figure = new_figure(15.0, 0.8 + 5.2 * rows, title)
    panels = figure.subfigures(rows, _COLUMNS, squeeze=False).reshape(-1)
    for panel, (name, site) in zip(panels, sites, strict=False):
        _draw_site(panel, name, site)
    save(figure, path)
    return figure


def _draw_site(panel: SubFigure, name: str, site: Attribution) -> None:
    """Draw the map of one site, with the letters of both sequences beside it."""
    grid = panel.subplots(
        2,
        2,
        sharex="col",
        sharey="row",
        width_ratios=(6, 1),
        height_ratios=(1, 4),
    )
    (above, empty), (axes, beside) = grid
    empty.set_visible(False)
    limit = float(np.abs(site.pairs).max()) or 1.0
    image = axes.imshow(
        site.pairs, cmap=_COLOURS, vmin=-limit, vmax=limit, aspect="auto"
    )
    panel.colorbar(image, ax=beside, fraction=0.2, label="logit of the pair")
    mark_pairs(axes, site.mirna, site.target)
    columns, rows = range(len(site.target)), range(len(site.mirna))
    axes.set_xticks(columns, list(site.target))
    axes.set_yticks(rows, list(site.mirna))
    axes.tick_params(length=0, labelsize=7)
    axes.set_xlabel("target, 5'→3'")
    axes.set_ylabel("miRNA, 5'→3'")
    above.bar(columns, site.target_letters, color=BLUE)
    beside.barh(rows, site.mirna_letters, color=BLUE)
    for bars, draw in ((above, above.axhline), (beside, beside.axvline)):
        draw(0.0, color=GREY, linewidth=0.6)
        bars.tick_params(length=0, labelsize=7)
        bars.spines[["top", "right"]].set_visible(False)
    above.set_ylabel("logit")
    beside.set_xlabel("logit")
    above.set_title(f"{name}, logit {site.logit:.2f}", fontsize="medium", loc="left")
