"""Scoring of alignments: substitutions and affine gaps, in integers.

A gap of k letters costs `gap_open + k * gap_extend`, as in blastn. Elsewhere the
opening cost covers the first letter: `gap_open + gap_extend` here is parasail's `open`,
pyopal's `gap_open` and, negated, Biopython's `open_gap_score`.

References:
  Gotoh 1982, An improved algorithm for matching biological sequences,
  doi 10.1016/0022-2836(82)90398-9.
"""

import dataclasses

import numpy as np
from jaxtyping import Int64

from mirjax.sequences import alphabet
from mirjax.sequences.pairing import WATSON_CRICK, WOBBLE

_INTEGERS = (np.int8, np.int16, np.int32)


@dataclasses.dataclass(frozen=True, slots=True)
class Scoring:
    """Scores and costs of local or anchored alignments.

    Attributes:
      table: score of a query letter (row) with a subject letter (column), both in the
        order of `alphabet.LETTERS`. Any other letter, and padding, has the table's
        lowest score with every letter, including itself.
      gap_open: cost of each gap.
      gap_extend: cost of each letter of a gap, the first included.
      antiparallel: whether the subject is read from its 3' end, as in a duplex.
      weights: factor of the pair score at each of the query's first letters; 1 at the
        letters that follow.
      weights_subject: whether the weights are those of the subject's first letters
        instead.
      offset: None for a local alignment. Otherwise the alignment is anchored at the
        first letters of both sequences: each letter of either one that precedes the
        first pair costs this much. At most `gap_extend`.
    """

    table: tuple[tuple[int, ...], ...]
    gap_open: int
    gap_extend: int
    antiparallel: bool = False
    weights: tuple[int, ...] = ()
    weights_subject: bool = False
    offset: int | None = None

    def __post_init__(self) -> None:
        table = self.table
        if len(table) != 4 or any(len(row) != 4 for row in table):
            raise ValueError(f"{table=}: not 4 rows of 4 scores")
        if not self.highest > 0 >= self.lowest:
            raise ValueError(f"{table=}: must hold a score above 0 and one not above 0")
        for name in ("gap_open", "gap_extend"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name}={getattr(self, name)}: a cost, at least 0")
        if min(self.weights, default=1) < 1:
            raise ValueError(f"weights={self.weights}: factors, at least 1")
        if self.offset is not None and not 0 <= self.offset <= self.gap_extend:
            raise ValueError(
                f"offset={self.offset}: a cost from 0 to gap_extend={self.gap_extend}"
            )
        weight = max(self.weights, default=1)
        highest, lowest = weight * self.highest, weight * self.lowest
        if max(highest, -lowest, self.gap_open + self.gap_extend) > 2**20:
            raise ValueError(f"{self}: scores and costs above {2**20}")

    @property
    def levels(self) -> tuple[int, ...]:
        """The table's distinct values, highest first."""
        return tuple(sorted({value for row in self.table for value in row})[::-1])

    @property
    def highest(self) -> int:
        """The highest score of one pair of letters, without weights."""
        return max(map(max, self.table))

    @property
    def lowest(self) -> int:
        """The lowest score of one pair of letters, without weights."""
        return min(map(min, self.table))

    def transposed(self) -> "Scoring":
        """Return this scoring with query and subject exchanged."""
        return dataclasses.replace(
            self,
            table=tuple(zip(*self.table, strict=True)),
            weights_subject=not self.weights_subject,
        )

    def gains(self, rows: int, columns: int) -> Int64[np.ndarray, "_ _ levels"]:
        """Return the score of each level at each position, with its weight.

        Args:
          rows: query letters, with padding.
          columns: subject letters, with padding.

        Returns:
          The levels by row and column. An axis along which they are equal has size 1:
          both axes without weights, the other sequence's axis with weights.
        """
        gains = np.array(self.levels)[None, None]
        if not self.weights:
            return gains
        if self.weights_subject:
            return gains * self._weights(columns)[None, :, None]
        return gains * self._weights(rows)[:, None, None]

    def floor(self, query_length: int, subject_length: int) -> int:
        """Return a score from which no alignment can rise above 0.

        Args:
          query_length: in nt.
          subject_length: in nt.

        Returns:
          0 for a local alignment, where a better one starts again.
        """
        return 0 if self.offset is None else -self.bound(query_length, subject_length)

    def bound(self, query_length: int, subject_length: int) -> int:
        """Return a score that no alignment of two sequences can exceed.

        Args:
          query_length: in nt.
          subject_length: in nt.
        """
        length = subject_length if self.weights_subject else query_length
        heaviest = np.sort(self._weights(length))[::-1]
        return self.highest * int(heaviest[: min(query_length, subject_length)].sum())

    def _weights(self, length: int) -> Int64[np.ndarray, " length"]:
        weights = np.ones(length, np.int64)
        weights[: len(self.weights)] = self.weights[:length]
        return weights

    def dtype(self, query_length: int, subject_length: int) -> np.dtype:
        """Return the narrowest integers in which no step of an alignment overflows.

        Args:
          query_length: in nt, with padding.
          subject_length: in nt, with padding.

        Raises:
          ValueError: if not even 32 bits are enough.
        """
        # No score is below the floor, so this is the lowest value that is computed.
        penalty = -self.lowest * max(self.weights, default=1)
        least = max(penalty, self.gap_open + self.gap_extend)
        least -= self.floor(query_length, subject_length)
        most = max(self.bound(query_length, subject_length), least)
        for integer in _INTEGERS:
            if most <= np.iinfo(integer).max:
                return np.dtype(integer)
        raise ValueError(
            f"{query_length=} {subject_length=}: scores up to {most} exceed 32 bits"
        )

    def span(self, query_length: int) -> int | None:
        """Return the highest number of subject letters that a best alignment needs.

        Let a best alignment have g gaps that skip subject letters, K letters in all.
        They cut it into g + 1 pieces, each of which is an alignment. None scores more
        than the whole, so the gaps cost at most the sum of the scores of all pieces but
        the best. With B the highest score of the whole query, this is at most B g / (g
        + 1). Hence

            g gap_open + K gap_extend <= B g / (g + 1).

        Some best alignment covers at most query_length plus the largest such K.

        Args:
          query_length: in nt.

        Returns:
          Subject letters, or None if there is no bound: gaps are free, or scores depend
            on the distance from the subject's first letter.
        """
        by_position = self.offset is not None or bool(
            self.weights and self.weights_subject
        )
        if not self.gap_extend or by_position:
            return None
        most = self.bound(query_length, query_length)
        skipped = (
            (most * gaps // (gaps + 1) - gaps * self.gap_open) // self.gap_extend
            for gaps in range(1, query_length)
        )
        return query_length + max(0, *skipped, 0)


def nucleotide(
    reward: int = 1, penalty: int = -2, gap_open: int = 5, gap_extend: int = 2
) -> Scoring:
    """Return a blastn scoring of matches and mismatches; the defaults are ours.

    Args:
      reward: score of two equal letters, above 0.
      penalty: score of two different letters, not above 0.
      gap_open: cost of each gap.
      gap_extend: cost of each letter of a gap, the first included.

    Raises:
      ValueError: for a reward, penalty or cost of the wrong sign.
    """
    if reward <= 0:
        raise ValueError(f"{reward=}: must be above 0")
    if penalty > 0:
        raise ValueError(f"{penalty=}: must not be above 0")
    table = tuple(
        tuple(reward if one == other else penalty for other in alphabet.LETTERS)
        for one in alphabet.LETTERS
    )
    return Scoring(table, gap_open, gap_extend)


def complement(
    watson_crick: int = 2,
    wobble: int = 1,
    mismatch: int = -2,
    gap_open: int = 4,
    gap_extend: int = 2,
) -> Scoring:
    """Return a scoring of the duplex of a miRNA, the query, and a target, the subject.

    Args:
      watson_crick: score of A:U and C:G.
      wobble: score of G:U.
      mismatch: score of any other two letters.
      gap_open: cost of each gap (bulge).
      gap_extend: cost of each letter of a gap, the first included.

    Returns:
      An antiparallel scoring; both sequences are given 5'→3'.

    Raises:
      ValueError: unless watson_crick >= wobble >= mismatch, watson_crick > 0 and
        mismatch <= 0; for a negative cost.
    """
    if not watson_crick >= wobble >= mismatch:
        raise ValueError(f"not in order: {watson_crick=} {wobble=} {mismatch=}")

    def score(one: str, other: str) -> int:
        pair = one + other
        if pair in WATSON_CRICK:
            return watson_crick
        return wobble if pair in WOBBLE else mismatch

    letters = alphabet.LETTERS
    table = tuple(tuple(score(one, other) for other in letters) for one in letters)
    return Scoring(table, gap_open, gap_extend, antiparallel=True)
