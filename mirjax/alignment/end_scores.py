"""The best local alignment that ends at each letter of long subjects.

For each letter of a transcript, a scan needs the score of the miRNA's best duplex whose
3' end on the transcript is that letter. The recurrence is that of `recurrence`,
vectorised over the subject's letters: each row, one miRNA letter from its 3' end on, is
computed for all positions at once by NumPy. Only gaps along the subject prevent this,
since such a gap depends on cells of its own row. With o and e the costs of a gap and of
each of its letters, and H' the best score that does not end in such a gap,

    E(i, j) = max over k of H'(i, j - k) - o - k e

H' is at most b(i), the highest score of the letters read so far, so gaps of more than
(b(i) - o) / e letters never leave a score above 0. The maximum over the other k is
computed by doubling: over 1, 2, 4, 8... letters, each from the previous one, shifted.
Letters outside the seed come first and have low weights, so most rows need few steps.

References:
  Gotoh 1982, An improved algorithm for matching biological sequences,
  doi 10.1016/0022-2836(82)90398-9.
"""

import dataclasses
import functools
from collections.abc import Sequence

import numpy as np
from jaxtyping import Int, Int64, UInt8

from mirjax.alignment.scoring import Scoring
from mirjax.sequences import alphabet

_BLOCK = 2**16  # positions at a time: the arrays of a block fit in a core's cache


