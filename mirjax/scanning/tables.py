"""Tables of sites as files: tab-separated text, Parquet or BED.

The bytes of a file depend only on its rows and their order, not on how the rows are
divided into tables, so that a scan in parts, on one machine or many, gives the same
file.
"""

import contextlib
import os
import pathlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mirjax.files import atomic_write
from mirjax.output import is_stream, open_output
from mirjax.scanning.options import BED, FORMATS, PARQUET, TSV
from mirjax.scanning.parquet_hash import insert_hash

Sink: TypeAlias = Callable[[pa.Table], None]
"""Takes the rows of a scan table by table, in order."""

Output: TypeAlias = AbstractContextManager[Sink]
"""Opens a file that takes the rows, such as `open_table`."""

NONE = "."  # an empty cell
ROW_GROUP = 1 << 17  # rows of a group in a Parquet file

_BATCH = 1 << 16  # rows that are turned into text at a time
_BREAKS = "[\t\n\r]"
_BED_SCORE = 1000  # the score in a BED file of a site whose own score is 1


@contextlib.contextmanager
def open_table(
    out: str | os.PathLike[str], table_format: str, schema: pa.Schema
) -> Iterator[Sink]:
    """Open a table of sites for writing; it appears whole or not at all.

    Args:
      out: the file; "-" is standard output. Text is gzipped if the name ends in .gz.
      table_format: one of `FORMATS`. A BED file has the columns target, start, end,
        mirna, the score from 0 to 1000 and the strand, then the others in order.
      schema: columns to write and their types. Tables may have others, which are left
        out.

    Yields:
      A function that takes the rows table by table.

    Raises:
      ValueError: for Parquet on standard output or gzipped, for an unknown format, or
        for a name that holds a tab or a line break.
    """
    if table_format == PARQUET:
        _check_parquet(out)
        with _open_parquet(pathlib.Path(out), schema) as write:
            yield _selecting(write, schema)
        return
    if table_format not in FORMATS:
        raise ValueError(f"{table_format=} is none of {', '.join(FORMATS)}")
    with open_output(out) as stream:
        if table_format == TSV:
            stream.write(("\t".join(schema.names) + "\n").encode())
        to_cells = _cells if table_format == TSV else _bed_cells

        def write_text(table: pa.Table) -> None:
            for batch in table.to_batches(max_chunksize=_BATCH):
                if batch.num_rows:
                    stream.write(_to_lines(to_cells(batch)))

        yield _selecting(write_text, schema)


def format_of(out: str | os.PathLike[str]) -> str:
    """Return the format given by the ending of a file's name; `TSV` by default.

    >>> format_of("sites.bed.gz"), format_of("-")
    ('bed', 'tsv')
    """
    ending = pathlib.PurePath(os.fspath(out).removesuffix(".gz")).suffix
    return {".parquet": PARQUET, ".bed": BED}.get(ending, TSV)


def _check_parquet(out: str | os.PathLike[str]) -> None:
    """Raise a ValueError for an output that cannot be a Parquet file."""
    if is_stream(out) or os.fspath(out) == "-":
        raise ValueError(
            f"--out: a Parquet table cannot be written to {os.fspath(out)}; name a "
            "file, or give --format=tsv"
        )
    if os.fspath(out).endswith(".gz"):
        raise ValueError(
            f"--out: {os.fspath(out)}: a Parquet table is compressed already; leave "
            "out .gz"
        )


def _selecting(write: Sink, schema: pa.Schema) -> Sink:
    """Return a sink that takes the columns of a schema alone."""
    return lambda table: write(table.select(schema.names).cast(schema))


@contextlib.contextmanager
def _open_parquet(path: pathlib.Path, schema: pa.Schema) -> Iterator[Sink]:
    """Open a Parquet file with row groups of one size, whatever tables it is given."""
    waiting: list[pa.Table] = []

    def write(table: pa.Table) -> None:
        waiting.append(table)
        rows = sum(part.num_rows for part in waiting)
        if rows < ROW_GROUP:
            return
        together = pa.concat_tables(waiting)
        whole = rows - rows % ROW_GROUP
        for start in range(0, whole, ROW_GROUP):
            group = together.slice(start, ROW_GROUP).combine_chunks()
            writer.write_table(group, row_group_size=ROW_GROUP)
        # A copy, so that the rows that have been written are freed.
        waiting[:] = [pa.concat_tables([together.slice(whole)]).combine_chunks()]

    with atomic_write(path) as unfinished, unfinished.open("w+b") as stream:
        with pq.ParquetWriter(
            stream, schema, compression="zstd", write_page_checksum=True
        ) as writer:
            yield write
            rest = pa.concat_tables([schema.empty_table(), *waiting]).combine_chunks()
            if rest.num_rows:
                writer.write_table(rest, row_group_size=ROW_GROUP)
        insert_hash(stream)


def _cells(batch: pa.RecordBatch) -> list[pa.Array]:
    """Return the columns of a batch as text."""
    return [_to_text(batch.column(name), name) for name in batch.schema.names]


def _bed_cells(batch: pa.RecordBatch) -> list[pa.Array]:
    """Return the columns of a BED file (see `open_table`) as text."""
    names = batch.schema.names
    first = ["target", "start", "end", "mirna"]
    score = np.zeros(batch.num_rows)
    if "score" in names:
        score = np.nan_to_num(batch.column("score").to_numpy(zero_copy_only=False))
    rounded = np.rint(np.clip(score, 0, 1) * _BED_SCORE).astype(np.int64)
    cells = _cells(batch.select(first))
    cells += [pa.array(rounded).cast(pa.string()), pa.array(["+"] * len(score))]
    others = [name for name in names if name not in first]
    return cells + _cells(batch.select(others))


def _to_text(column: pa.Array, name: str) -> pa.Array:
    """Return a column as text: numbers with at most six digits, "." for none.

    Raises:
      ValueError: for a tab or a line break.
    """
    if pa.types.is_floating(column.type):
        texts = (NONE if x is None else f"{x:.6g}" for x in column.to_pylist())
        return pa.array(texts, pa.string())
    text = column.cast(pa.string())
    if not pa.types.is_integer(column.type):
        broken = pc.fill_null(pc.match_substring_regex(text, _BREAKS), False)
        if pc.any(broken).as_py():
            found = text.filter(broken)[0].as_py()
            raise ValueError(
                f"column {name}: {found!r} holds a tab or a line break, which a text "
                "table cannot hold; rename the record, or give --format=parquet"
            )
    return text.fill_null(NONE)


def _to_lines(cells: Sequence[pa.Array]) -> bytes:
    """Return rows as tab-separated lines."""
    lines = pc.binary_join_element_wise(*cells, "\t")
    return ("\n".join(lines.to_pylist()) + "\n").encode()
