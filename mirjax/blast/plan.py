"""Choose which queries to filter before blastn, by what it costs and saves.

blastn's time goes to the seeds it extends and to the hits it prints. The filter can
only spare the seeds, and must look at occurrences of words itself: it pays where the
words that it looks for are longer, and so rarer, than blastn's.
"""

import dataclasses
from collections.abc import Sequence

from mirjax.blast.requirements import Requirement
from mirjax.blast.settings import BlastSettings
from mirjax.blast.statistics import DatabaseSize

# Measured with 22 letters in miRBase, on one core. Only their ratios matter.
_SEED_S = 150e-9  # blastn, one seed
_OCCURRENCE_S = 100e-9  # the filter, one occurrence of a word
_COLUMN_S = 5e-9  # each letter of its diagonal
_WORD_S = 500e-9  # one word of a query
_LETTER_S = 100e-9  # building the index, one letter of the database
_MOST_LETTERS = 1 << 26  # of a database with an index: 24 bytes a letter to build it
_LEAST_SAVING_S = 0.05


@dataclasses.dataclass(frozen=True)
class Step:
    """What is done with the queries of one length before blastn.

    Attributes:
      is_filtered: whether to look for what they need.
      saving_s: seconds that are expected to be saved, below 0 where it does not pay.
      reason: in words.
    """

    is_filtered: bool
    saving_s: float
    reason: str


def plan_step(
    settings: BlastSettings,
    needs: Sequence[Requirement],
    query_length: int,
    num_queries: int,
    database: DatabaseSize,
    workers: int,
) -> Step:
    """Weigh the filter for the queries of one length.

    Sequences count as random: real ones share more words, for blastn as for the filter.

    Args:
      settings: word size, strand and E-value count.
      needs: of queries of that length, at least one.
      query_length: letters of each.
      num_queries: how many there are.
      database: the whole database.
      workers: blastn processes at a time.
    """
    strands = 2 if settings.strand == "both" else 1

    def occurrences(word: int) -> float:
        places = max(0, query_length - word + 1)
        return strands * places * database.letters / 4.0**word

    search_s = occurrences(settings.word_size) * _SEED_S / workers
    filter_s = 0.0
    left = 0.0  # queries that remain by chance, for each
    for need in needs:
        found = occurrences(need.word)
        filter_s += found * (_OCCURRENCE_S + query_length * _COLUMN_S)
        filter_s += strands * query_length * _WORD_S
        is_word = need.segment <= settings.reward * need.word
        left += found if is_word else settings.evalue
    saving_s = num_queries * (search_s * max(0.0, 1 - left) - filter_s)
    if left >= 1:
        return Step(False, saving_s, "chance alone would leave nearly all")
    if saving_s <= 0:
        return Step(False, saving_s, "the filter would take longer than blastn")
    return Step(True, saving_s, "the filter is cheaper than blastn")


def pays(saving_s: float, database: DatabaseSize, *, has_index: bool) -> bool:
    """Whether the filter pays for all lengths together.

    Args:
      saving_s: the sum of what the steps that filter are expected to save, seconds.
      database: the whole database.
      has_index: whether its index is there; building it must pay in ten runs like this.
    """
    if has_index:
        return saving_s >= _LEAST_SAVING_S
    build_s = database.letters * _LETTER_S
    fits = database.letters <= _MOST_LETTERS
    return fits and saving_s >= max(_LEAST_SAVING_S, build_s / 10)
