"""Segments of transcripts to decode: candidate target sites."""

import dataclasses
from collections.abc import Callable, Collection, Iterator, Sequence

import numpy as np
from jaxtyping import Int32

from mirjax.inference import folding
from mirjax.sequences.records import SequenceRecord
from mirjax.sequences.windows import Window, count_windows, sliding_windows


@dataclasses.dataclass(frozen=True, eq=False)
class SlidingWindows(Collection[Window]):
    """The windows of `sliding_windows`, computed on each iteration.

    Attributes:
      lengths: of each record, in nt.
      size: length of a window, in nt.
      stride: distance from one window to the next, in nt.
    """

    lengths: Sequence[int]
    size: int
    stride: int

    def __len__(self) -> int:
        return count_windows(self.lengths, self.size, self.stride)

    def __iter__(self) -> Iterator[Window]:
        return sliding_windows(self.lengths, self.size, self.stride)

    def __contains__(self, window: object) -> bool:
        return any(window == other for other in self)


@dataclasses.dataclass(frozen=True, eq=False)
class Segments(Collection[Window]):
    """Segments that are stored, 12 bytes each.

    Attributes:
      places: record, start and end of each, in this order.
    """

    places: Int32[np.ndarray, "segments 3"]

    def __len__(self) -> int:
        return len(self.places)

    def __iter__(self) -> Iterator[Window]:
        return (Window(*map(int, row)) for row in self.places)

    def __contains__(self, window: object) -> bool:
        return any(window == other for other in self)


def every_segment(lengths: Sequence[int], sizes: Sequence[int]) -> Segments:
    """Return the segments of some lengths at every position of every record.

    Args:
      lengths: of each record, in nt.
      sizes: distinct lengths of segments, in nt. A record that is shorter than all of
        them is one segment.

    Returns:
      The segments.
    """
    parts = [np.zeros((0, 3), np.int32)]
    for record, length in enumerate(lengths):
        for size in [size for size in sizes if size <= length] or [length]:
            starts = np.arange(length - size + 1, dtype=np.int32)
            records = np.full_like(starts, record)
            parts.append(np.stack([records, starts, starts + size], axis=1))
    places = np.concatenate(parts)
    return Segments(places[np.lexsort(places.T[::-1])])


def accessible(
    windows: Collection[Window],
    targets: Sequence[SequenceRecord],
    report: Callable[[int], None],
) -> Segments:
    """Return the windows with an open stretch, which is likely to be unpaired.

    Args:
      windows: by record.
      targets: the records.
      report: called with the number of records folded since its previous call.

    Raises:
      ValueError: if ViennaRNA is not installed.
    """
    places = np.array(list(windows), np.int32).reshape(-1, 3)
    bounds = np.searchsorted(places[:, 0], np.arange(len(targets) + 1))
    parts = [np.zeros((0, 3), np.int32)]
    for target, first, after in zip(targets, bounds[:-1], bounds[1:], strict=True):
        own = places[first:after]
        opened = folding.open_stretches(target.sequence)
        # How many open stretches end at or before each letter.
        total = np.concatenate([[0], np.cumsum(opened)])
        first_end = np.minimum(own[:, 1] + folding.STRETCH - 1, own[:, 2])
        parts.append(own[total[own[:, 2]] > total[first_end]])
        report(1)
    return Segments(np.concatenate(parts))
