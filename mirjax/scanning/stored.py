"""Finished tables of sites, read again in batches: --from=sites.parquet."""

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeAlias

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

Filter: TypeAlias = Callable[[pa.Table], pa.Table]
"""Returns the rows to keep, in order; it is given all rows of a target at once."""

_BATCH = 1 << 16  # rows


def read_schema(path: str | os.PathLike[str], needed: Sequence[str]) -> pa.Schema:
    """Return the columns of a Parquet table.

    Args:
      path: the table.
      needed: names of columns that it must have.

    Raises:
      ValueError: if it is missing, is no Parquet table, or lacks a column.
    """
    with _named(path) as file:
        schema = file.schema_arrow.remove_metadata()
    if missing := [name for name in needed if name not in schema.names]:
        raise ValueError(
            f"--from: {path} has no column {', '.join(missing)}; it has "
            f"{', '.join(schema.names)}"
        )
    return schema


def read_tables(
    path: str | os.PathLike[str], filters: Iterable[Filter] = ()
) -> Iterator[pa.Table]:
    """Yield the rows of a Parquet table that pass all filters, in order.

    Rows that follow each other and have one target come together, so that a filter may
    compare the rows of a target. No more is held in memory than the rows of one target
    and a batch.

    Args:
      path: a table with the column target, as a scan with --format=parquet writes it.
      filters: applied one after the other.

    Raises:
      ValueError: if it cannot be read.
    """
    filters = list(filters)
    with _named(path) as file:
        waiting: list[pa.Table] = []
        missing = file.metadata.num_rows
        for batch in file.iter_batches(_BATCH):
            missing -= batch.num_rows
            table = pa.Table.from_batches([batch]).replace_schema_metadata(None)
            start = _last_run(table["target"])
            if start:
                yield _filtered([*waiting, table.slice(0, start)], filters)
                waiting = []
            elif waiting and waiting[-1]["target"][-1] != table["target"][0]:
                yield _filtered(waiting, filters)
                waiting = []
            waiting.append(table.slice(start))
        if missing:
            raise pa.ArrowInvalid(f"{missing} rows are missing")
        if waiting:
            yield _filtered(waiting, filters)


def _last_run(targets: pa.ChunkedArray) -> int:
    """Return the row from which on all targets are the last one."""
    others = pc.indices_nonzero(pc.not_equal(targets, targets[-1]))
    return others[-1].as_py() + 1 if len(others) else 0


def _filtered(tables: Sequence[pa.Table], filters: Iterable[Filter]) -> pa.Table:
    table = pa.concat_tables(tables)
    for keep in filters:
        table = keep(table)
    return table


@contextlib.contextmanager
def _named(path: str | os.PathLike[str]) -> Iterator[pq.ParquetFile]:
    """Open a Parquet file, and name it in errors."""
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            yield file
    except (pa.ArrowException, UnicodeDecodeError) as error:
        raise ValueError(
            f"--from: {path} is no whole Parquet table ({error}); make it again with "
            "--format=parquet"
        ) from error
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise ValueError(f"--from: {path} cannot be read ({reason})") from error
