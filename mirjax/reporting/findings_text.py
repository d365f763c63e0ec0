"""Sentences of a study's report: how values and reported values are worded."""

from mirjax.reporting import table
from mirjax.reporting.page import Text
from mirjax.reporting.study_results import HELD_OUT, Result, Row

Findings = list[Text]


def shown(row: Row, part: str = HELD_OUT) -> str:
    """Format a row's value of a part, as its metric is shown everywhere."""
    return table.value(row["metric"], row[part])


def finding(text: str) -> Text:
    """Return a paragraph that says what was found."""
    return Text(text, "finding")


def against_reported(result: Result, row: Row) -> str:
    """Return the end of a sentence that compares a row with what was reported."""
    reported = result.rows(kind="reported", metric=row["metric"], data=row["data"])
    if not reported or reported[0]["reported"] is None:
        return "."
    value = float(reported[0]["reported"])
    return f", where {table.value(row['metric'], value)} was reported."
