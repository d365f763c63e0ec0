"""Report of a gene evaluation: table, cumulative distributions, and a page of both."""

import pathlib
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mirjax.evaluation.gene_flags import GeneOptions
from mirjax.evaluation.genes import MODEL, NO_SITE, GeneMetrics
from mirjax.evaluation.metrics.repression import METRICS, REPRESSED, Distribution
from mirjax.evaluation.results_folder import write_metrics
from mirjax.output import make_folder
from mirjax.reporting import page
from mirjax.reporting.drawing import new_figure, panel
from mirjax.reporting.table import print_rows

PAGE = "genes.html"

_LABELS = {
    "pearson_r": "Pearson r",
    "r2": "r²",
    "spearman_rho": "Spearman ρ",
    "average_precision": f"average precision, log2 FC < {REPRESSED}",
}
_COLORS = ("#000000", "#0072b2", "#009e73", "#d55e00", "#cc79a7", "#8c8c8c")
_LIMIT = 1.5  # log2 fold changes that a picture shows, on either side


def report_genes(
    found: GeneMetrics, options: GeneOptions, origin: Mapping[str, str]
) -> None:
    """Write metrics.json and the page, and print the means.

    Args:
      found: the measurements.
      options: of the evaluation, with the folder.
      origin: the first entries of metrics.json, among them "command".
    """
    folder = pathlib.Path(options.out)
    make_folder(folder)
    content = {**origin, "model": options.model, **found.content()}
    path = write_metrics(content, folder)
    write_gene_page(found, origin["command"], folder / PAGE)
    header, *rows = mean_table(found, intervals=False)
    print_rows(header, rows, title=found.genes.sentence())
    print(path, folder / PAGE, sep="\n")


def write_gene_page(found: GeneMetrics, command: str, path: pathlib.Path) -> None:
    """Write a page of the measurements, with a plot for each miRNA."""
    header, *rows = mean_table(found)
    caption = (
        "Means over the miRNAs, each held out, with the 95% interval over miRNAs and "
        "over genes."
    )
    baselines = [n for n, row in enumerate(rows) if not row[0].startswith(MODEL)]
    pictures: list[page.Block] = [
        page.Picture(
            page.draw(distribution_picture(classes, mirna), mirna),
            f"Cumulative distributions of log2 fold changes after {mirna}",
            _caption(classes),
        )
        for mirna, classes in found.distributions.items()
    ]
    summary: list[page.Block] = [
        page.Table(header, rows, caption, baselines),
        page.Preformatted(command, "Command"),
    ]
    sections = [
        page.Section("Metrics", summary),
        page.Section("By miRNA", [_mirna_table(found)]),
        page.Section("Cumulative distributions", pictures),
    ]
    title, subtitle = "Repression of genes", found.genes.sentence()
    page.write_page(path, title, subtitle, sections)


def mean_table(found: GeneMetrics, *, intervals: bool = True) -> list[list[str]]:
    """Return the mean of each metric, one row per predictor, after the header.

    Args:
      found: the measurements.
      intervals: whether each mean has its 95% intervals over miRNAs and over genes.
    """
    rows = [["predictor", *_LABELS.values()]]
    for name, measured in found.predictors.items():
        cells = [name]
        for metric in METRICS:
            cell = f"{measured['mean'][metric]:.3f}"
            if intervals:
                edges = (
                    " to ".join(f"{edge:.3f}" for edge in measured[kind][metric])
                    for kind in ("interval_over_mirnas", "interval_over_genes")
                )
                cell += f" ({'; '.join(edges)})"
            cells.append(cell)
        rows.append(cells)
    return rows


def distribution_picture(classes: Mapping[str, Distribution], title: str) -> Figure:
    """Draw the cumulative distribution of the fold changes of each class of genes.

    Args:
      classes: name → fold changes; genes without a site are drawn in grey.
      title: the miRNA.
    """
    figure = new_figure(6.4, 4.2, title)
    axes = figure.subplots()
    draw_distributions(axes, classes)
    return figure


def draw_distributions(axes: Axes, classes: Mapping[str, Distribution]) -> None:
    """Draw the classes into one panel."""
    names = [name for name in classes if name != NO_SITE]
    colors = dict(zip(names, _COLORS, strict=False)) | {NO_SITE: _COLORS[-1]}
    for name, found in classes.items():
        log2 = np.clip(found.log2, -_LIMIT, _LIMIT)
        fractions = np.arange(1, len(log2) + 1) / len(log2)
        label = f"{name} ({len(log2)})"
        axes.step(log2, fractions, where="post", color=colors[name], label=label)
    axes.set_xlim(-_LIMIT, _LIMIT)
    panel(axes, "Genes by their strongest site", "cumulative fraction of genes")
    axes.set_xlabel("log2 fold change")


def _mirna_table(found: GeneMetrics) -> page.Table:
    """Return r² of every predictor, one row per miRNA."""
    names = list(found.predictors)
    mirnas: Sequence[str] = list(found.predictors[names[0]]["mirnas"])
    rows = [
        [m, *(f"{found.predictors[n]['mirnas'][m]['r2']:.3f}" for n in names)]
        for m in mirnas
    ]
    return page.Table(["miRNA", *names], rows, "r² of each miRNA, held out.")


def _caption(classes: Mapping[str, Distribution]) -> str:
    parts = [
        f"{name} median {found.median:.2f}, D {found.ks:.2f}, p {found.ks_pvalue:.1g}"
        for name, found in classes.items()
        if name != NO_SITE
    ]
    return "Kolmogorov–Smirnov D against genes without a site: " + "; ".join(parts)
