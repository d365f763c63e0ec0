"""Gene scores: the sites of a table, summed for each miRNA and transcript.

The rows of a table of sites are ordered by transcript, then by miRNA, so that those of
one pair are adjacent. The tables are read once, one in memory at a time.
"""

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
from jaxtyping import Int64

from mirjax.scanning.options import SORTABLE
from mirjax.scanning.site_types import SITE_TYPES

SCHEMA = pa.schema(
    [
        ("mirna", pa.string()),
        ("target", pa.string()),
        ("sites", pa.int64()),
        *((name, pa.int64()) for name in SITE_TYPES),
        ("best_score", pa.float64()),
        ("summed_score", pa.float64()),
    ]
)


def genes_of(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """Add up the sites of each miRNA and transcript.

    Args:
      tables: of sites, in order; with columns `mirna`, `target`, `site_type` and,
        except for canonical sites alone, `score`.

    Yields:
      Tables with the columns of `SCHEMA`, in the order of the sites. Without scores
      those are null.
    """
    waiting: pa.Table | None = None
    for table in tables:
        if waiting is not None:
            table = pa.concat_tables([waiting, table])
        firsts = _firsts(table)
        if not len(firsts):
            continue
        # The last pair may continue in the next table.
        whole = int(firsts[-1])
        waiting = table.slice(whole)
        if whole:
            yield _add_up(table.slice(0, whole), firsts[:-1])
    if waiting is not None:
        yield _add_up(waiting, np.zeros(1, np.int64))


def sort_genes(genes: pa.Table, column: str) -> pa.Table:
    """Sort genes, the highest first; those that are equal stay in order.

    Args:
      genes: with the columns of `SCHEMA`.
      column: one of `SORTABLE`.

    Raises:
      ValueError: for another column.
    """
    if column not in SORTABLE:
        raise ValueError(f"{column} is not one of {', '.join(SORTABLE)}")
    values = genes[column].to_numpy()
    return genes.take(pa.array(np.argsort(-values, kind="stable")))


def _firsts(table: pa.Table) -> Int64[np.ndarray, " pairs"]:
    """Return the first row of each miRNA and transcript."""
    if not table.num_rows:
        return np.zeros(0, np.int64)
    is_first = np.zeros(table.num_rows, bool)
    is_first[0] = True
    for name in ("mirna", "target"):
        codes = table[name].combine_chunks().dictionary_encode()
        if isinstance(codes, pa.ChunkedArray):
            codes = codes.combine_chunks()
        is_first[1:] |= np.diff(codes.indices.to_numpy()) != 0
    return np.flatnonzero(is_first)


def _add_up(table: pa.Table, firsts: Int64[np.ndarray, " pairs"]) -> pa.Table:
    """Return one row for each pair."""
    types = np.array(table["site_type"].to_pylist(), object)
    counts = [
        np.add.reduceat((types == name).astype(np.int64), firsts) for name in SITE_TYPES
    ]
    scores: list[pa.Array] = [pa.nulls(len(firsts), pa.float64())] * 2
    if "score" in table.column_names:
        values = table["score"].to_numpy().astype(np.float64)
        scores = [np.maximum.reduceat(values, firsts), np.add.reduceat(values, firsts)]
    pairs = table.select(["mirna", "target"]).take(pa.array(firsts))
    sites = np.diff([*firsts, table.num_rows])
    return pa.table([*pairs.columns, sites, *counts, *scores], schema=SCHEMA)
