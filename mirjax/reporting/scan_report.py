"""The report of a scan: one self-contained page of sites, duplexes and genes."""

import contextlib
import dataclasses
import pathlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

import pyarrow as pa

from mirjax.reporting.page import (
    Block,
    Picture,
    Preformatted,
    Section,
    Table,
    Text,
    write_page,
)
from mirjax.reporting.scan_summary import GENE_COLUMNS, Limits, ScanSummary
from mirjax.reporting.scan_tracks import draw_tracks

DrawDuplex: TypeAlias = Callable[[Mapping[str, Any]], str]
"""Draws the duplex of a site, given its row of the table, as lines of text."""


@dataclasses.dataclass(frozen=True)
class ScanReport:
    """The content of a report besides the rows.

    Attributes:
      command: the command that repeats the scan.
      settings: names and values, as shown.
      lengths: name → length of each target, in nt, filled while targets are read; a
        missing target ends where its last site ends.
      draw: draws a duplex; None shows the column `duplex` unchanged, if there is one.
      limits: how much the page shows.
    """

    command: str
    settings: Mapping[str, str]
    lengths: Mapping[str, int] = dataclasses.field(default_factory=dict)
    draw: DrawDuplex | None = None
    limits: Limits = Limits()


@contextlib.contextmanager
def open_report(
    path: pathlib.Path, report: ScanReport
) -> Iterator[Callable[[pa.Table], None]]:
    """Write the report of a scan once all its rows have been taken.

    Args:
      path: the page; it appears whole or not at all.
      report: its content besides the rows.

    Yields:
      A function that takes the rows table by table; all rows of a target in one table.
    """
    summary = ScanSummary(report.limits)
    yield summary.add
    sections = [
        _overview(summary),
        _tracks(summary, report.lengths),
        _duplexes(summary, report.draw),
        _genes(summary),
        _settings(report),
    ]
    subtitle = (
        f"{summary.num_sites:,} sites in {summary.num_targets:,} transcripts, "
        f"{summary.num_genes:,} pairs of a miRNA and a transcript"
    )
    write_page(path, "Target sites of miRNAs", subtitle, sections)


def _overview(summary: ScanSummary) -> Section:
    if summary.genes is None:
        return Section("Summary", [Text("No site passes.", "finding")])
    best = summary.genes.slice(0, 1).to_pylist()[0]
    sites = "1 site" if best["sites"] == 1 else f"{best['sites']} sites"
    return Section(
        "Summary",
        [
            Text(
                f"Strongest pair: {best['mirna']} and {best['target']}, with {sites}, "
                f"best score {best['best_score']:.3g}, summed score "
                f"{best['summed_score']:.3g}.",
                "finding",
            ),
            Text(
                "A score is a prediction, not a measurement: many predicted sites, "
                "canonical ones among them, have no effect that can be measured.",
                "caution",
            ),
        ],
    )


def _tracks(summary: ScanSummary, lengths: Mapping[str, int]) -> Section:
    """Show the sites along the strongest transcripts."""
    names = summary.ranked_targets()
    blocks: list[Block] = [
        Text(
            _shown(len(names), summary.num_targets, "transcripts", "summed score")
            + " A bar is a site: its height is the score, its colour the site type."
        )
    ]
    for name in names:
        tracks = draw_tracks(name, summary.targets[name], lengths.get(name))
        caption = f"{name}. {tracks.caption}"
        if weaker := summary.sites[name] - summary.targets[name].num_rows:
            caption += f" {weaker:,} weaker sites of {name} are left out."
        caption = caption.replace("`", "'")  # backquotes would mark code
        blocks.append(Picture(tracks.svg, tracks.alt, caption))
    return Section("Sites along transcripts", blocks)


def _duplexes(summary: ScanSummary, draw: DrawDuplex | None) -> Section:
    """Show the duplexes of the highest scores."""
    rows = [] if summary.duplexes is None else summary.duplexes.to_pylist()
    blocks: list[Block] = [Text(_shown(len(rows), summary.num_sites, "sites", "score"))]
    for row in rows:
        label = (
            f"{row['mirna']} on {row['target']}, {row['start']:,}–{row['end']:,}, "
            f"{row['site_type']}, score {row['score']:.3g}"
        )
        if row.get("pvalue") is not None:
            label += f", p-value {row['pvalue']:.2g}"
        drawing = draw(row) if draw is not None else row.get("duplex")
        if drawing:
            blocks.append(Preformatted(drawing, label))
    if len(blocks) == 1:
        blocks = [Text("There are no duplexes to draw.")]
    return Section("Best duplexes", blocks)


def _genes(summary: ScanSummary) -> Section:
    """Show the table of miRNAs and transcripts."""
    rows = [] if summary.genes is None else summary.genes.to_pylist()
    cells = [
        [
            f"{row[name]:.4g}" if isinstance(row[name], float) else str(row[name])
            for name in GENE_COLUMNS
        ]
        for row in rows
    ]
    caption = _shown(len(rows), summary.num_genes, "pairs", "summed score")
    columns = [name.replace("_", " ") for name in GENE_COLUMNS]
    return Section("Genes", [Table(columns, cells, caption, sorts=True)])


def _settings(report: ScanReport) -> Section:
    rows = [[name, value] for name, value in report.settings.items()]
    blocks: list[Block] = [Table(["setting", "value"], rows, "Settings of this scan")]
    return Section("Settings", [*blocks, Preformatted(report.command, "Command")])


def _shown(shown: int, total: int, things: str, by: str) -> str:
    """Describe how many things are shown, and how many are left out."""
    if shown == total:
        return f"All {total:,} {things}, by {by}."
    return f"The {shown:,} {things} of the highest {by}; {total - shown:,} left out."
