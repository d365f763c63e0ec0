"""Log2 fold changes of mRNAs after transfection of a miRNA, and their 3'UTRs.

Two named experiments (`NAMES`): McGeary et al. 2019, HeLa (GSE140217) and HEK293FT
(GSE140218) cells. Their files hold the natural logarithm of transcripts per million,
one column per transfection, so that the exponentials of a column sum to a million. The
log2 fold change of a gene is its value minus its mean over the other transfections,
divided by ln 2.

A table of one's own has a header that names a gene and a log2 fold change, for one
miRNA: see `read_fold_changes`.

References:
  McGeary et al. 2019, The biochemical basis of microRNA targeting efficacy,
  doi 10.1126/science.aav1741.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float

from mirjax.datasets import tables
from mirjax.datasets.gene_names import without_version
from mirjax.inputs import Source, input_name, read_text
from mirjax.sequences import alphabet

# Column → miRNA, by its name in miRBase; lsy-6 is from C. elegans.
COLUMNS: Mapping[str, Mapping[str, str]] = {
    "transfection/hela": {
        "let7": "hsa-let-7a-5p",
        "lsy6": "cel-lsy-6-3p",
        "mir1": "hsa-miR-1-3p",
        "mir124": "hsa-miR-124-3p",
        "mir137": "hsa-miR-137-3p",
        "mir139": "hsa-miR-139-5p",
        "mir143": "hsa-miR-143-3p",
        "mir144": "hsa-miR-144-3p",
        "mir153": "hsa-miR-153-3p",
        "mir155": "hsa-miR-155-5p",
        "mir182": "hsa-miR-182-5p",
        "mir199a": "hsa-miR-199a-5p",
        "mir204": "hsa-miR-204-5p",
        "mir205": "hsa-miR-205-5p",
        "mir216b": "hsa-miR-216b-5p",
        "mir223": "hsa-miR-223-3p",
        "mir7": "hsa-miR-7-5p",
    },
    "transfection/hek293ft": {
        "mir122": "hsa-miR-122-5p",
        "mir133": "hsa-miR-133a-3p",
        "mir138": "hsa-miR-138-5p",
        "mir145": "hsa-miR-145-5p",
        "mir184": "hsa-miR-184",
        "mir190a": "hsa-miR-190a-5p",
        "mir200b": "hsa-miR-200b-3p",
        "mir216a": "hsa-miR-216a-5p",
        "mir217": "hsa-miR-217-5p",
        "mir219a": "hsa-miR-219a-5p",
        "mir375": "hsa-miR-375-3p",
        "mir451a": "hsa-miR-451a",
    },
}
NAMES = tuple(COLUMNS)
OTHER_SPECIES = {"cel-lsy-6-3p": "UUUUGUAUGAGACGCAUUUCGA"}

_OWN_COLUMNS = {
    "gene": ("gene", "gene_id", "gene_name", "transcript", "target", "symbol", "name"),
    "change": ("log2fc", "log2foldchange", "log2_fold_change", "logfc", "lfc"),
}
_TOTAL = 1e6  # transcripts per million
_TOLERANCE = 0.05  # of the total


@dataclasses.dataclass(frozen=True, eq=False)
class FoldChanges:
    """Log2 fold changes of genes, one column per miRNA.

    Attributes:
      genes: names of genes or transcripts, without their versions.
      mirnas: names of the transfected miRNAs.
      log2: the fold changes.
      log2_level: expression level: log2 transcripts per million, mean over the
        transfections; None if the table does not hold it.
    """

    genes: Sequence[str]
    mirnas: Sequence[str]
    log2: Float[np.ndarray, "genes mirnas"]
    log2_level: Float[np.ndarray, " genes"] | None = None

    def take(self, rows: Sequence[int]) -> "FoldChanges":
        """Return the given genes, in the given order."""
        level = None if self.log2_level is None else self.log2_level[list(rows)]
        genes = [self.genes[row] for row in rows]
        return FoldChanges(genes, self.mirnas, self.log2[list(rows)], level)


def read_expression(path: Source, columns: Mapping[str, str]) -> FoldChanges:
    """Read a published table of ln(transcripts per million), as fold changes.

    Args:
      path: the table; its header lacks the name of the first column.
      columns: name of each column → miRNA.

    Returns:
      The fold changes of all genes and columns.

    Raises:
      ValueError: for other columns, rows of another width, a gene named twice, a value
        that is not a finite number, or values that are not these logarithms.
    """
    name = input_name(path)
    header, *rows = tables.parse_rows(read_text(path), "\t", name, quoted=False)
    found = [field for field in header.fields if field]
    if found != list(columns):
        raise ValueError(
            f"{name} line {header.line}: the columns are {', '.join(found)}; expected "
            + ", ".join(columns)
        )
    genes = [without_version(row.fields[0]) for row in rows]
    _check_distinct(genes, rows, name)
    values = np.array([_numbers(row, len(columns), name) for row in rows])
    totals = np.exp(values).sum(axis=0)
    if np.any(np.abs(totals / _TOTAL - 1) > _TOLERANCE):
        raise ValueError(
            f"{name}: the exponentials of a column add up to {totals.min():.3g} to "
            f"{totals.max():.3g}, not to a million: the values are not the natural "
            "logarithm of transcripts per million"
        )
    level = values.mean(axis=1) / math.log(2)
    return FoldChanges(genes, list(columns.values()), subtract_others(values), level)


def subtract_others(
    log_level: Float[np.ndarray, "genes mirnas"],
) -> Float[np.ndarray, "genes mirnas"]:
    """Return log2 fold changes against the mean over the other transfections.

    >>> subtract_others(np.log(2) * np.array([[3.0, 4.0, 6.0]]))
    array([[-2. , -0.5,  2.5]])

    Args:
      log_level: natural logarithms of expression levels.
    """
    others = log_level.shape[1] - 1
    total = log_level.sum(axis=1, keepdims=True)
    return (log_level - (total - log_level) / others) / math.log(2)


def read_fold_changes(path: Source, mirna: str) -> FoldChanges:
    """Read a table of genes and log2 fold changes after transfection of one miRNA.

    Args:
      path: CSV or TSV. The header names a column `gene` (or gene_id, gene_name,
        transcript, target, symbol, name) and a column `log2fc` (or log2FoldChange,
        log2_fold_change, logFC, lfc), which holds log2 fold changes.
      mirna: name of the miRNA.

    Returns:
      The fold changes, in file order, without genes whose change is NA.

    Raises:
      ValueError: if a column is missing, a gene is named twice, or a value is neither a
        finite number nor NA.
    """
    name, text = input_name(path), read_text(path)
    first = next((line for line in text.split("\n") if line.strip()), "")
    delimiter = "\t" if "\t" in first else ","
    header, *rows = tables.parse_rows(text, delimiter, name, quoted=True)
    columns = tables.find_columns(header, _OWN_COLUMNS, len(_OWN_COLUMNS), name)
    widths = {len(row.fields) for row in rows} - {len(header.fields)}
    if widths:
        line = next(r.line for r in rows if len(r.fields) != len(header.fields))
        raise ValueError(f"{name} line {line}: expected {len(header.fields)} fields")
    rows = [row for row in rows if row.fields[columns["change"]].upper() != "NA"]
    if not rows:
        raise ValueError(f"{name}: no gene has a fold change")
    genes = [without_version(row.fields[columns["gene"]]) for row in rows]
    _check_distinct(genes, rows, name)
    cells = [(row.line, row.fields[columns["change"]]) for row in rows]
    changes = np.array([[_number(cell, line, name)] for line, cell in cells])
    return FoldChanges(genes, [mirna], changes)


def join_targets(
    changes: FoldChanges,
    utrs: Mapping[str, str],
    synonyms: Mapping[str, Sequence[str]] | None = None,
) -> tuple[FoldChanges, list[str]]:
    """Find the 3'UTR of each gene by its name.

    Args:
      changes: fold changes.
      utrs: name, with or without its version → sequence.
      synonyms: gene → other names to look up, in this order, after its own.

    Returns:
      The genes that have a 3'UTR, in their order, and its sequence for each.

    Raises:
      ValueError: if no gene has one.
    """
    sequences = {without_version(name): utr for name, utr in utrs.items()}
    rows, found = [], []
    for row, gene in enumerate(changes.genes):
        names = [gene, *(synonyms or {}).get(gene, ())]
        known = [sequences[name] for name in names if name in sequences]
        if known:
            rows.append(row)
            found.append(alphabet.normalise(known[0], unknown_letters=True))
    if not rows:
        raise ValueError(
            f"none of the {len(changes.genes):,} genes, such as {changes.genes[0]!r}, "
            f"has a 3'UTR among the {len(utrs):,} sequences, such as "
            f"{next(iter(utrs), '')!r}; name them alike"
        )
    return changes.take(rows), found


def _check_distinct(
    genes: Sequence[str], rows: Sequence[tables.Row], name: str
) -> None:
    seen: dict[str, int] = {}
    for gene, row in zip(genes, rows, strict=True):
        if not gene:
            raise ValueError(f"{name} line {row.line}: the gene has no name")
        if gene in seen:
            raise ValueError(
                f"{name} line {row.line}: {gene} is in line {seen[gene]} already; keep "
                "one row a gene"
            )
        seen[gene] = row.line


def _numbers(row: tables.Row, number: int, name: str) -> list[float]:
    if len(row.fields) != number + 1:
        raise ValueError(
            f"{name} line {row.line}: {len(row.fields)} fields, expected {number + 1}"
        )
    return [_number(cell, row.line, name) for cell in row.fields[1:]]


def _number(cell: str, line: int, name: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"{name} line {line}: {cell!r} is not a finite number")
    return value
