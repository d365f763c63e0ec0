"""Strict reading of delimited text: rows with their lines, columns by their header."""

import csv
import difflib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from absl import logging

_SHOWN = 12  # columns listed in a message


class Row(NamedTuple):
    """A row of a table.

    Attributes:
      line: its line in the file, from 1.
      fields: its fields, without surrounding blanks.
    """

    line: int
    fields: list[str]


def parse_rows(text: str, delimiter: str, name: str, *, quoted: bool) -> list[Row]:
    """Divide text into rows, one per line; blank lines are skipped.

    Args:
      text: the content of a file.
      delimiter: between two fields.
      name: of the file, for messages.
      quoted: whether a field may stand in double quotes.

    Returns:
      At least one row.

    Raises:
      ValueError: for a quote that is not closed in its line, or text after one.
    """
    lines = text.split("\n")
    reader = csv.reader(
        lines,
        delimiter=delimiter,
        quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE,
        strict=True,
    )
    rows = []
    for line in range(1, len(lines) + 1):
        problem, fields = "", []
        try:
            fields = next(reader)
        except csv.Error as error:
            problem = str(error)
        if reader.line_num > line or "unexpected end" in problem:
            raise ValueError(
                f"{name} line {line}: a quote is opened and not closed in this line; "
                "close or remove it"
            )
        if problem:
            raise ValueError(f"{name} line {line}: {problem}")
        if len(fields) > 1 or any(field.strip() for field in fields):
            rows.append(Row(line, [field.strip(" \t\r") for field in fields]))
    if not rows:
        raise ValueError(f"{name}: the table has no row")
    return rows


def find_columns(
    header: Row, names: Mapping[str, Sequence[str]], required: int, name: str
) -> dict[str, int]:
    """Find the columns of a table by its header, ignoring case.

    Args:
      header: the first row.
      names: column → its names in a header, the preferred one first.
      required: number of the first of `names` that must be there.
      name: of the file, for messages.

    Returns:
      The numbers of the columns that were found. The log names all others.

    Raises:
      ValueError: if a column is missing, is named twice, or is likely to be misspelt.
    """
    where = f"{name} line {header.line}"
    found = [field.lower() for field in header.fields]
    for column, count in Counter(found).items():
        if count > 1 and column:
            raise ValueError(
                f"{where}: the header names the column {column!r} {count} times; "
                "rename or remove all but one"
            )
    columns = {}
    for number, (column, choices) in enumerate(names.items()):
        present = [choice for choice in choices if choice.lower() in found]
        if present:
            columns[column] = found.index(present[0].lower())
        elif number < required:
            shown = ", ".join(map(repr, header.fields[:_SHOWN]))
            raise ValueError(
                f"{where}: the header lacks the column {choices[0]!r}; it has {shown}"
            )
    unknown = [f for n, f in enumerate(header.fields) if n not in columns.values()]
    # With a misspelt name, labels or parts would be ignored silently.
    for column in {"label", "split"} & set(names) - set(columns):
        close = difflib.get_close_matches(column, map(str.lower, unknown), cutoff=0.8)
        if close:
            raise ValueError(
                f"{where}: the column {close[0]!r} is unknown; rename it to {column!r}"
            )
    if unknown:
        logging.info("%s: columns not used: %s", name, ", ".join(map(repr, unknown)))
    return columns
