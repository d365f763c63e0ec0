"""Decide for which query lengths prefiltering costs less than it saves.

blastn spends its time on extending seeds and on printing hits. The prefilter saves only
the seeds, and has to score word occurrences itself. It is worthwhile if the words that
it looks up are longer, and therefore rarer, than blastn's.
"""

import dataclasses
from collections.abc import Sequence

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
_MIN_SAVING_S = 0.05


@dataclasses.dataclass(frozen=True)
class FilterPlan:
    """The decision whether to prefilter the queries of one length.

    Attributes:
      is_filtered: whether to prefilter them.
      saving_s: expected saving of the prefilter in seconds, below 0 for a loss.
      reason: the reason in words.
    """

    is_filtered: bool
    saving_s: float
    reason: str


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
    num_strands = 2 if settings.strand == "both" else 1
    length = workload.query_length

    def occurrences(word: int) -> float:
        positions = max(0, length - word + 1)
        return num_strands * positions * workload.database.letters / 4.0**word

    search_s = occurrences(settings.word_size) * _SEED_S / workload.num_processes
    filter_s = 0.0
    remaining = 0.0  # expected fraction of queries that pass by chance
    for requirement in requirements:
        found = occurrences(requirement.word)
        filter_s += found * (_OCCURRENCE_S + length * _COLUMN_S)
        filter_s += num_strands * length * _WORD_S
        needs_word_only = requirement.segment <= settings.reward * requirement.word
        remaining += found if needs_word_only else settings.evalue
    saving_s = workload.num_queries * (search_s * max(0.0, 1 - remaining) - filter_s)
    if remaining >= 1:
        return FilterPlan(
            False, saving_s, "nearly all would pass the prefilter by chance"
        )
    if saving_s <= 0:
        return FilterPlan(False, saving_s, "the prefilter takes longer than blastn")
    return FilterPlan(True, saving_s, "the prefilter takes less time than blastn")


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
