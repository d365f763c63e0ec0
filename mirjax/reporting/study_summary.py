"""The summary of a study: each reported value compared with ours."""

from collections.abc import Sequence

from mirjax.reporting import table
from mirjax.reporting.findings_text import reported_value, shown
from mirjax.reporting.page import Table, Text
from mirjax.reporting.study_results import HELD_OUT, SEEN, Result, Row, best

_COLUMNS = (
    "metric",
    "reported",
    "ours, seen in training",
    "ours, held out",
    "best baseline",
    "the reported value is",
)
_VERDICTS = _MATCHED, _HIGHER, _SEEN_ONLY, _LOWER = (
    "reached on held-out rows",
    "exceeded on held-out rows",
    "reached on rows seen in training alone",
    "not reached",
)
# Values are equal up to this difference.
_TOLERANCE = 0.0005


def summary(results: Sequence[Result]) -> list[Text | Table]:
    """Return the blocks of the summary.

    Args:
      results: of the experiments that were run.
    """
    lines, verdicts, without = [], [], 0
    for result in results:
        for reported in result.rows(kind="reported"):
            if reported["reported"] is None:
                continue
            alike = {"metric": reported["metric"], "data": reported["data"]}
            ours = best(result.measured(kind="model", **alike))
            plain = best(result.measured(kind="baseline", **alike))
            if ours is None:
                continue
            verdicts.append(verdict(reported["reported"], ours))
            if plain is not None and plain[HELD_OUT] >= ours[HELD_OUT]:
                without += 1
            lines.append(_line(result, reported, ours, plain, verdicts[-1]))
    if not lines:
        return []
    counts = "; ".join(
        f"{verdicts.count(kind)} {kind}" for kind in _VERDICTS if kind in verdicts
    )
    texts = [
        Text(
            f"{len(lines)} values were reported as numbers. With our best models: "
            f"{counts}. For {without} of them a baseline is at least as good as the "
            "best model.",
            "finding",
        )
    ]
    caption = (
        "Each reported value, the best of our models, and the best baseline. Intervals "
        "are 95% bootstrap intervals over seeds and rows."
    )
    return [*texts, Table(_COLUMNS, lines, _marked(results, caption))]


def verdict(reported: float, ours: Row) -> str:
    """Compare a reported value with ours.

    Args:
      reported: the value.
      ours: the row of our best model.

    Returns:
      Whether it lies within, above or below our 95% interval on held-out rows; if
      above, whether it is reached on rows seen in training.
    """
    low, high = ours.get(f"{HELD_OUT}_interval") or (ours[HELD_OUT], ours[HELD_OUT])
    if reported < low - _TOLERANCE:
        return _HIGHER
    if reported <= high + _TOLERANCE:
        return _MATCHED
    seen = (ours.get(f"{SEEN}_interval") or (0.0, ours.get(SEEN, 0.0)))[1]
    return _SEEN_ONLY if reported <= seen + _TOLERANCE else _LOWER


def _line(
    result: Result, reported: Row, ours: Row, plain: Row | None, said: str
) -> list[str]:
    metric = reported["metric"]
    return [
        f"{result.name}: {table.label(metric)}, {reported['data']}",
        reported_value(reported),
        value_and_interval(ours, SEEN),
        f"{value_and_interval(ours, HELD_OUT)}, {ours['predictor']}",
        "–" if plain is None else f"{shown(plain)}, {plain['predictor']}",
        said,
    ]


def value_and_interval(row: Row, part: str) -> str:
    """Format a row's value of a part with its interval, if it has one."""
    if part not in row:
        return "–"
    text = table.value(row["metric"], row[part])
    if ends := row.get(f"{part}_interval"):
        low, high = (table.value(row["metric"], end) for end in ends)
        text += f" ({low} to {high})"
    return text


def _marked(results: Sequence[Result], caption: str) -> str:
    """Put before a caption that the data are reduced, if they are."""
    return next((mark(result, caption) for result in results), caption)


def mark(result: Result, caption: str) -> str:
    """Put before a caption that a result is of reduced data, if it is."""
    settings = result.content["settings"]
    if not settings.get("caution"):
        return caption
    return f"Reduced data (`{settings['name']}`). {caption}"
