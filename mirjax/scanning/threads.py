"""Work in threads, with results in order.

NumPy and XLA release Python's lock while they compute, so that the alignment of one
slice runs beside the classifier of another.
"""

import collections
import concurrent.futures
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from mirjax.cores import available_cores

_MOST = 8  # threads; each has the arrays of one item in memory

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")

_own = threading.local()  # stop: the event that ends this thread's work


def in_order(
    function: Callable[[ItemT], ResultT], items: Iterable[ItemT]
) -> Iterator[tuple[ItemT, ResultT]]:
    """Yield each item and what a function returns for it, in the order of the items.

    Args:
      function: called in one thread more than there are cores, at most `_MOST`, since
        threads wait for one another's programs; on one core, in the caller's thread.
        It calls `check_stop` often.
      items: taken one by one, at most one more than there are threads ahead of what is
        yielded.

    Raises:
      Exception: the first that the function raises, in the order of the items. Then,
        and when the caller is stopped, what has begun ends at its next `check_stop`,
        and what has not begun is dropped.
    """
    cores = available_cores()
    threads = min(cores + 1, _MOST)
    if cores == 1:
        for item in items:
            yield item, function(item)
        return
    stop = threading.Event()
    pool = concurrent.futures.ThreadPoolExecutor(
        threads, initializer=_set_stop, initargs=(stop,)
    )
    waiting: collections.deque[tuple[ItemT, concurrent.futures.Future[ResultT]]] = (
        collections.deque()
    )
    try:
        for item in items:
            waiting.append((item, pool.submit(function, item)))
            if len(waiting) > threads:
                first, result = waiting.popleft()
                yield first, result.result()
        while waiting:
            first, result = waiting.popleft()
            yield first, result.result()
    finally:
        stop.set()
        pool.shutdown(wait=True, cancel_futures=True)


def check_stop() -> None:
    """End the work of a thread of `in_order` whose result is not wanted any more.

    Raises:
      CancelledError: in such a thread; elsewhere nothing happens.
    """
    stop: threading.Event | None = getattr(_own, "stop", None)
    if stop is not None and stop.is_set():
        raise concurrent.futures.CancelledError


def _set_stop(stop: threading.Event) -> None:
    _own.stop = stop
