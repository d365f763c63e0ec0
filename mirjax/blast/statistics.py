"""The chance of an alignment's score, as blastn computes it.

References:
  Altschul & Gish 1996, Local alignment statistics, doi 10.1016/s0076-6879(96)66029-7.
"""

import dataclasses
import math

from mirjax.blast.karlin_altschul import Statistics


@dataclasses.dataclass(frozen=True)
class DatabaseSize:
    """What the statistics need to know of a database.

    Attributes:
      letters: of all its sequences.
      sequences: how many there are.
    """

    letters: int
    sequences: int


def length_adjustment(
    statistics: Statistics, query_length: int, database: DatabaseSize
) -> int:
    """Compute the letters at a sequence's end where no alignment can start.

    It is the expected length of an alignment that just occurs by chance: the fixed
    point, rounded down, of a function of the space that is left without those letters.

    Args:
      statistics: of the scores.
      query_length: letters of the whole query.
      database: the whole database.

    Returns:
      Letters to take off the query, and off each sequence of the database.
    """
    query, letters, number = query_length, database.letters, database.sequences
    log_scale = math.log(statistics.scale)

    def expected_length(taken: float) -> float:
        space = (query - taken) * (letters - number * taken)
        nats = log_scale + math.log(space)
        return statistics.alpha / statistics.decay * nats + statistics.beta

    # The most that leaves a space of as many nats as the longer side has letters.
    half = query * number + letters
    product = letters * query - max(query, letters) / statistics.scale
    if product < 0:
        return 0
    highest = 2 * product / (half + math.sqrt(half * half - 4 * number * product))
    lowest = taken = 0.0
    for step in range(20):
        expected = expected_length(taken)
        if expected >= taken:
            lowest = taken
            if expected - lowest <= 1:
                above = math.ceil(lowest)
                if above <= highest and expected_length(above) >= above:
                    return above
                break
            if lowest == highest:
                break
        else:
            highest = taken
        if lowest <= expected <= highest:
            taken = expected
        else:
            taken = highest if step == 0 else (lowest + highest) / 2
    return int(lowest)


def search_space(
    statistics: Statistics, query_length: int, database: DatabaseSize
) -> int:
    """Compute the pairs of letters at which an alignment can start.

    Args:
      statistics: of the scores.
      query_length: letters of the whole query.
      database: the whole database.
    """
    taken = length_adjustment(statistics, query_length, database)
    letters = database.letters - database.sequences * taken
    return max(letters, 1) * (query_length - taken)


def bit_score(statistics: Statistics, score: int) -> float:
    """Return a raw score in bits."""
    return (score * statistics.decay - math.log(statistics.scale)) / math.log(2)


def evalue(statistics: Statistics, score: int, space: int) -> float:
    """Return the expected number of alignments of a raw score or more by chance.

    Args:
      statistics: of the scores.
      score: raw score.
      space: as `search_space` returns it.
    """
    nats = _counted(statistics, score) * statistics.decay
    return space * statistics.scale * math.exp(-nats)


def least_score(statistics: Statistics, highest: float, space: int) -> int:
    """Return the least raw score whose E-value is at most `highest`.

    Args:
      statistics: of the scores.
      highest: an E-value, above 0.
      space: as `search_space` returns it.

    Returns:
      The score, at least 1.
    """
    nats = math.log(space * statistics.scale / highest)
    score = max(1, math.ceil(nats / statistics.decay))
    return score + score % 2 if statistics.even_scores else score


def _counted(statistics: Statistics, score: int) -> int:
    return score - score % 2 if statistics.even_scores else score
