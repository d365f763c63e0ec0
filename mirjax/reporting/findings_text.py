"""Wording of values and reported values in the sentences of a study's report."""

from mirjax.reporting import table
from mirjax.reporting.page import Text
from mirjax.reporting.study_results import HELD_OUT, Result, Row

Findings = list[Text]


def shown(row: Row, part: str = HELD_OUT) -> str:
    """Format a row's value of a part, in the format of its metric."""
    return table.value(row["metric"], row[part])


def finding(text: str) -> Text:
    """Return a paragraph that states a finding."""
    return Text(text, "finding")


def start(metric: str) -> str:
    """Return a metric's name with a capital, to begin a sentence."""
    label = table.label(metric)
    return label[:1].upper() + label[1:]


def reported_value(row: Row) -> str:
    """Format a reported value with all its digits.

    >>> reported_value({"metric": "blast_hit_share", "reported": 0.9997})
    '99.97%'
    """
    metric, value = row["metric"], float(row["reported"])
    if table.value(metric, value).endswith("%"):
        return f"{100 * value:.6g}%"
    return table.value(metric, value)


def against_reported(result: Result, row: Row) -> str:
    """Return the end of a sentence that compares a row with the reported value."""
    reported = result.rows(kind="reported", metric=row["metric"], data=row["data"])
    if not reported or reported[0]["reported"] is None:
        return "."
    return f", where {reported_value(reported[0])} was reported."
