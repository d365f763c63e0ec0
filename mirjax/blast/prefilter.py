"""Take out the queries that cannot have a hit, where that pays."""

import concurrent.futures
import dataclasses
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mirjax.blast import plan, words
from mirjax.blast import requirements as prefilter
from mirjax.blast.database import subject_letters
from mirjax.blast.karlin_altschul import find_statistics
from mirjax.blast.settings import BlastSettings
from mirjax.blast.statistics import DatabaseSize
from mirjax.sequences import alphabet

_SAMPLE = 500  # queries of one length that are filtered at a time
_MOST_LEFT = 0.7  # share of them from which on the filter gives up


@dataclasses.dataclass
class Account:
    """What became of distinct queries before blastn.

    Attributes:
      too_short: those that no alignment, however good, gives a hit of the E-value.
      tested: those whose words were looked up.
      occurrences: of those words in the database.
      dropped: of the tested, those that cannot have a hit.
      choices: by length of query, why they were tested or not.
    """

    too_short: int = 0
    tested: int = 0
    occurrences: int = 0
    dropped: int = 0
    choices: dict[int, str] = dataclasses.field(default_factory=dict)


def sieve(
    sequences: Sequence[str], database: Path, settings: BlastSettings, workers: int
) -> tuple[list[int], Account]:
    """Tell which queries blastn needs to search.

    Args:
      sequences: the queries, RNA letters.
      database: a folder which `database.build_database` returned.
      settings: what blastn is told.
      workers: threads, and blastn processes at a time.

    Returns:
      Their numbers, ascending, and what became of the others.

    Raises:
      ValueError: for settings that blastn has no statistics for.
    """
    statistics = find_statistics(settings)
    letters = subject_letters(database)
    number_of_sequences = int(np.count_nonzero(letters == alphabet.PAD)) - 1
    size = DatabaseSize(len(letters) - number_of_sequences - 1, number_of_sequences)
    by_length: defaultdict[int, list[int]] = defaultdict(list)
    for number, sequence in enumerate(sequences):
        by_length[len(sequence)].append(number)
    account = Account()
    steps: dict[int, plan.Step] = {}
    needs_of: dict[int, tuple[prefilter.Requirement, ...]] = {}
    for length, numbers in sorted(by_length.items()):
        needs = prefilter.find_requirements(settings, statistics, length, size)
        if not needs:
            account.too_short += len(numbers)
            account.choices[length] = "not searched: too short for any hit"
            continue
        step = plan.plan_step(settings, needs, length, len(numbers), size, workers)
        needs_of[length], steps[length] = needs, step
    saving_s = sum(step.saving_s for step in steps.values() if step.is_filtered)
    has_index = words.has_index(database)
    pays = saving_s > 0 and plan.pays(saving_s, size, has_index=has_index)
    index = words.load_index(database, letters) if pays else None

    def test(length: int) -> tuple[list[int], int, int]:
        numbers = by_length[length]
        if index is None or not steps[length].is_filtered:
            return numbers, 0, 0
        left: list[int] = []
        tested = occurrences = 0
        for start in range(0, len(numbers), _SAMPLE):
            part = numbers[start : start + _SAMPLE]
            tokens = alphabet.encode([sequences[number] for number in part], length)
            meets, looked_at = prefilter.meet(index, tokens, needs_of[length], settings)
            left += [
                number for number, is_left in zip(part, meets, strict=True) if is_left
            ]
            tested += len(part)
            occurrences += looked_at
            if len(left) > _MOST_LEFT * tested:
                left += numbers[start + _SAMPLE :]
                break
        return left, tested, occurrences

    remaining: list[int] = []
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        for length, (left, tested, occurrences) in zip(
            steps, pool.map(test, steps), strict=True
        ):
            remaining += left
            account.tested += tested
            account.occurrences += occurrences
            account.dropped += len(by_length[length]) - len(left)
            account.choices[length] = _choice(
                steps[length], pays, tested < len(by_length[length])
            )
    return sorted(remaining), account


def _choice(step: plan.Step, pays: bool, gave_up: bool) -> str:
    if not step.is_filtered:
        return f"searched: {step.reason}"
    if not pays:
        return "searched: too few to gain anything by a filter"
    if gave_up:
        return "filtered at first, then searched: most have hits"
    return f"filtered: {step.reason}"
