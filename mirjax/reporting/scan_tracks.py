"""Plot of sites along a transcript: one track per miRNA, bar height by score."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from mirjax.reporting.page import environment
from mirjax.scanning.site_types import SITE_TYPES

_WIDTH, _LABELS, _TRACK, _BAR = 720.0, 150.0, 30.0, 24.0  # in units of the picture
_TOP, _AXIS = 26.0, 30.0
_MAX_TRACKS = 12
_TICKS = (1, 2, 5)
_MOST_TICKS = 7
_LABEL_LETTERS = 20


@dataclasses.dataclass(frozen=True)
class Tracks:
    """A drawn transcript.

    Attributes:
      svg: an SVG element in the page's colours.
      alt: description of the picture.
      caption: what was left out; empty if nothing was.
    """

    svg: str
    alt: str
    caption: str


def draw_tracks(name: str, sites: pa.Table, length: int | None) -> Tracks:
    """Draw the sites of one transcript.

    Args:
      name: of the transcript.
      sites: columns mirna, start, end, score and site_type.
      length: of the transcript, in nt; None to end where the last site ends.
    """
    rows: list[dict[str, Any]] = sites.to_pylist()
    length = max(length or 0, max(row["end"] for row in rows))
    by_mirna: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        by_mirna.setdefault(row["mirna"], []).append(row)
    ranked = sorted(by_mirna, key=lambda m: -sum(row["score"] for row in by_mirna[m]))
    shown, others = ranked[:_MAX_TRACKS], len(ranked) - _MAX_TRACKS
    highest = max(1.0, max(row["score"] for row in rows))
    scale = (_WIDTH - _LABELS - 12) / length
    tracks = [
        _track(number, mirna, by_mirna[mirna], (scale, highest))
        for number, mirna in enumerate(shown)
    ]
    bottom = _TOP + _TRACK * len(shown)
    svg = (
        environment()
        .get_template("tracks.svg.j2")
        .render(
            width=_WIDTH,
            height=bottom + _AXIS,
            bottom=bottom,
            left=_LABELS,
            right=_LABELS + length * scale,
            tracks=tracks,
            ticks=[(_LABELS + tick * scale, f"{tick:,}") for tick in _ticks(length)],
            types=[
                (kind, kind.lower().replace(" ", "-"), _LABELS + 92.0 * number)
                for number, kind in enumerate(SITE_TYPES)
            ],
        )
    )
    caption = f"Left out: {others} more miRNAs with weaker sites." if others > 0 else ""
    return Tracks(svg, _describe(name, length, by_mirna, shown), caption)


def _track(
    number: int,
    mirna: str,
    rows: Sequence[Mapping[str, Any]],
    scales: tuple[float, float],
) -> dict[str, Any]:
    """Return what the template needs to draw the track of a miRNA."""
    scale, highest = scales
    base = _TOP + _TRACK * (number + 1)
    bars = []
    for row in rows:
        height = max(2.0, _BAR * max(0.0, row["score"]) / highest)
        bars.append(
            {
                "x": _LABELS + row["start"] * scale,
                "width": max(2.5, (row["end"] - row["start"]) * scale),
                "y": base - height,
                "height": height,
                "kind": row["site_type"].lower(),
                "title": f"{mirna}, {row['start']:,}–{row['end']:,}, "
                f"{row['site_type']}, score {row['score']:.3g}",
            }
        )
    label = mirna if len(mirna) <= _LABEL_LETTERS else mirna[: _LABEL_LETTERS - 1] + "…"
    return {"base": base, "label": label, "name": mirna, "bars": bars}


def _ticks(length: int) -> list[int]:
    """Return round positions along a transcript.

    >>> _ticks(1300)
    [0, 200, 400, 600, 800, 1000, 1200]
    """
    power = 1
    while True:
        for step in (power * factor for factor in _TICKS):
            if length // step < _MOST_TICKS:
                return list(range(0, length + 1, step))
        power *= 10


def _describe(
    name: str,
    length: int,
    by_mirna: Mapping[str, Sequence[Mapping[str, Any]]],
    shown: Sequence[str],
) -> str:
    """Return a description of a picture."""
    sites = [f"{mirna} {len(by_mirna[mirna])}" for mirna in shown]
    return f"{name}, {length:,} nt; sites by miRNA: {', '.join(sites)}"
