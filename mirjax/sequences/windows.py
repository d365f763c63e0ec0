"""Windows that slide over sequences longer than a model reads."""

import itertools
from collections.abc import Iterable, Iterator
from typing import NamedTuple


class Window(NamedTuple):
    """A stretch of one record.

    Attributes:
      record: the record's number, from 0.
      start: its first letter, from 0.
      end: the letter after its last one, so that `end - start` is its length.
    """

    record: int
    start: int
    end: int


def sliding_windows(lengths: Iterable[int], size: int, stride: int) -> Iterator[Window]:
    """Cover records with windows.

    A record of at most `size` is one window. A longer one has a window every `stride`
    from its first letter on, and the last is flush with its end. Any stretch of at most
    `size - stride + 1` lies whole in some window.

    Args:
      lengths: one a record, nt.
      size: the length of a window, nt.
      stride: from one window's start to the next one's at most, nt.

    Returns:
      The windows by record, then by start; made one by one, however many there are.

    Raises:
      ValueError: at once, if `stride` is below 1 or would leave letters uncovered.
    """
    _check_stride(size, stride)
    # A generator apart, so that a wrong stride is raised by now.
    return (
        Window(record, start, min(start + size, length))
        for record, length in enumerate(lengths)
        for start in itertools.chain(
            range(0, length - size, stride), [max(0, length - size)]
        )
    )


def count_windows(lengths: Iterable[int], size: int, stride: int) -> int:
    """Return how many windows `sliding_windows` makes.

    Args:
      lengths: one a record, nt.
      size: the length of a window, nt.
      stride: from one window's start to the next one's at most, nt.

    Raises:
      ValueError: if `stride` is below 1 or would leave letters uncovered.
    """
    _check_stride(size, stride)
    return sum(len(range(0, length - size, stride)) + 1 for length in lengths)


def _check_stride(size: int, stride: int) -> None:
    if not 1 <= stride <= size:
        raise ValueError(f"{stride=} must be from 1 to the window's {size} nt")
