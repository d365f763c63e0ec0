"""Prefilter queries when that costs less than searching them.

Two stages remove queries that cannot have a hit. `requirements` tests the words that
they share with the database, `pair_scores` the exact alignment scores of the pairs that
share a word. `plan` decides which stages are used for the queries of each length.
"""

import concurrent.futures
import dataclasses
import itertools
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8

from mirjax.blast import pair_scores, plan, words
from mirjax.blast.database import database_size, subject_letters
from mirjax.blast.pair_scores import PairCounts
from mirjax.blast.requirements import (
    Requirement,
    find_requirements,
    required_score,
    satisfies,
)
from mirjax.blast.settings import BlastSettings
from mirjax.blast.statistics import DatabaseSize
from mirjax.blast.words import WordIndex
from mirjax.sequences import alphabet

_CHUNK = 500  # queries of one length that are tested at a time
_MAX_PASSING = 0.7  # fraction of tested queries above which the prefilter stops


@dataclasses.dataclass
class PrefilterStats:
    """Counts of distinct queries before blastn.

    Attributes:
      too_short: queries too short for any alignment to reach the E-value.
      tested: queries whose words were looked up.
      occurrences: occurrences of those words in the database.
      dropped: tested queries that satisfy no requirement of a hit.
      choices: query length → what was done with these queries and why.
      pairs: counts of the pairs whose alignments were scored.
      unaligned: queries without a pair whose score is high enough for a hit.
    """

    too_short: int = 0
    tested: int = 0
    occurrences: int = 0
    dropped: int = 0
    choices: dict[int, str] = dataclasses.field(default_factory=dict)
    pairs: PairCounts = dataclasses.field(default_factory=PairCounts)
    unaligned: int = 0


@dataclasses.dataclass(frozen=True)
class _Group:
    """The queries of one length.

    Attributes:
      sequences: all queries.
      numbers: indices of those of this length.
      requirements: requirements of a hit.
      score: least raw score of a hit.
    """

    sequences: Sequence[str]
    numbers: list[int]
    requirements: tuple[Requirement, ...]
    score: int

    @property
    def length(self) -> int:
        """Letters of each query."""
        return len(self.sequences[self.numbers[0]])

    def tokens(self, numbers: Sequence[int]) -> UInt8[np.ndarray, "queries length"]:
        """Return the tokens of some queries."""
        tokens: UInt8[np.ndarray, "queries length"] = alphabet.encode(
            [self.sequences[number] for number in numbers], self.length
        )
        return tokens


class _Tested(NamedTuple):
    """Result of testing the queries of one length by words.

    Attributes:
      passing: indices of the queries that blastn has to search.
      uncertain: indices of the others that may have a hit, by their words.
      tested: number of queries tested.
      occurrences: occurrences of their words in the database.
    """

    passing: list[int]
    uncertain: list[int]
    tested: int
    occurrences: int


def prefilter(
    sequences: Sequence[str],
    database: Path,
    settings: BlastSettings,
    workers: int,
    mode: str = "auto",
) -> tuple[list[int], PrefilterStats]:
    """Determine which queries blastn has to search.

    Args:
      sequences: the queries, RNA letters.
      database: a folder returned by `database.build_database`.
      settings: settings of the search.
      workers: threads of the prefilter, and parallel blastn processes.
      mode: one of `settings.PREFILTERS`. none: no stage; words: that stage for all
        queries; alignment: both stages for all; auto: what saves time.

    Returns:
      Indices of the queries to search, ascending, and counts of all queries.
    """
    letters = subject_letters(database)
    size = database_size(letters)
    stats = PrefilterStats()
    groups = _group_by_length(sequences, settings, size, stats)
    plans = plan.choose_plans(
        settings,
        {length: group.requirements for length, group in groups.items()},
        {
            length: plan.Workload(length, len(group.numbers), size, workers)
            for length, group in groups.items()
        },
        plan.Conditions(mode, words.has_index(database), pair_scores.cell_seconds),
    )
    is_used = any(chosen.is_filtered for chosen in plans.values())
    index = words.load_index(database, letters) if is_used else None

    def test(length: int) -> _Tested:
        group = groups[length]
        if index is None or not plans[length].is_filtered:
            return _Tested(group.numbers, [], 0, 0)
        most = _MAX_PASSING if mode == "auto" else 1.0
        return _test_words(index, group, settings, plans[length], most)

    passing: list[int] = []
    uncertain: dict[int, list[int]] = {}
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        for length, result in zip(groups, pool.map(test, groups), strict=True):
            num_queries = len(groups[length].numbers)
            passing += result.passing
            if result.uncertain:
                uncertain[length] = result.uncertain
            stats.tested += result.tested
            stats.occurrences += result.occurrences
            stats.dropped += num_queries - len(result.passing) - len(result.uncertain)
            stopped = result.tested < num_queries
            stats.choices[length] = _describe(plans[length], stopped)
    if index is not None and uncertain:
        passing += _aligned(index, groups, uncertain, settings, stats)
    return sorted(passing), stats


