"""Slices scanned by the workers of a Dask cluster, in the order of the input.

A slice is a task. Its result is the encoded part, which this process writes, so that
workers need no shared file system. If a worker is lost, another scans its slice.
"""

import collections
import concurrent.futures
import contextlib
import os
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, TypeAlias

import pyarrow as pa
from absl import logging

from mirjax.scanning.parts import PartsFolder, decode_part
from mirjax.scanning.run_flags import LOCAL
from mirjax.scanning.slices import Slice, SliceScanner

if TYPE_CHECKING:
    import distributed

_CONNECT_SECONDS = 30
_REFRESH_SECONDS = 5  # between two counts of the workers
_TASKS = 2  # for each worker thread, so that none waits for its next slice
_AHEAD = 8  # slices for each worker thread that are read but not yet written

ScanSlices: TypeAlias = Callable[
    [Iterable[Slice], PartsFolder | None], Iterator[tuple[Slice, pa.Table]]
]
"""Scans slices: takes them and the folder of their parts, and yields rows in order."""


@contextlib.contextmanager
def open_cluster(address: str, scan: SliceScanner) -> Iterator[ScanSlices]:
    """Connect to a Dask cluster, and give its workers the scanner.

    Args:
      address: of the scheduler; or its scheduler file; or `LOCAL`.
      scan: makes the rows of one slice.

    Yields:
      A function that scans slices. At most a few slices per worker are in memory.

    Raises:
      ValueError: if Dask is not installed or no scheduler responds.
    """
    try:
        from mirjax.scanning.cluster_worker import ScannerPlugin
    except ModuleNotFoundError as error:
        raise ValueError(
            f"--dask: {error.name} is not installed; run: pip install 'mirjax[cluster]'"
        ) from None
    with _connect(address) as client:
        name = f"mirjax-scan-{os.getpid()}-{time.monotonic_ns()}"
        try:
            client.register_plugin(ScannerPlugin(name, scan))
        except ModuleNotFoundError as error:
            raise ValueError(
                f"--dask: the workers have no {error.name}; install mirjax[cluster] "
                "where they run"
            ) from error
        logging.info("Dask dashboard: %s", client.dashboard_link)
        if not client.nthreads():
            logging.info("waiting for the first worker")
        try:
            yield lambda slices, parts: _scan_slices(client, name, slices, parts)
        finally:
            with contextlib.suppress(OSError):  # the scheduler has gone
                client.unregister_worker_plugin(name)


@contextlib.contextmanager
def _connect(address: str) -> Iterator["distributed.Client"]:
    """Connect to a scheduler, or start a cluster of processes on this machine."""
    import distributed

    with contextlib.ExitStack() as stack:
        if address == LOCAL:
            cluster = distributed.LocalCluster(
                n_workers=os.cpu_count(),
                threads_per_worker=1,
                processes=True,
                host="127.0.0.1",
                dashboard_address="127.0.0.1:0",
            )
            yield stack.enter_context(distributed.Client(stack.enter_context(cluster)))
            return
        where = {"scheduler_file" if address.endswith(".json") else "address": address}
        try:
            client = distributed.Client(**where, timeout=_CONNECT_SECONDS)
        except (OSError, ValueError) as error:
            raise ValueError(
                f"--dask: no scheduler answers at {address} ({error}); start it by: "
                "dask scheduler"
            ) from error
        yield stack.enter_context(client)


class _Threads:
    """Counts the threads of the workers, at most every few seconds."""

    def __init__(self, client: "distributed.Client") -> None:
        self._client, self._number, self._next = client, 1, 0.0

    def count(self) -> int:
        if time.monotonic() >= self._next:
            self._number = max(1, sum(self._client.nthreads().values()))
            self._next = time.monotonic() + _REFRESH_SECONDS
        return self._number


def _scan_slices(
    client: "distributed.Client",
    name: str,
    slices: Iterable[Slice],
    parts: PartsFolder | None,
) -> Iterator[tuple[Slice, pa.Table]]:
    """Scan slices, except those whose parts are stored; yield their rows in order."""
    import distributed

    from mirjax.scanning.cluster_worker import scan_slice

    source, threads = iter(slices), _Threads(client)
    waiting: collections.deque[Slice] = collections.deque()  # read, not yet yielded
    done: dict[int, pa.Table | None] = {}  # None: its part is stored
    running: dict[Any, Slice] = {}
    completed = distributed.as_completed(with_results=True, raise_errors=True)
    while True:
        limit = threads.count()
        while len(running) < _TASKS * limit and len(waiting) < _AHEAD * limit:
            a_slice = next(source, None)
            if a_slice is None:
                break
            waiting.append(a_slice)
            if parts is not None and parts.load(a_slice) is not None:
                done[a_slice.number] = None
                continue
            future = client.submit(
                scan_slice, name, a_slice, pure=False, key=f"{name}-{a_slice.number}"
            )
            running[future] = a_slice
            completed.add(future)
        while waiting and waiting[0].number in done:
            a_slice = waiting.popleft()
            table = done.pop(a_slice.number)
            yield a_slice, _stored(parts, a_slice) if table is None else table
        if running:
            a_slice, data = _next_result(completed, running)
            if parts is None:
                done[a_slice.number] = decode_part(data).table
            else:
                parts.store(a_slice.number, data)
                done[a_slice.number] = None
        elif not waiting:
            return


def _next_result(completed: Any, running: dict[Any, Slice]) -> tuple[Slice, bytes]:
    """Return the next slice that is scanned, and its part.

    Raises:
      ValueError: if each of several workers ended while it scanned the slice, or the
        scheduler has ended.
    """
    import distributed

    try:
        future, data = next(completed)
    except distributed.KilledWorker as error:
        raise ValueError(
            f"--dask: several workers ended while they scanned one slice ({error}); "
            "most often memory runs out: give them more"
        ) from error
    except concurrent.futures.CancelledError as error:
        raise ValueError(
            "--dask: the scheduler has ended; start it again, and give the same "
            "command with --resume"
        ) from error
    return running.pop(future), data


def _stored(parts: PartsFolder | None, a_slice: Slice) -> pa.Table:
    """Return the rows of a slice whose part has been stored."""
    table = None if parts is None else parts.load(a_slice)
    if table is None:
        raise OSError(
            f"the part of slice {a_slice.number} was damaged on disk; give the same "
            "command with --resume"
        )
    return table
