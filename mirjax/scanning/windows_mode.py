"""Scan by windows, as the published miTAR does: every window of every transcript.

References:
  Gu et al. 2021, BMC Bioinformatics, doi 10.1186/s12859-021-04026-6.
"""

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from jaxtyping import Float, Int, UInt8

from mirjax.scanning.engines.interface import Engine
from mirjax.scanning.options import WindowsOptions
from mirjax.scanning.slices import Slice
from mirjax.sequences import alphabet
from mirjax.sequences.windows import window_starts

SCHEMA = pa.schema(
    [
        ("mirna", pa.string()),
        ("target", pa.string()),
        ("start", pa.int64()),  # of the window, from 0
        ("end", pa.int64()),  # not included
        ("window", pa.int64()),  # of the target, from 0
        ("score", pa.float32()),  # probability
        ("sites", pa.int64()),  # windows of this miRNA and target in the table
    ]
)

_PAIRS = 1 << 22  # pairs of a miRNA and a window scored at a time; bounds memory


class _Windows(NamedTuple):
    """The windows of a slice, whose transcripts are joined with padding between.

    Attributes:
      tokens: the joined transcripts.
      places: where each window starts in them.
      records: the number of each window's transcript.
      starts: where each window starts in its transcript.
      ends: where each window ends in its transcript.
      numbers: index of each window in its transcript.
    """

    tokens: UInt8[np.ndarray, " letters"]
    places: Int[np.ndarray, " windows"]
    records: Int[np.ndarray, " windows"]
    starts: Int[np.ndarray, " windows"]
    ends: Int[np.ndarray, " windows"]
    numbers: Int[np.ndarray, " windows"]


class _Sites(NamedTuple):
    """Windows that reach the threshold for a miRNA."""

    mirnas: Int[np.ndarray, " sites"]
    windows: Int[np.ndarray, " sites"]
    scores: Float[np.ndarray, " sites"]


@dataclasses.dataclass(frozen=True, eq=False)
class WindowsScanner:
    """Score every window of every transcript; a `SliceScanner`.

    Attributes:
      engine: the classifier and the miRNAs.
      mirna_names: their names.
      options: step, threshold, and lowest number of sites of a pair.

    Raises:
      ValueError: for a step that would leave letters between windows.
    """

    engine: Engine
    mirna_names: Sequence[str]
    options: WindowsOptions = WindowsOptions()

    def __post_init__(self) -> None:
        if self.options.step > (size := self.engine.window_length):
            raise ValueError(
                f"--step={self.options.step} would leave letters between the windows, "
                f"which are of {size} nt"
            )

    def __call__(self, part: Slice) -> pa.Table:
        """Return the sites of a slice: by transcript, miRNA and window."""
        windows = _cut(part, self.engine.window_length, self.options.step)
        sites = self._pass_threshold(windows)
        pairs = windows.records[sites.windows] * len(self.mirna_names) + sites.mirnas
        order = np.lexsort((sites.windows, pairs))
        numbers = np.bincount(pairs)[pairs[order]] if len(pairs) else pairs
        enough = numbers >= self.options.min_sites
        chosen, numbers = order[enough], numbers[enough]
        window = sites.windows[chosen]
        targets = [record.name for record in part.records]
        return pa.table(
            [
                _names(self.mirna_names, sites.mirnas[chosen]),
                _names(targets, windows.records[window]),
                windows.starts[window],
                windows.ends[window],
                windows.numbers[window],
                sites.scores[chosen],
                numbers,
            ],
            schema=SCHEMA,
        )

    def _pass_threshold(self, windows: _Windows) -> _Sites:
        """Score all windows, some at a time, and keep those that pass."""
        step = max(1, _PAIRS // len(self.mirna_names))
        none = np.zeros(0, np.int64)
        found = [_Sites(none, none, np.zeros(0, np.float32))]
        for first in range(0, len(windows.places), step):
            places = windows.places[first : first + step]
            scores = self.engine.score_windows(windows.tokens, places)
            mirnas, columns = np.nonzero(scores >= self.options.threshold)
            found.append(_Sites(mirnas, columns + first, scores[mirnas, columns]))
        mirnas, columns, passed = map(np.concatenate, zip(*found, strict=True))
        return _Sites(mirnas, columns, passed)


def _cut(part: Slice, size: int, step: int) -> _Windows:
    """Join the transcripts of a slice, and cut them into windows."""
    lengths = [len(record.sequence) for record in part.records]
    between = alphabet.UNKNOWN_LETTER * size  # read as padding
    joined = between.join(record.sequence for record in part.records)
    tokens = alphabet.encode([joined], len(joined), unknown_as_pad=True)[0]
    offsets = np.cumsum([0, *(length + size for length in lengths)])[:-1]
    starts = [window_starts(length, size, step) for length in lengths]
    records = np.repeat(np.arange(len(starts)), [len(each) for each in starts])
    flat = np.concatenate(starts)
    return _Windows(
        tokens=tokens,
        places=flat + offsets[records],
        records=records,
        starts=flat,
        ends=np.minimum(flat + size, np.array(lengths)[records]),
        numbers=np.concatenate([np.arange(len(each)) for each in starts]),
    )


def _names(names: Sequence[str], numbers: Int[np.ndarray, " rows"]) -> pa.Array:
    """Return the name of each row."""
    dictionary = pa.DictionaryArray.from_arrays(numbers, pa.array(names, pa.string()))
    return dictionary.cast(pa.string())
