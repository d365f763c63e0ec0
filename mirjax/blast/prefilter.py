"""Prefilter queries when that costs less than searching them."""

import concurrent.futures
import dataclasses
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool

from mirjax.blast import plan, words
from mirjax.blast.database import database_size, subject_letters
from mirjax.blast.requirements import Requirement, find_requirements, satisfies
from mirjax.blast.settings import BlastSettings
from mirjax.blast.statistics import DatabaseSize
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
      dropped: tested queries that cannot have a hit.
      choices: by length of query, what was done with them and why.
    """

    too_short: int = 0
    tested: int = 0
    occurrences: int = 0
    dropped: int = 0
    choices: dict[int, str] = dataclasses.field(default_factory=dict)


class _Tested(NamedTuple):
    """Result of testing the queries of one length.

    Attributes:
      passing: indices of the queries that blastn has to search.
      tested: number of queries tested.
      occurrences: occurrences of their words in the database.
    """

    passing: list[int]
    tested: int
    occurrences: int


def prefilter(
    sequences: Sequence[str], database: Path, settings: BlastSettings, workers: int
) -> tuple[list[int], PrefilterStats]:
    """Determine which queries blastn has to search.

    Args:
      sequences: the queries, RNA letters.
      database: a folder returned by `database.build_database`.
      settings: settings of the search.
      workers: threads of the prefilter, and parallel blastn processes.

    Returns:
      Indices of the queries to search, ascending, and counts of all queries.
    """
    letters = subject_letters(database)
    size = database_size(letters)
    by_length: defaultdict[int, list[int]] = defaultdict(list)
    for number, sequence in enumerate(sequences):
        by_length[len(sequence)].append(number)
    stats = PrefilterStats()
    requirements: dict[int, tuple[Requirement, ...]] = {}
    for length, numbers in sorted(by_length.items()):
        if found := find_requirements(settings, length, size):
            requirements[length] = found
        else:
            stats.too_short += len(numbers)
            stats.choices[length] = "not searched: too short for any hit"
    plans = _make_plans(settings, requirements, by_length, size, workers)
    saving_s = sum(p.saving_s for p in plans.values() if p.is_filtered)
    has_index = words.has_index(database)
    pays = saving_s > 0 and plan.is_worthwhile(saving_s, size, has_index=has_index)
    index = words.load_index(database, letters) if pays else None

    def test(length: int) -> _Tested:
        numbers = by_length[length]
        if index is None or not plans[length].is_filtered:
            return _Tested(numbers, 0, 0)

        def test_part(part: Sequence[int]) -> tuple[Bool[np.ndarray, " queries"], int]:
            tokens = alphabet.encode([sequences[number] for number in part], length)
            return satisfies(index, tokens, requirements[length], settings)

        return _test_in_chunks(numbers, test_part)

    passing: list[int] = []
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        for length, result in zip(plans, pool.map(test, plans), strict=True):
            passing += result.passing
            num_queries = len(by_length[length])
            stats.tested += result.tested
            stats.occurrences += result.occurrences
            stats.dropped += num_queries - len(result.passing)
            stopped = result.tested < num_queries
            stats.choices[length] = _describe(plans[length], pays, stopped)
    return sorted(passing), stats


def _make_plans(
    settings: BlastSettings,
    requirements: Mapping[int, Sequence[Requirement]],
    by_length: Mapping[int, Sequence[int]],
    size: DatabaseSize,
    workers: int,
) -> dict[int, plan.FilterPlan]:
    """Return the plan of each query length that has requirements."""
    return {
        length: plan.plan_filter(
            settings,
            found,
            plan.Workload(length, len(by_length[length]), size, workers),
        )
        for length, found in requirements.items()
    }


def _test_in_chunks(
    numbers: Sequence[int],
    test_part: Callable[[Sequence[int]], tuple[Bool[np.ndarray, " queries"], int]],
) -> _Tested:
    """Test queries chunk by chunk, until too many of them pass.

    Args:
      numbers: indices of the queries.
      test_part: takes indices; returns whether each query passes, and the number of
        word occurrences that were scored.

    Returns:
      The counts. Queries that were not tested count as passing.
    """
    passing: list[int] = []
    tested = occurrences = 0
    for start in range(0, len(numbers), _CHUNK):
        part = numbers[start : start + _CHUNK]
        is_passing, scored = test_part(part)
        passing += [
            number for number, passes in zip(part, is_passing, strict=True) if passes
        ]
        tested += len(part)
        occurrences += scored
        if len(passing) > _MAX_PASSING * tested:
            passing += numbers[start + _CHUNK :]
            break
    return _Tested(passing, tested, occurrences)


def _describe(filter_plan: plan.FilterPlan, pays: bool, stopped: bool) -> str:
    if not filter_plan.is_filtered:
        return f"searched: {filter_plan.reason}"
    if not pays:
        return "searched: too few queries for the prefilter to save time"
    if stopped:
        return "prefiltered at first, then searched: most have hits"
    return f"prefiltered: {filter_plan.reason}"
