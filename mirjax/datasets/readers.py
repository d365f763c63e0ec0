"""Readers of tables of miRNA-target pairs: published ones, and one's own.

Some published tables hold one strand 3'→5'. It is reversed here and nowhere else: these
functions return all sequences 5'→3', in RNA letters. Every error names the file and the
line.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from absl import logging

from mirjax.datasets.completion import complete_mirnas
from mirjax.datasets.formats import (
    CSV,
    FORMATS,
    LAYOUTS,
    MIRBENCH,
    MITAR,
    MITAR_HEADER,
    TSV,
    Format,
)
from mirjax.datasets.published_files import FILES, SHIPPED
from mirjax.datasets.tables import Row, find_columns, parse_rows
from mirjax.inputs import Source, input_name, read_text
from mirjax.sequences import alphabet, fasta
from mirjax.sequences.bad_records import BadRecords
from mirjax.sequences.records import Pairs

PARTS = ("train", "validation", "test")


class _Table(NamedTuple):
    """Rows of a table, before their fields are read.

    Attributes:
      name: of the file, for messages.
      data_format: one of `FORMATS`.
      rows: the rows of data.
      columns: column of a table of pairs → its number in a row.
      width: number of columns in the file.
    """

    name: str
    data_format: str
    rows: Sequence[Row]
    columns: Mapping[str, int]
    width: int

    @property
    def layout(self) -> Format:
        """The layout of the table."""
        return LAYOUTS[self.data_format]


def read_pairs(
    path: Source,
    data_format: str = "",
    *,
    bad_records: BadRecords | None = None,
    unknown_letters: bool = False,
) -> Pairs:
    """Read a table of pairs, and log its format and the orientation of its strands.

    Args:
      path: the file, plain or gzipped, or - for standard input. It is read once.
      data_format: one of `FORMATS`. By default it is detected from the header: csv or
        tsv if it names mirna and target; mirbench or mitar2021 for their headers.
      bad_records: what to do with rows that cannot be read; by default they are
        refused, all in one message.
      unknown_letters: read N and the other IUPAC codes in targets as N.

    Returns:
      The pairs in file order, 5'→3'.

    Raises:
      ValueError: for an unknown format; if the file is missing, empty or malformed, or
        lacks a column; for a row with too few or too many columns, without a sequence,
        with a letter other than A, C, G, T and U, or with another label than 0 and 1.
    """
    if data_format and data_format not in FORMATS:
        raise ValueError(f"{data_format=} is not one of {', '.join(FORMATS)}")
    name, text = input_name(path), read_text(path)
    table = _find_table(text, data_format or _detect(text, name), name)
    pairs = _pairs(table, bad_records or BadRecords(), unknown_letters)
    _log(table, pairs)
    return pairs


def _detect(text: str, name: str) -> str:
    """Return the format of a table whose header is known."""
    lines = text.split("\n")
    end = next(number for number, line in enumerate(lines, 1) if line.strip())
    delimiter = "\t" if "\t" in lines[end - 1] else ","
    first = "\n".join(lines[:end])
    header = parse_rows(first, delimiter, name, quoted=True)[0].fields
    if {"mirna", "target"} & {field.lower() for field in header}:
        return TSV if delimiter == "\t" else CSV
    if delimiter == "\t" and {"noncodingRNA", "gene", "label"} <= set(header):
        return MIRBENCH
    if tuple(header) == MITAR_HEADER:
        return MITAR
    shown = ", ".join(map(repr, header[:12]))
    raise ValueError(
        f"{name} line {end}: no known header: {shown}. One's own pairs, both "
        "sequences 5'→3', have a header with the columns mirna and target, divided by "
        "commas or tabs; a published table without a header is read if --data_format "
        "names its format"
    )


def _find_table(text: str, data_format: str, name: str) -> _Table:
    """Divide text into rows, and find the columns of its format."""
    layout = LAYOUTS[data_format]
    rows = parse_rows(text, layout.delimiter, name, quoted=layout.quoted)
    header = [field.lower() for field in rows[0].fields]
    if layout.headed:
        columns = find_columns(rows[0], layout.columns, layout.required, name)
        return _Table(name, data_format, rows[1:], columns, len(header))
    if {"mirna", "target"} <= set(header):
        raise ValueError(
            f"{name} line {rows[0].line}: a header that names mirna and target is that "
            f"of one's own pairs, 5'→3', not of {data_format}; leave --data_format out"
        )
    if data_format == MITAR and header[-1] == "label":
        rows = rows[1:]
    columns = {column: number for number, column in enumerate(layout.columns)}
    return _Table(name, data_format, rows, columns, len(columns))


def _pairs(table: _Table, bad_records: BadRecords, unknown_letters: bool) -> Pairs:
    """Read the fields of all rows."""
    if not table.rows:
        raise ValueError(f"{table.name}: no row of data after the header")
    values: dict[str, list[str]] = {column: [] for column in table.columns}
    lines, bad = [], []
    for row in table.rows:
        try:
            fields = _read_row(row, table, unknown_letters)
        except ValueError as error:
            bad.append((f"line {row.line}", str(error)))
            continue
        lines.append(row.line)
        for column, value in fields.items():
            values[column].append(value)
    bad_records.report(table.name, bad, len(table.rows), "rows cannot be read")
    if reversed_strand := table.layout.reversed_strand:
        values[reversed_strand] = [s[::-1] for s in values[reversed_strand]]
    if cut := table.layout.cut_mirnas:
        known = fasta.read_fasta(SHIPPED / FILES["mirbase/hsa"].file)
        values["mirna"], names = complete_mirnas(values["mirna"], known, cut)
        values["mirna_name"] = names
    labels = values.get("label")
    return Pairs(
        mirnas=values["mirna"],
        targets=values["target"],
        labels=None if labels is None else np.array(labels).astype(np.uint8),
        mirna_names=values.get("mirna_name"),
        genes=values.get("gene"),
        clusters=values.get("cluster"),
        parts=values.get("split"),
        lines=np.array(lines, np.int64),
    )


def _read_row(row: Row, table: _Table, unknown_letters: bool) -> dict[str, str]:
    """Return the value of each column; raise a ValueError for the first bad one."""
    if len(row.fields) != table.width:
        raise ValueError(f"{len(row.fields)} columns, expected {table.width}")
    values = {}
    for column, number in table.columns.items():
        value = row.fields[number]
        if column in ("mirna", "target"):
            unknown = unknown_letters and column == "target"
            value = alphabet.normalise(value, name=column, unknown_letters=unknown)
        elif column == "label" and value not in ("0", "1"):
            raise ValueError(f"label {value!r} is neither 0 nor 1")
        elif column == "split" and value not in PARTS:
            raise ValueError(f"split {value!r} is not one of {', '.join(PARTS)}")
        elif any(unicodedata.category(character) == "Cc" for character in value):
            raise ValueError(f"{column} {value!r} holds a control character")
        values[column] = value
    return values


def _log(table: _Table, pairs: Pairs) -> None:
    """Log what was read."""
    labels = "without labels"
    if pairs.labels is not None:
        positives = int(pairs.labels.sum())
        labels = f"{positives:,} labelled 1, {len(pairs) - positives:,} labelled 0"
    logging.info(
        "%s: %d pairs (%s), read as %s: %s",
        table.name,
        len(pairs),
        labels,
        table.data_format,
        table.layout.strands,
    )
