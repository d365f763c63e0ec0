"""Sliding windows over sequences longer than a model's input."""

import itertools
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Int


class Window(NamedTuple):
    """A segment of one record.

    Attributes:
      record: the record's index.
      start: index of the segment's first letter.
      end: one past its last letter; its length is `end - start`, in nt.
    """

    record: int
    start: int
    end: int


def sliding_windows(lengths: Iterable[int], size: int, stride: int) -> Iterator[Window]:
    """Cover records with windows.

    A record of at most `size` nt is one window. A longer one has a window every
    `stride` nt from its first letter on, and the last window ends at its end. Every
    segment of at most `size - stride + 1` nt lies within some window.

    Args:
      lengths: of each record, in nt.
      size: length of a window, in nt.
      stride: largest distance between the starts of successive windows, in nt.

    Returns:
      An iterator of the windows, by record, then by start.

    Raises:
      ValueError: on the call, if `stride` is below 1 or would leave letters uncovered.
    """
    _check_stride(size, stride)
    # A separate generator, so that a wrong stride is an error on the call.
    return (
        Window(record, start, min(start + size, length))
        for record, length in enumerate(lengths)
        for start in itertools.chain(
            range(0, length - size, stride), [max(0, length - size)]
        )
    )


def count_windows(lengths: Iterable[int], size: int, stride: int) -> int:
    """Return the number of windows of `sliding_windows`.

    Args:
      lengths: of each record, in nt.
      size: length of a window, in nt.
      stride: largest distance between the starts of successive windows, in nt.

    Raises:
      ValueError: if `stride` is below 1 or would leave letters uncovered.
    """
    _check_stride(size, stride)
    return sum(len(range(0, length - size, stride)) + 1 for length in lengths)


def window_starts(length: int, size: int, stride: int) -> Int[np.ndarray, " windows"]:
    """Return where the windows of one record start; see `sliding_windows`.

    >>> window_starts(100, size=53, stride=22)
    array([ 0, 22, 44, 47])

    Args:
      length: of the record, in nt.
      size: length of a window, in nt.
      stride: largest distance between the starts of successive windows, in nt.

    Raises:
      ValueError: if `stride` is below 1 or would leave letters uncovered.
    """
    _check_stride(size, stride)
    return np.append(np.arange(0, length - size, stride), max(0, length - size))


def _check_stride(size: int, stride: int) -> None:
    if not 1 <= stride <= size:
        raise ValueError(f"{stride=} must be from 1 to the window's {size} nt")