class Subjects:
    """Subjects in one array, so far apart that no alignment spans two.

    Attributes:
      starts: position of each subject's first letter in the array.
      lengths: of each subject, in nt.
      size: positions of the array.
    """

    def __init__(
        self,
        tokens: Sequence[UInt8[np.ndarray, " _"]],
        scoring: Scoring,
        longest_query: int,
        multiple: int = 1,
    ):
        """Put subjects into one array.

        Args:
          tokens: of each subject, 5'→3'; any that is not a letter pairs with nothing.
          scoring: antiparallel, of local alignments.
          longest_query: length of the longest query, in nt.
          multiple: every start is a multiple of this.

        Raises:
          ValueError: for a scoring that is not antiparallel, is anchored or has free
            gaps.
        """
        if not scoring.antiparallel or scoring.offset is not None:
            raise ValueError(f"{scoring=}: must be antiparallel and not anchored")
        if scoring.gap_extend < 1 or scoring.weights_subject:
            raise ValueError(f"{scoring=}: needs a cost of each letter of a gap")
        self.scoring = scoring
        self.halo = longest_span(scoring, longest_query)
        self.dtype = scoring.dtype(longest_query, longest_query)
        self.lengths = np.array([len(one) for one in tokens], np.int64)
        # A gap over the letters between two subjects leaves no score above 0.
        apart = -(-(self.lengths + self.halo) // multiple) * multiple
        before = -(-self.halo // multiple) * multiple
        self.starts: Int64[np.ndarray, " subjects"]
        self.starts = before + np.cumsum(apart) - apart
        self.size = before + int(apart.sum())
        self.tokens = np.full(self.size, _NOWHERE, np.uint8)
        for start, one in zip(self.starts, tokens, strict=True):
            self.tokens[start : start + len(one)] = np.minimum(one, _BESIDES)
        self._gains: dict[tuple[int, int], tuple[np.ndarray, np.ndarray]] = {}

    def gains(
        self, letter: int, weight: int
    ) -> tuple[Int[np.ndarray, " size"], Int[np.ndarray, " size"]]:
        """Return the scores of a query letter, times its weight, with each position.

        Args:
          letter: token of the query.
          weight: factor of its scores.

        Returns:
          The scores, and the scores of pairs that may be the last of an alignment:
          those above 0.
        """
        key = letter, weight
        if key not in self._gains:
            never = -np.iinfo(self.dtype).max
            scores = np.full(256, never, self.dtype)
            scores[: _BESIDES + 1] = weight * self.scoring.lowest
            row = self.scoring.table[letter - alphabet.A]
            scores[alphabet.A : alphabet.A + 4] = weight * np.array(row)
            last = np.where(scores > 0, scores, self.dtype.type(never))
            self._gains[key] = scores[self.tokens], last[self.tokens]
        return self._gains[key]


_BESIDES = alphabet.BOS  # any token that is not a letter
_NOWHERE = 255  # between subjects


def longest_span(scoring: Scoring, query_length: int) -> int:
    """Return the highest number of subject letters in an alignment that scores above 0.

    Args:
      scoring: of local alignments, with a gap_extend above 0.
      query_length: in nt.
    """
    most = scoring.bound(query_length, query_length)
    return query_length + _longest_gap(scoring, most)


def _longest_gap(scoring: Scoring, most: int) -> int:
    """Return the letters of the longest gap that costs less than a score."""
    return max(0, (most - 1 - scoring.gap_open) // scoring.gap_extend)


def end_scores(
    query: UInt8[np.ndarray, " letters"], subjects: Subjects
) -> Int[np.ndarray, " size"]:
    """Score the best local alignment that ends with a pair at each position.

    Args:
      query: tokens of a miRNA, 5'→3'.
      subjects: laid out for queries of at least this length.

    Returns:
      For each position, the score of the best alignment whose last pair, at its 3' end
      on the subject, is there and scores above 0 itself; 0 if there is none.
    """
    rows = _rows(tuple(query.tolist()), subjects.scoring)
    best = np.zeros(subjects.size, subjects.dtype)
    halo = subjects.halo
    for start in range(halo, subjects.size, _BLOCK):
        block = slice(start - halo, min(start + _BLOCK, subjects.size))
        best[start : block.stop] = _score_block(rows, subjects, block)[halo:]
    return best


@dataclasses.dataclass(frozen=True)
class _Row:
    """A letter of the query, with its weight and longest gap.

    Attributes:
      letter: its token.
      weight: factor of its scores.
      gap: letters of the longest gap along the subject that may follow it.
    """

    letter: int
    weight: int
    gap: int


@functools.lru_cache(maxsize=4096)
def _rows(query: tuple[int, ...], scoring: Scoring) -> tuple[_Row, ...]:
    """Return the rows of the recurrence, from the query's 3' end."""
    weights = scoring.weights[: len(query)]
    weights += (1,) * (len(query) - len(weights))
    rows, most = [], 0
    for letter, weight in zip(query[::-1], weights[::-1], strict=True):
        most += weight * scoring.highest
        rows.append(_Row(letter, weight, _longest_gap(scoring, most)))
    return tuple(rows)


def _score_block(
    rows: Sequence[_Row], subjects: Subjects, block: slice
) -> Int[np.ndarray, " positions"]:
    """Return the best score of each position of a block; lower bounds in its halo."""
    scoring, dtype = subjects.scoring, subjects.dtype
    size = block.stop - block.start
    extend = dtype.type(scoring.gap_extend)
    opened, both = dtype.type(scoring.gap_open), extend + dtype.type(scoring.gap_open)
    zero = dtype.type(0)
    score = np.zeros(size, dtype)  # H of the row before
    paired = np.zeros(size, dtype)
    other = np.empty(size, dtype)
    best = np.zeros(size, dtype)
    skipped = np.full(size, -both)  # F
    for number, row in enumerate(rows):
        gains, last = subjects.gains(row.letter, row.weight)
        np.add(score[:-1], last[block][1:], out=paired[1:])
        np.maximum(best, paired, out=best)
        if number == len(rows) - 1:
            break
        np.add(score[:-1], gains[block][1:], out=paired[1:])
        has_gaps = number and rows[number - 1].gap
        if has_gaps:
            np.subtract(score, opened, out=other)
            np.maximum(skipped, other, out=skipped)
            np.subtract(skipped, extend, out=skipped)
        np.maximum(paired, zero, out=score)
        if has_gaps:
            np.maximum(score, skipped, out=score)
        if row.gap:
            np.subtract(score[:-1], both, out=other[1:])
            other[0] = -both
            _extend(other, paired, row.gap, scoring.gap_extend)
            np.maximum(score, other, out=score)
    return best


def _extend(gaps: np.ndarray, spare: np.ndarray, longest: int, cost: int) -> None:
    """Extend gaps of one letter, in place, to the best of all up to the longest."""
    reach = 1
    while reach < longest:
        step = min(reach, longest - reach)
        np.subtract(gaps[:-step], gaps.dtype.type(step * cost), out=spare[step:])
        np.maximum(gaps[step:], spare[step:], out=gaps[step:])
        reach += step
