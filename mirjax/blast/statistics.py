"""E-values, bit scores and search spaces, as blastn computes them.

References:
  Altschul & Gish 1996, Local alignment statistics, doi 10.1016/s0076-6879(96)66029-7.
"""

import dataclasses
import math

from mirjax.blast.karlin_altschul import Statistics


@dataclasses.dataclass(frozen=True)
class DatabaseSize:
    """The size of a whole database.

    Attributes:
      letters: total length of its sequences.
      sequences: number of its sequences.
    """

    letters: int
    sequences: int


def length_adjustment(
    statistics: Statistics, query_length: int, database: DatabaseSize
) -> int:
    """Compute how many letters at a sequence's end can start no alignment.

    This is the expected length of a chance alignment: the fixed point, rounded down, of
    a function of the search space that remains without those letters.

    Args:
      statistics: parameters of the scores.
      query_length: letters of the whole query.
      database: size of the whole database.

    Returns:
      Letters to subtract from the query, and from each sequence of the database.
    """
    query, letters, number = query_length, database.letters, database.sequences
    log_scale = math.log(statistics.scale)

    def expected_length(removed: float) -> float:
        space = (query - removed) * (letters - number * removed)
        nats = log_scale + math.log(space)
        return statistics.alpha / statistics.decay * nats + statistics.beta

    # Upper bound: the remaining space has as many nats as the longer side has letters.
    half = query * number + letters
    product = letters * query - max(query, letters) / statistics.scale
    if product < 0:
        return 0
    highest = 2 * product / (half + math.sqrt(half * half - 4 * number * product))
    lowest = removed = 0.0
    for step in range(20):
        expected = expected_length(removed)
        if expected >= removed:
            lowest = removed
            if expected - lowest <= 1:
                above = math.ceil(lowest)
                if above <= highest and expected_length(above) >= above:
                    return above
                break
            if lowest == highest:
                break
        else:
            highest = removed
        if lowest <= expected <= highest:
            removed = expected
        else:
            removed = highest if step == 0 else (lowest + highest) / 2
    return int(lowest)


def search_space(
    statistics: Statistics, query_length: int, database: DatabaseSize
) -> int:
    """Compute the number of letter pairs at which an alignment can start.

    Args:
      statistics: parameters of the scores.
      query_length: letters of the whole query.
      database: size of the whole database.
    """
    removed = length_adjustment(statistics, query_length, database)
    letters = database.letters - database.sequences * removed
    return max(letters, 1) * (query_length - removed)


def evalue(statistics: Statistics, score: int, space: int) -> float:
    """Return the expected number of chance alignments of at least a raw score.

    Args:
      statistics: parameters of the scores.
      score: raw score.
      space: letter pairs, as `search_space` returns them.
    """
    if statistics.even_scores:
        score -= score % 2
    return space * statistics.scale * math.exp(-score * statistics.decay)


def least_score(statistics: Statistics, highest: float, space: int) -> int:
    """Return the least raw score whose E-value is at most `highest`.

    Args:
      statistics: parameters of the scores.
      highest: an E-value, above 0.
      space: letter pairs, as `search_space` returns them.

    Returns:
      The score, at least 1.
    """
    nats = math.log(space * statistics.scale / highest)
    score = max(1, math.ceil(nats / statistics.decay))
    return score + score % 2 if statistics.even_scores else score
