"""Readers of tables of miRNA-target pairs, published ones and CSV files.

Some published tables hold one strand 3'→5'. It is reversed here and nowhere else: all
sequences that these functions return are 5'→3', in RNA letters. Every error names the
file and the line.
"""

import csv
import io
import os
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from mirjax.datasets.formats import CHAKRABORTY, CSV, FORMATS, MIRBENCH, MITAR
from mirjax.files import read_text
from mirjax.sequences import alphabet
from mirjax.sequences.records import Pairs

_MITAR_COLUMNS = ("mirna_name", "mirna", "gene", "target", "label")
# Column of Pairs → column name in the file; required ones come first.
_MIRBENCH_NAMES = {
    "mirna": "noncodingRNA",
    "target": "gene",
    "label": "label",
    "mirna_name": "noncodingRNA_name",
    "cluster": "gene_cluster_ID",
}
_CSV_NAMES = {
    "mirna": "mirna",
    "target": "target",
    "label": "label",
    "mirna_name": "mirna_name",
    "gene": "gene",
    "parts": "split",
}

_Row = tuple[int, list[str]]  # line number in the file, fields


def read_chakraborty(path: str | os.PathLike[str]) -> Pairs:
    """Read the training pairs of Chakraborty & Hasija 2019.

    The file has two columns and no header: miRNA 5'→3', target 3'→5'. The targets are
    reversed.

    Args:
      path: the CSV file.

    Returns:
      The pairs in file order, without labels: all are positive.

    Raises:
      ValueError: if the file is missing, empty or malformed.

    References:
      Chakraborty & Hasija 2019, IEEE/ACM TCBB, document 8807144.
    """
    columns = {"mirna": 0, "target": 1}
    return _pairs(path, _rows(path, ","), columns, width=2, reversed_strand="target")


def read_mitar(path: str | os.PathLike[str]) -> Pairs:
    """Read a table of the miTAR data: id, miRNA 3'→5', gene, target 5'→3', label.

    The miRNAs are reversed. A first line that ends in "label" is a header.

    Args:
      path: the tab-separated file.

    Returns:
      All pairs in file order. (The published reader drops the first row also of files
      without a header; `registry` does so for its named datasets.)

    Raises:
      ValueError: if the file is missing, empty or malformed, or a label is not 0 or 1.

    References:
      Gu et al. 2021, BMC Bioinformatics, doi 10.1186/s12859-021-04026-6.
    """
    rows = _rows(path, "\t")
    if rows[0][1][-1].strip().lower() == "label":
        rows = rows[1:]
    columns = {name: number for number, name in enumerate(_MITAR_COLUMNS)}
    return _pairs(path, rows, columns, width=5, reversed_strand="mirna")


def read_mirbench(path: str | os.PathLike[str]) -> Pairs:
    """Read a miRBench table, such as Hejret 2023.

    Args:
      path: the tab-separated file. Its header has the columns noncodingRNA (the miRNA),
        gene (the target) and label, and may have noncodingRNA_name and gene_cluster_ID;
        both sequences are 5'→3'.

    Returns:
      The pairs in file order; `clusters` is the column gene_cluster_ID.

    Raises:
      ValueError: if the file is missing, empty or malformed, or lacks a column.

    References:
      Sammut et al. 2025, miRBench; Hejret et al. 2023, doi 10.1038/s41598-023-49757-z.
    """
    return _headed_pairs(path, "\t", _MIRBENCH_NAMES, required=3)


def read_csv(path: str | os.PathLike[str]) -> Pairs:
    """Read a CSV file of pairs, both sequences 5'→3'.

    Args:
      path: the comma-separated file. Its header has the columns mirna and target, and
        may have label (0 or 1), mirna_name, gene and split, in any order.

    Returns:
      The pairs in file order.

    Raises:
      ValueError: if the file is missing, empty or malformed, or lacks a column.
    """
    return _headed_pairs(path, ",", _CSV_NAMES, required=2)


