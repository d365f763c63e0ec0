"""Counts of a search, and their explanation in words."""

import dataclasses
from collections.abc import Sequence

from mirjax.blast.prefilter import PrefilterStats


@dataclasses.dataclass
class SearchStats:
    """Counts of queries and rows of one search.

    Attributes:
      queries: queries given.
      distinct: distinct sequences among the queries.
      subjects: sequences of the database.
      prefilter: counts of the prefilter.
      searched: distinct queries that blastn searched.
      found: distinct queries with a hit.
      rows: rows of the table.
    """

    queries: int
    distinct: int
    subjects: int
    prefilter: PrefilterStats
    searched: int
    found: int = 0
    rows: int = 0

    def explain(self) -> list[str]:
        """Return lines of text: the queries that each stage left, and the plan."""
        prefilter = self.prefilter

        def pairs(queries: int) -> str:
            return f"{queries:,} queries, {queries * self.subjects:,} pairs"

        lines = [
            f"given: {pairs(self.queries)}",
            f"distinct: {pairs(self.distinct)}",
            f"too short for a hit: {prefilter.too_short:,} queries",
            f"looked up: {prefilter.tested:,} queries, {prefilter.occurrences:,} words "
            "in common with the database",
            f"without what a hit requires: {prefilter.dropped:,} queries",
            f"aligned: {prefilter.pairs.scored:,} pairs, "
            f"{prefilter.pairs.dropped:,} of them below the score of a hit",
            f"without a pair that scores enough: {prefilter.unaligned:,} queries",
            f"searched by blastn: {pairs(self.searched)}",
            f"with a hit: {self.found:,} queries",
        ]
        lengths: dict[str, list[int]] = {}
        for length, choice in prefilter.choices.items():
            lengths.setdefault(choice, []).append(length)
        for choice, of_choice in lengths.items():
            lines.append(f"plan for {_ranges(of_choice)} letters: {choice}")
        return lines


def _ranges(numbers: Sequence[int]) -> str:
    """Format numbers as ranges, such as 18-20, 23."""
    ranges: list[list[int]] = []
    for number in sorted(numbers):
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    return ", ".join(f"{a}" if a == b else f"{a}-{b}" for a, b in ranges)
