"""Read finished tables of sites in batches: --from=sites.parquet."""

import contextlib
import os
from collections.abc import Iterator, Sequence
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mirjax.scanning.parquet_hash import DamagedParquetError, check_hash

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


def read_tables(path: str | os.PathLike[str]) -> Iterator[pa.Table]:
    """Yield the rows of a Parquet table, in order.

    Adjacent rows of one target are in one table, so that they can be compared. In
    memory are at most the rows of one target and one batch.

    Args:
      path: a table with the column target, as a scan with --format=parquet writes it.

    Raises:
      ValueError: if it cannot be read.
    """
    with _named(path) as file:
        waiting: list[pa.Table] = []
        missing = file.metadata.num_rows
        for batch in file.iter_batches(_BATCH):
            missing -= batch.num_rows
            table = pa.Table.from_batches([batch]).replace_schema_metadata(None)
            start = _last_run(table["target"])
            if start:
                yield pa.concat_tables([*waiting, table.slice(0, start)])
                waiting = []
            elif waiting and waiting[-1]["target"][-1] != table["target"][0]:
                yield pa.concat_tables(waiting)
                waiting = []
            waiting.append(table.slice(start))
        if missing:
            raise pa.ArrowInvalid(f"{missing} rows are missing")
        if waiting:
            yield pa.concat_tables(waiting)


def _last_run(targets: pa.ChunkedArray) -> int:
    """Return the first row of the last target."""
    others = pc.indices_nonzero(pc.not_equal(targets, targets[-1]))
    return others[-1].as_py() + 1 if len(others) else 0


def _checked(stream: BinaryIO) -> BinaryIO:
    """Return the stream of a Parquet file whose hash fits."""
    check_hash(stream)
    return stream


@contextlib.contextmanager
def _named(path: str | os.PathLike[str]) -> Iterator[pq.ParquetFile]:
    """Open a Parquet file, check its hash, and name it in errors."""
    try:
        with (
            open(path, "rb") as stream,
            pq.ParquetFile(_checked(stream), page_checksum_verification=True) as file,
        ):
            yield file
    except (pa.ArrowException, UnicodeDecodeError, DamagedParquetError) as error:
        raise ValueError(
            f"--from: {path} is not a whole Parquet table ({error}); make it again "
            "with --format=parquet"
        ) from error
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise ValueError(f"--from: {path} cannot be read ({reason})") from error