_READERS = {
    CHAKRABORTY: read_chakraborty,
    MITAR: read_mitar,
    MIRBENCH: read_mirbench,
    CSV: read_csv,
}


def read_pairs(path: str | os.PathLike[str], data_format: str = "") -> Pairs:
    """Read a table of pairs in one of `FORMATS`.

    Args:
      path: the file.
      data_format: one of `FORMATS`. By default it is determined from the first line:
        mirbench if it has tabs and a column noncodingRNA, mitar2021 if it has other
        tabs, otherwise csv.

    Returns:
      The pairs in file order, 5'→3'.

    Raises:
      ValueError: for an unknown format, or as the reader of that format does.
    """
    if not data_format:
        first_line = read_text(path).lstrip().partition("\n")[0]
        headed = "noncodingrna" in first_line.lower()
        tabbed = "mirbench" if headed else "mitar2021"
        data_format = tabbed if "\t" in first_line else "csv"
    if data_format not in _READERS:
        raise ValueError(f"{data_format=} is not one of {', '.join(FORMATS)}")
    return _READERS[data_format](path)


def _rows(path: str | os.PathLike[str], delimiter: str) -> list[_Row]:
    """Return the rows of a table that are not blank, at least one."""

    def not_blank() -> Iterator[_Row]:
        for fields in reader:
            if any(field.strip() for field in fields):
                yield reader.line_num, fields

    reader = csv.reader(
        io.StringIO(read_text(path)),
        delimiter=delimiter,
        quoting=csv.QUOTE_NONE if delimiter == "\t" else csv.QUOTE_MINIMAL,
    )
    try:
        rows = list(not_blank())
    except csv.Error as error:
        raise ValueError(f"{path} line {reader.line_num}: {error}") from error
    if not rows:
        raise ValueError(f"{path}: the file has no filled column")
    return rows


def _headed_pairs(
    path: str | os.PathLike[str],
    delimiter: str,
    names: Mapping[str, str],
    *,
    required: int,
) -> Pairs:
    """Read a table whose header names the columns; the first `required` must exist."""
    (line, header), *rows = _rows(path, delimiter)
    found = {name.strip().lower(): number for number, name in enumerate(header)}
    missing = [n for n in list(names.values())[:required] if n.lower() not in found]
    if missing:
        raise ValueError(
            f"{path} line {line}: the header lacks the column {missing[0]!r}; it has "
            + ", ".join(repr(name.strip()) for name in header[:12])
        )
    columns = {
        column: found[name.lower()]
        for column, name in names.items()
        if name.lower() in found
    }
    return _pairs(path, rows, columns, width=len(header))


def _pairs(
    path: str | os.PathLike[str],
    rows: Sequence[_Row],
    columns: Mapping[str, int],
    *,
    width: int,
    reversed_strand: str | None = None,
) -> Pairs:
    """Check that rows have `width` fields, and return the named columns as pairs."""
    if not rows:
        raise ValueError(f"{path}: no row of data after the header")
    values: dict[str, list[str]] = {column: [] for column in columns}
    for line, fields in rows:
        where = f"{path} line {line}"
        if len(fields) != width:
            raise ValueError(f"{where}: {len(fields)} columns, expected {width}")
        for column, number in columns.items():
            value = fields[number].strip()
            if column in ("mirna", "target"):
                value = alphabet.normalise(value, name=f"{where} {column}")
            elif column == "label" and value not in ("0", "1"):
                raise ValueError(f"{where}: label {value!r} is neither 0 nor 1")
            values[column].append(value)
    if reversed_strand is not None:
        values[reversed_strand] = [s[::-1] for s in values[reversed_strand]]
    labels = values.get("label")
    return Pairs(
        mirnas=values["mirna"],
        targets=values["target"],
        labels=None if labels is None else np.array(labels).astype(np.uint8),
        mirna_names=values.get("mirna_name"),
        genes=values.get("gene"),
        clusters=values.get("cluster"),
        parts=values.get("parts"),
    )
