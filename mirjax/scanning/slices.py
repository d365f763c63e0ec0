"""Slices of the transcripts: the unit of work, of resuming and of sharding."""

import dataclasses
from collections.abc import Callable
from typing import TypeAlias

import pyarrow as pa

from mirjax.sequences.records import SequenceRecord


@dataclasses.dataclass(frozen=True)
class Slice:
    """Consecutive transcripts of the input.

    Attributes:
      number: from 0, in the order of the input.
      records: the transcripts, 5'→3', RNA letters and N.
    """

    number: int
    records: tuple[SequenceRecord, ...]


SliceScanner: TypeAlias = Callable[[Slice], pa.Table]
"""A pure function from a slice to the rows of its table, in the order of the input.

Its result depends only on the slice's records, not on other slices or earlier calls, so
that slices may be scanned in any order and on any machine. It can be pickled by
cloudpickle before it is first called.
"""
