"""What an alignment scores: substitutions and affine gaps, in integers.

A gap of k letters costs `gap_open + k * gap_extend`, as for blastn. Other programs
charge the first letter once: Biopython's `open_gap_score` is -(gap_open + gap_extend),
parasail's `open` is gap_open + gap_extend and pyopal's `gap_open` likewise.

References:
  Gotoh 1982, An improved algorithm for matching biological sequences,
  doi 10.1016/0022-2836(82)90398-9.
"""

import dataclasses

import numpy as np

from mirjax.sequences import alphabet
from mirjax.sequences.pairing import WATSON_CRICK, WOBBLE

_INTEGERS = (np.int8, np.int16, np.int32)


@dataclasses.dataclass(frozen=True, slots=True)
class Scoring:
    """What local alignments score.

    Attributes:
      table: score of a query letter (row) with a subject letter (column), both in the
        order of `alphabet.LETTERS`. A letter that is not one of these scores the lowest
        value of the table with every letter, itself included, as padding does.
      gap_open: cost of each gap.
      gap_extend: cost of each letter of a gap, the first included.
      antiparallel: whether the subject's letters are paired from its 3' end, as the
        strands of a duplex are.
    """

    table: tuple[tuple[int, ...], ...]
    gap_open: int
    gap_extend: int
    antiparallel: bool = False

    def __post_init__(self) -> None:
        table = self.table
        if len(table) != 4 or any(len(row) != 4 for row in table):
            raise ValueError(f"{table=}: not 4 rows of 4 scores")
        if not self.highest > 0 >= self.lowest:
            raise ValueError(f"{table=}: must hold a score above 0 and one not above 0")
        for name in ("gap_open", "gap_extend"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name}={getattr(self, name)}: a cost, at least 0")
        if max(self.highest, -self.lowest, self.gap_open + self.gap_extend) > 2**20:
            raise ValueError(f"{self}: scores and costs above {2**20}")

    @property
    def levels(self) -> tuple[int, ...]:
        """The table's distinct values, highest first."""
        return tuple(sorted({value for row in self.table for value in row})[::-1])

    @property
    def highest(self) -> int:
        """The most one pair of letters can score."""
        return max(map(max, self.table))

    @property
    def lowest(self) -> int:
        """The least one pair of letters can score."""
        return min(map(min, self.table))

    def transposed(self) -> "Scoring":
        """Return the same scoring with the roles of query and subject exchanged."""
        table = tuple(zip(*self.table, strict=True))
        return dataclasses.replace(self, table=table)

    def bound(self, query_length: int, subject_length: int) -> int:
        """Return a score that no alignment of two sequences can exceed.

        Args:
          query_length: in nt.
          subject_length: in nt.
        """
        return self.highest * min(query_length, subject_length)

    def dtype(self, query_length: int, subject_length: int) -> np.dtype:
        """Return the narrowest integers in which no step of an alignment overflows.

        Args:
          query_length: in nt, with padding.
          subject_length: in nt, with padding.

        Raises:
          ValueError: if not even 32 bits are enough.
        """
        # No score lies below 0, so nothing less than these is ever computed.
        least = max(-self.lowest, self.gap_open + self.gap_extend)
        most = max(self.bound(query_length, subject_length), least)
        for integer in _INTEGERS:
            if most <= np.iinfo(integer).max:
                return np.dtype(integer)
        raise ValueError(
            f"{query_length=} {subject_length=}: scores up to {most} exceed 32 bits"
        )

    def span(self, query_length: int) -> int | None:
        """Return how many subject letters a best alignment needs to cover at most.

        Let a best alignment have g gaps that skip subject letters, K letters in all.
        They cut it into g + 1 pieces, each an alignment by itself. None scores more
        than the whole, so the gaps cost at most what all pieces but the best score:
        g of g + 1 parts of `highest * query_length`. Hence

            g gap_open + K gap_extend <= highest * query_length * g / (g + 1).

        Some best alignment covers at most query_length plus the largest such K.

        Args:
          query_length: in nt.

        Returns:
          Subject letters, or None where no number is enough since gaps are free.
        """
        if not self.gap_extend:
            return None
        most = self.highest * query_length
        skipped = (
            (most * gaps // (gaps + 1) - gaps * self.gap_open) // self.gap_extend
            for gaps in range(1, query_length)
        )
        return query_length + max(0, *skipped, 0)


def nucleotide(
    reward: int = 1, penalty: int = -2, gap_open: int = 5, gap_extend: int = 2
) -> Scoring:
    """Score how alike two sequences are, as blastn does; the defaults are ours.

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
    """Score how well a miRNA, the query, pairs with a target, the subject.

    Args:
      watson_crick: score of A:U and C:G.
      wobble: score of G:U.
      mismatch: score of any other two letters.
      gap_open: cost of each bulge.
      gap_extend: cost of each letter of a bulge, the first included.

    Returns:
      An antiparallel scoring: both sequences are still given 5'→3'.

    Raises:
      ValueError: unless watson_crick is above 0 and not below wobble, nor wobble below
        mismatch, nor mismatch above 0; for a negative cost.
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
