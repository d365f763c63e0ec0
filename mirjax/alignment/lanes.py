"""Encoded sequences grouped by height: their length, rounded up.

There are few heights, so that few shapes are compiled: one for all sequences of up to
36 nt, such as miRNAs, and the powers of two from 64 on.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Int64, UInt8

from mirjax.sequences import alphabet

SequenceList = Sequence[str] | UInt8[np.ndarray, "_ _"]

SHORT = 36
"""Length of the longest sequences, in nt, that share the height of short sequences."""

_LOWEST, _STEP = 24, 4  # of that height; nearly all miRNAs have up to 24 nt


class Lanes:
    """Sequences to align, each in a column of an array.

    Attributes:
      lengths: of each sequence, in nt.
      heights: rows of the array that holds each sequence.
    """

    def __init__(self, sequences: SequenceList, name: str, *, reverse: bool = False):
        """Encode sequences.

        Args:
          sequences: RNA or DNA letters, or rows of tokens padded on the right. An
            ambiguity code, and PAD between letters, become 0.
          name: name of the sequences in errors.
          reverse: whether to reverse each sequence.

        Raises:
          ValueError: for a character that is neither a nucleotide nor an ambiguity
            code, and for tokens that are not rows of uint8 or not letters.
        """
        letters, self.lengths = _flatten(sequences, name)
        above = self.lengths > SHORT
        longest = self.lengths.max(initial=_LOWEST, where=~above)
        self.heights = np.full(len(self.lengths), -(-longest // _STEP) * _STEP)
        self.heights[above] = 2 ** np.ceil(np.log2(self.lengths[above])).astype(int)
        self._row = np.zeros(len(self.lengths), np.int64)
        self._tokens: dict[int, np.ndarray] = {}
        for height in np.unique(self.heights):
            has_height = self.heights == height
            lengths = self.lengths[has_height]
            chosen = letters
            if len(lengths) < len(self.lengths):
                chosen = letters[np.repeat(has_height, self.lengths)]
            tokens = np.zeros((len(lengths), height), np.uint8)
            if reverse:  # reverses the order of the sequences too
                chosen, lengths = chosen[::-1], lengths[::-1]
            tokens[np.arange(height) < lengths[:, None]] = chosen
            self._tokens[int(height)] = tokens[::-1] if reverse else tokens
            self._row[has_height] = np.arange(len(lengths))

    def __len__(self) -> int:
        return len(self.lengths)

    def groups(self) -> Iterator[tuple[int, Int64[np.ndarray, " n"]]]:
        """Yield each height and the indices of its sequences, shortest first."""
        for height in self._tokens:
            members = np.flatnonzero(self.heights == height)
            yield height, members[np.argsort(self.lengths[members], kind="stable")]

    def take(
        self, members: Int64[np.ndarray, " k"], height: int, lanes: int
    ) -> UInt8[np.ndarray, "height lanes"]:
        """Return the tokens of some sequences, one per column.

        Args:
          members: indices of sequences of one height.
          height: rows to return, at least that height.
          lanes: columns to return; surplus ones hold no letter.
        """
        tokens = self._tokens[int(self.heights[members[0]])]
        result = np.zeros((height, lanes), np.uint8)
        # Rows are contiguous: gathering them before transposing is faster.
        rows = tokens.take(self._row[members], axis=0)
        result[: tokens.shape[1], : len(members)] = rows.T
        return result

    def windows(
        self, members: Int64[np.ndarray, " n"], width: int, overlap: int
    ) -> tuple[Int64[np.ndarray, " k"], Int64[np.ndarray, " k"]]:
        """Cut sequences into windows so that any `overlap` adjacent letters are in one.

        Args:
          members: indices of sequences of one height, above `width`.
          width: of a window, in nt.
          overlap: in nt, at most `width`.

        Returns:
          The index of each window's sequence, and the window's first position there.
          The windows of a sequence follow one another.
        """
        stride = width - overlap + 1
        beyond = np.maximum(self.lengths[members] - width, 0)
        count = 1 - beyond // -stride
        first = np.repeat(np.cumsum(count) - count, count)
        starts = (np.arange(len(first)) - first) * stride
        # The last window is shifted back to end within the array.
        last = self.heights[members[0]] - width
        return np.repeat(members, count), np.minimum(starts, last)

    def take_windows(
        self,
        members: Int64[np.ndarray, " k"],
        starts: Int64[np.ndarray, " k"],
        width: int,
        lanes: int,
    ) -> UInt8[np.ndarray, "width lanes"]:
        """Return the tokens of windows, one per column.

        Args:
          members: indices of sequences of one height, one for each window.
          starts: first position of each window.
          width: of a window, in nt.
          lanes: columns to return; surplus ones hold no letter.
        """
        tokens = self._tokens[int(self.heights[members[0]])]
        result = np.zeros((width, lanes), np.uint8)
        cut = np.lib.stride_tricks.sliding_window_view(tokens, width, axis=1)
        result[:, : len(members)] = cut[self._row[members], starts].T
        return result


def _flatten(sequences: SequenceList, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the concatenated tokens of all sequences, and their lengths."""
    if isinstance(sequences, np.ndarray) and sequences.dtype.kind != "U":
        if sequences.ndim != 2 or sequences.dtype != np.uint8:
            raise ValueError(
                f"{name}: {sequences.dtype} of shape {sequences.shape}, not rows of "
                "uint8 tokens"
            )
        highest = sequences.max(initial=0)
        if highest > alphabet.G:
            raise ValueError(f"{name}: token {highest} is not a letter")
        places = np.arange(1, sequences.shape[1] + 1)
        lengths = ((sequences != alphabet.PAD) * places).max(axis=1, initial=0)
        return sequences[places <= lengths[:, None]], lengths.astype(np.int64)
    lengths = np.fromiter(map(len, sequences), np.int64, len(sequences))
    joined = "".join(sequences)
    tokens = alphabet.encode([joined], len(joined), names=[name], unknown_as_pad=True)
    return tokens[0], lengths
