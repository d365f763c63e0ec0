"""Run a scan: from slices to files, in order, in bounded memory, resumable."""

import contextlib
import dataclasses
import functools
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence

import pyarrow as pa

from mirjax import cli
from mirjax.files import FULL_DISK
from mirjax.output import is_stream
from mirjax.scanning.cluster import ScanSlices, open_cluster
from mirjax.scanning.parts import (
    Part,
    PartsFolder,
    encode_part,
    open_parts,
    slice_digest,
)
from mirjax.scanning.shards import Shard, open_shard, shard_file
from mirjax.scanning.slices import Slice, SliceScanner
from mirjax.scanning.tables import Output, Sink
from mirjax.scanning.threads import in_order


@dataclasses.dataclass(frozen=True)
class RunOptions:
    """Options of how a scan runs; none of them changes the rows.

    Attributes:
      out: the table's file, beside which the parts lie; "-" is standard output.
      settings: what the rows depend on besides the targets; see `open_parts`.
      resume: use the parts of a run that was stopped.
      shard: scan only these slices, into a shard file; None scans all.
      dask: None to scan in this process; `run_flags.LOCAL` or a scheduler's address.
      letters: of all targets, in nt, for the time estimate; None if unknown.
    """

    out: str
    settings: Mapping[str, str]
    resume: bool = False
    shard: Shard | None = None
    dask: str | None = None
    letters: int | None = None


def run_scan(
    slices: Iterable[Slice],
    scan: SliceScanner,
    outputs: Sequence[Output],
    options: RunOptions,
) -> int:
    """Scan slices, and write their rows in the order of the slices.

    Every slice's rows are kept in a part file until all outputs are complete. At most
    a few slices and their rows are held in memory.

    Args:
      slices: numbered from 0.
      scan: makes the rows of one.
      outputs: the table, and others such as genes. They are opened here, and appear
        once all rows are written. A shard opens none of them.
      options: how to run.

    Returns:
      The number of rows.

    Raises:
      ValueError: as `open_parts` and the cluster do.
      OSError: if the disk is full; the same command with --resume continues.
    """
    if options.shard is not None:
        return _run_shard(slices, scan, options, options.shard)
    with _scanning(scan, options) as (scan_slices, parts), _opened(outputs) as sinks:
        return _feed(scan_slices(slices, parts), sinks, options.letters)


def write_tables(tables: Iterable[pa.Table], outputs: Sequence[Output]) -> int:
    """Write the tables of an earlier scan, in order; return the number of rows."""
    with _opened(outputs) as sinks:
        return _feed(((None, table) for table in tables), sinks, None)


def _run_shard(
    slices: Iterable[Slice], scan: SliceScanner, options: RunOptions, shard: Shard
) -> int:
    """Scan the slices of one shard into its file; return the number of rows."""
    out = shard_file(options.out, shard)
    options = dataclasses.replace(options, out=str(out))
    with (
        _scanning(scan, options) as (scan_slices, parts),
        open_shard(out, shard, options.settings) as writer,
    ):
        rows = 0
        own = writer.choose(slices)
        with cli.progress(options.letters, "scanning nucleotides") as report:
            for a_slice, table in scan_slices(own, parts):
                writer.write(Part(a_slice.number, slice_digest(a_slice), table))
                rows += table.num_rows
                report(_letters(a_slice))
    return rows


@contextlib.contextmanager
def _scanning(
    scan: SliceScanner, options: RunOptions
) -> Iterator[tuple[ScanSlices, PartsFolder | None]]:
    """Open the function that scans slices, and the folder of their parts."""
    with contextlib.ExitStack() as stack:
        parts = None
        if not is_stream(options.out):
            parts = stack.enter_context(
                open_parts(options.out, options.settings, resume=options.resume)
            )
        elif options.resume:
            raise ValueError("--resume: give --out a file; a stream has no part files")
        if parts is not None:
            stack.enter_context(_full_disk())
        scan_slices: ScanSlices = functools.partial(_scan_here, scan)
        if options.dask is not None:
            scan_slices = stack.enter_context(open_cluster(options.dask, scan))
        yield scan_slices, parts


def _scan_here(
    scan: SliceScanner, slices: Iterable[Slice], parts: PartsFolder | None
) -> Iterator[tuple[Slice, pa.Table]]:
    """Scan slices in this process, except those whose parts are stored."""

    def rows_of(a_slice: Slice) -> pa.Table:
        table = None if parts is None else parts.load(a_slice)
        if table is None:
            table = scan(a_slice)
            if parts is not None:
                part = Part(a_slice.number, slice_digest(a_slice), table)
                parts.store(a_slice.number, encode_part(part))
        return table

    return in_order(rows_of, slices)


@contextlib.contextmanager
def _opened(outputs: Sequence[Output]) -> Iterator[list[Sink]]:
    """Open outputs."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(output) for output in outputs]


def _feed(
    scanned: Iterable[tuple[Slice | None, pa.Table]],
    sinks: Sequence[Sink],
    letters: int | None,
) -> int:
    """Pass every table to every sink; return the number of rows."""
    rows = 0
    with cli.progress(letters, "scanning nucleotides") as report:
        for a_slice, table in scanned:
            for sink in sinks:
                sink(table)
            rows += table.num_rows
            if a_slice is not None:
                report(_letters(a_slice))
    return rows


def _letters(a_slice: Slice) -> int:
    return sum(len(record.sequence) for record in a_slice.records)


@contextlib.contextmanager
def _full_disk() -> Iterator[None]:
    """Name the remedy in the error of a full disk."""
    try:
        yield
    except OSError as error:
        if error.errno not in FULL_DISK:
            raise
        message = str(error) if error.filename is None else os.strerror(error.errno)
        raise OSError(
            f"{message}; free space, and resume by the same command with --resume"
        ) from error
