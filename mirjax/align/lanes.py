"""Sequences of any lengths as lanes: token arrays of few heights, one sequence a column.

Heights are few so that little is compiled, and near the lengths so that little padding
is computed: powers of two and one and a half times these, from 24.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Int64, UInt8

from mirjax.data import alphabet

SHORTEST = 24  # a miRNA has up to 24 letters, but for few


def height(length: int) -> int:
    """Return the height of the lanes that hold sequences of `length` letters."""
    power = 16
    while True:
        for candidate in (power * 3 // 2, power * 2):
            if length <= candidate:
                return candidate
        power *= 2


class Lanes:
    """Sequences sorted into lanes.

    Attributes:
      lengths: of each sequence, in nt.
      heights: of the lanes that hold it.
    """

    def __init__(
        self, sequences: Sequence[str] | np.ndarray, name: str, *, reverse: bool = False
    ):
        """Encode sequences.

        Args:
          sequences: RNA or DNA letters, or rows of tokens padded on the right. IUPAC
            codes of several letters, and a PAD between letters, pair with nothing.
          name: what to call the sequences in an error.
          reverse: whether to turn each round.

        Raises:
          ValueError: for a letter that is none, or tokens that are not uint8 rows or
            hold anything but letters and PAD.
        """
        flat, self.lengths = _flatten(sequences, name)
        starts = np.concatenate([[0], np.cumsum(self.lengths)[:-1]]).astype(np.int64)
        distinct, inverse = np.unique(self.lengths, return_inverse=True)
        self.heights = np.array([height(int(n)) for n in distinct], np.int64)[inverse]
        self._place = np.zeros(len(starts), np.int64)
        self._tokens: dict[int, np.ndarray] = {}
        for rows in np.unique(self.heights):
            members = np.flatnonzero(self.heights == rows)
            self._place[members] = np.arange(len(members))
            tokens = np.zeros((rows, len(members)), np.uint8)
            lengths, first = self.lengths[members], starts[members]
            if reverse:
                first = first + lengths - 1
            step = -1 if reverse else 1
            for row in range(int(lengths.max())):
                has_letter = np.flatnonzero(lengths > row)
                tokens[row, has_letter] = flat[first[has_letter] + step * row]
            self._tokens[int(rows)] = tokens

    def __len__(self) -> int:
        return len(self.lengths)

    def take(
        self, members: Int64[np.ndarray, " lanes"], rows: int, lanes: int
    ) -> UInt8[np.ndarray, "rows lanes"]:
        """Return the tokens of some sequences of one height.

        Args:
          members: numbers of the sequences.
          rows: their height.
          lanes: how many columns to return; those left over hold no letters.
        """
        places = self._place[members]
        tokens = self._tokens[rows]
        if len(places) == lanes and places[-1] - places[0] == lanes - 1:
            if (np.diff(places) == 1).all():
                return tokens[:, places[0] : places[0] + lanes]
        result = np.zeros((rows, lanes), np.uint8)
        result[:, : len(members)] = tokens.take(places, axis=1)
        return result

    def groups(self) -> Iterator[tuple[int, Int64[np.ndarray, " n"]]]:
        """Yield each height and the numbers of its sequences, shortest first."""
        for rows in self._tokens:
            members = np.flatnonzero(self.heights == rows)
            yield rows, members[np.argsort(self.lengths[members], kind="stable")]

    def windows(
        self, members: Int64[np.ndarray, " n"], rows: int, overlap: int
    ) -> tuple[Int64[np.ndarray, " k"], Int64[np.ndarray, " k"]]:
        """Cut sequences into windows, such that some window holds any `overlap` letters.

        Args:
          members: numbers of sequences of one height, above `rows`.
          rows: letters of a window.
          overlap: letters in a row that are to lie in one window, at most `rows`.

        Returns:
          For each window its sequence, and the place of its first letter there.
        """
        stride = rows - overlap + 1
        count = np.maximum(1, -(-(self.lengths[members] - rows) // stride) + 1)
        first = np.cumsum(count) - count
        starts = (np.arange(count.sum()) - np.repeat(first, count)) * stride
        # The last one reaches back, so as not to reach past the end of the array.
        return np.repeat(members, count), np.minimum(
            starts, self.heights[members[0]] - rows
        )

    def take_windows(
        self,
        members: Int64[np.ndarray, " k"],
        starts: Int64[np.ndarray, " k"],
        rows: int,
        lanes: int,
    ) -> UInt8[np.ndarray, "rows lanes"]:
        """Return the tokens of windows.

        Args:
          members: numbers of the sequences, of one height.
          starts: place of each window's first letter.
          rows: letters of a window.
          lanes: how many columns to return; those left over hold no letters.
        """
        tokens = self._tokens[int(self.heights[members[0]])]
        result = np.zeros((rows, lanes), np.uint8)
        places = np.ravel_multi_index((starts, self._place[members]), tokens.shape)
        for row in range(rows):
            result[row, : len(members)] = tokens.ravel()[places + row * tokens.shape[1]]
        return result


def _flatten(
    sequences: Sequence[str] | np.ndarray, name: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return the tokens of all sequences one after another, and their lengths."""
    if isinstance(sequences, np.ndarray) and sequences.dtype.kind != "U":
        if sequences.ndim != 2 or sequences.dtype != np.uint8:
            raise ValueError(
                f"{name}: {sequences.dtype} tokens of shape {sequences.shape}, "
                "not uint8 rows"
            )
        if sequences.size and sequences.max() > alphabet.G:
            raise ValueError(f"{name}: token {sequences.max()} is not a letter or PAD")
        letters = sequences != alphabet.PAD
        backwards = letters[:, ::-1].argmax(axis=1) if sequences.size else 0
        lengths = np.where(letters.any(axis=1), sequences.shape[1] - backwards, 0)
        inside = np.arange(sequences.shape[1])[None] < lengths[:, None]
        return sequences[inside], lengths
    lengths = alphabet.lengths(sequences)
    joined = "".join(sequences)
    tokens = alphabet.encode([joined], len(joined), names=[name], unknown_as_pad=True)
    return tokens[0], lengths