def _group_by_length(
    sequences: Sequence[str],
    settings: BlastSettings,
    size: DatabaseSize,
    stats: PrefilterStats,
) -> dict[int, _Group]:
    """Return the queries of each length that may have a hit; count the others."""
    by_length: defaultdict[int, list[int]] = defaultdict(list)
    for number, sequence in enumerate(sequences):
        by_length[len(sequence)].append(number)
    groups = {}
    for length, numbers in sorted(by_length.items()):
        if found := find_requirements(settings, length, size):
            score = required_score(settings, length, size)
            groups[length] = _Group(sequences, numbers, found, score)
        else:
            stats.too_short += len(numbers)
            stats.choices[length] = "not searched: too short for any hit"
    return groups


def _test_words(
    index: WordIndex,
    group: _Group,
    settings: BlastSettings,
    chosen: plan.FilterPlan,
    most_passing: float,
) -> _Tested:
    """Test queries chunk by chunk, until too many of them pass.

    Args:
      index: index of the database.
      group: the queries.
      settings: settings of the search.
      chosen: plan of their length.
      most_passing: fraction of tested queries that pass above which the rest is not
        tested and passes.

    Returns:
      The queries that pass. Those without a gapless segment of the score of a hit are
      uncertain if their alignments are to be scored.
    """
    passing: list[int] = []
    uncertain: list[int] = []
    tested = occurrences = 0
    for start in range(0, len(group.numbers), _CHUNK):
        part = group.numbers[start : start + _CHUNK]
        result = satisfies(index, group.tokens(part), group.requirements, settings)
        is_uncertain = np.zeros(len(part), bool)
        if chosen.is_aligned:
            is_uncertain = result.satisfied & (result.best < group.score)
        passing += itertools.compress(part, result.satisfied & ~is_uncertain)
        uncertain += itertools.compress(part, is_uncertain)
        tested += len(part)
        occurrences += result.occurrences
        if len(passing) > most_passing * tested:
            passing += group.numbers[start + _CHUNK :]
            break
    return _Tested(passing, uncertain, tested, occurrences)


def _aligned(
    index: WordIndex,
    groups: Mapping[int, _Group],
    uncertain: Mapping[int, list[int]],
    settings: BlastSettings,
    stats: PrefilterStats,
) -> list[int]:
    """Return the uncertain queries of each length that have a high-scoring pair."""
    candidates = [
        pair_scores.Candidates(
            groups[length].tokens(numbers),
            min(requirement.word for requirement in groups[length].requirements),
            groups[length].score,
        )
        for length, numbers in uncertain.items()
    ]
    kept, stats.pairs = pair_scores.have_high_scores(index, candidates, settings)
    numbers = [number for found in uncertain.values() for number in found]
    is_kept = np.concatenate(kept).tolist()
    stats.unaligned = is_kept.count(False)
    return list(itertools.compress(numbers, is_kept))


def _describe(chosen: plan.FilterPlan, stopped: bool) -> str:
    if not chosen.is_filtered:
        return f"searched: {chosen.reason}"
    stages = "words and alignments" if chosen.is_aligned else "words"
    if stopped:
        return f"prefiltered by {stages} at first, then searched: most have hits"
    return f"prefiltered by {stages}: {chosen.reason}"
