"""Decide for which query lengths prefiltering costs less than it saves.

blastn spends its time on extending seeds and on printing hits. The prefilter saves only
the time for seeds, and has to score word occurrences itself. It is worthwhile if its
words are longer, and therefore rarer, than blastn's. Alignment scores then remove
nearly all queries that share a word by chance, but starting JAX takes seconds.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence

from mirjax.blast.requirements import Requirement
from mirjax.blast.settings import BlastSettings
from mirjax.blast.statistics import DatabaseSize

# Measured with queries of 22 nt in miRBase, on one core. Only the ratios matter.
_SEED_S = 150e-9  # blastn, per seed
_OCCURRENCE_S = 100e-9  # prefilter, per occurrence of a word
_COLUMN_S = 5e-9  # prefilter, per letter of an occurrence's diagonal
_WORD_S = 500e-9  # prefilter, per word of a query
_LETTER_S = 100e-9  # building the index, per letter of the database
_MAX_LETTERS = 1 << 26  # of a database to index: building takes 24 bytes per letter
_MAX_LENGTH = 2_000  # of a query to prefilter: testing takes memory for all its letters
_MIN_SAVING_S = 0.05
_PAIR_S = 400e-9  # alignment, per pair besides its cells
_START_S = 3.0  # alignment: starting JAX and compiling


@dataclasses.dataclass(frozen=True)
class FilterPlan:
    """The decision whether to prefilter the queries of one length.

    Attributes:
      is_filtered: whether to prefilter them.
      saving_s: expected saving of the prefilter in seconds, below 0 for a loss.
      reason: the reason in words.
      is_aligned: whether to score the alignments of those that share a word.
    """

    is_filtered: bool
    saving_s: float
    reason: str
    is_aligned: bool = False


@dataclasses.dataclass(frozen=True)
class Workload:
    """The queries of one length and what they are searched in.

    Attributes:
      query_length: letters of each query.
      num_queries: number of queries.
      database: size of the whole database.
      num_processes: parallel blastn processes.
    """

    query_length: int
    num_queries: int
    database: DatabaseSize
    num_processes: int


def plan_filter(
    settings: BlastSettings, requirements: Sequence[Requirement], workload: Workload
) -> FilterPlan:
    """Compare the costs of searching with and without the prefilter.

    The estimate assumes random sequences. Real ones share more words, which affects
    blastn and the prefilter alike.

    Args:
      settings: settings of the search.
      requirements: requirements of the queries' length, at least one.
      workload: the queries of that length and the database.

    Returns:
      The decision.
    """
    costs = _Costs.of(settings, requirements, workload)
    remaining = costs.satisfied
    saving_s = costs.saving(remaining, costs.words_s)
    if remaining >= 1:
        return FilterPlan(
            False, saving_s, "nearly all would pass the prefilter by chance"
        )
    if saving_s <= 0:
        return FilterPlan(False, saving_s, "words take longer than blastn")
    return FilterPlan(True, saving_s, "they take less time than blastn")


def plan_alignment(
    settings: BlastSettings,
    requirements: Sequence[Requirement],
    workload: Workload,
    cell_s: float,
) -> FilterPlan:
    """Compare the costs of searching with and without both stages of the prefilter.

    Args:
      settings: settings of the search.
      requirements: requirements of the queries' length, at least one.
      workload: the queries of that length and the database.
      cell_s: seconds for one cell of an alignment's table.

    Returns:
      The decision; the time to start JAX is not counted.
    """
    costs = _Costs.of(settings, requirements, workload)
    database, length = workload.database, workload.query_length
    subject_length = database.letters / max(1, database.sequences)
    pair_s = _OCCURRENCE_S + _PAIR_S + length * subject_length * cell_s
    aligned_s = min(1.0, costs.satisfied) * costs.pairs * pair_s
    saving_s = costs.saving(settings.evalue, costs.words_s + aligned_s)
    if saving_s <= 0:
        return FilterPlan(False, saving_s, "the alignments take longer than blastn")
    reason = "they take less time than blastn"
    return FilterPlan(True, saving_s, reason, is_aligned=True)


@dataclasses.dataclass(frozen=True)
class _Costs:
    """Expected costs of the queries of one length, in random sequences.

    Attributes:
      num_queries: number of queries.
      search_s: seconds of blastn per query.
      words_s: seconds of looking up words per query.
      satisfied: fraction of queries that satisfy a requirement by chance, above 1 if
        that is several times so.
      pairs: sequences that share a word with a query.
    """

    num_queries: int
    search_s: float
    words_s: float
    satisfied: float
    pairs: float

    @classmethod
    def of(
        cls,
        settings: BlastSettings,
        requirements: Sequence[Requirement],
        workload: Workload,
    ) -> "_Costs":
        num_strands = 2 if settings.strand == "both" else 1
        length, database = workload.query_length, workload.database

        def occurrences(word: int) -> float:
            positions = max(0, length - word + 1)
            return num_strands * positions * database.letters / 4.0**word

        words_s = satisfied = 0.0
        for requirement in requirements:
            found = occurrences(requirement.word)
            words_s += found * (_OCCURRENCE_S + length * _COLUMN_S)
            words_s += num_strands * length * _WORD_S
            needs_word_only = requirement.segment <= settings.reward * requirement.word
            satisfied += found if needs_word_only else settings.evalue
        return cls(
            workload.num_queries,
            occurrences(settings.word_size) * _SEED_S / workload.num_processes,
            words_s,
            satisfied,
            min(
                occurrences(min(requirement.word for requirement in requirements)),
                float(num_strands * database.sequences),
            ),
        )

    def saving(self, remaining: float, filter_s: float) -> float:
        """Return the seconds saved if a fraction of the queries remains."""
        return self.num_queries * (self.search_s * max(0.0, 1 - remaining) - filter_s)


@dataclasses.dataclass(frozen=True)
class Conditions:
    """What the choice of plans depends on besides the queries.

    Attributes:
      mode: one of `settings.PREFILTERS`.
      has_index: whether the database's index exists.
      cell_seconds: returns the seconds for one cell of an alignment's table. It starts
        JAX, so it is called only if alignments would be worthwhile at no cost per cell.
    """

    mode: str
    has_index: bool
    cell_seconds: Callable[[], float]


def choose_plans(
    settings: BlastSettings,
    requirements: Mapping[int, Sequence[Requirement]],
    workloads: Mapping[int, Workload],
    conditions: Conditions,
) -> dict[int, FilterPlan]:
    """Choose the stages of the prefilter for each query length.

    Args:
      settings: settings of the search.
      requirements: requirements of each length.
      workloads: the queries of each length; all search the same database.
      conditions: the other conditions of the choice.

    Returns:
      The plan of each length.
    """
    mode = conditions.mode
    if mode != "auto":
        given = FilterPlan(
            mode != "none", 0.0, f"--prefilter={mode}", is_aligned=mode == "alignment"
        )
        long = FilterPlan(False, 0.0, f"above {_MAX_LENGTH:,} nt none is prefiltered")
        return {
            length: given if length <= _MAX_LENGTH else long for length in requirements
        }
    by_words = {
        length: plan_filter(settings, found, workloads[length])
        for length, found in requirements.items()
    }
    chosen, saving_s = by_words, _total_saving(by_words)

    def both_stages(cell_s: float) -> dict[int, FilterPlan]:
        plans = {
            length: plan_alignment(settings, found, workloads[length], cell_s)
            for length, found in requirements.items()
        }
        return {
            length: max(
                by_words[length],
                plans[length],
                key=lambda one: one.is_filtered * one.saving_s,
            )
            for length in plans
        }

    if _total_saving(both_stages(0.0)) - _START_S > saving_s:
        aligned = both_stages(conditions.cell_seconds())
        if _total_saving(aligned) - _START_S > saving_s:
            chosen, saving_s = aligned, _total_saving(aligned) - _START_S
    if not saving_s or not workloads:
        return chosen
    database = next(iter(workloads.values())).database
    if is_worthwhile(saving_s, database, has_index=conditions.has_index):
        return chosen
    few = "too few queries for the prefilter to save time"
    return {
        length: FilterPlan(False, one.saving_s, few) if one.is_filtered else one
        for length, one in chosen.items()
    }


def _total_saving(plans: Mapping[int, FilterPlan]) -> float:
    return sum(one.saving_s for one in plans.values() if one.is_filtered)


def is_worthwhile(saving_s: float, database: DatabaseSize, *, has_index: bool) -> bool:
    """Decide whether to prefilter at all, given the saving over all query lengths.

    Args:
      saving_s: expected saving of all plans that filter, in seconds.
      database: size of the whole database.
      has_index: whether the database's index exists. If not, its construction must
        amortise within ten searches like this one.

    Returns:
      Whether the prefilter is worthwhile.
    """
    if has_index:
        return saving_s >= _MIN_SAVING_S
    build_s = database.letters * _LETTER_S
    fits = database.letters <= _MAX_LETTERS
    return fits and saving_s >= max(_MIN_SAVING_S, build_s / 10)
