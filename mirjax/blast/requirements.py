"""Requirements of a hit: the words and scores without which a query has none.

A query that satisfies none of the requirements of its length has no hit, so blastn need
not search it. No row of blastn's table is lost, for the following reasons. Notation:
an alignment has M matching columns, X mismatching columns and G gaps.

1. Every reported alignment has at least a score S. blastn reports an alignment if its
   E-value is at most the threshold. It computes the E-value from the raw score, by a
   function that decreases with the score (`statistics.evalue`; gapped blastn does not
   combine the scores of several alignments). S is the least score whose E-value is at
   most the threshold. Whatever heuristic found the alignment, and whether or not low
   complexity was masked, its columns add up to its score. Each gap costs at least
   c = gapopen + gapextend. Therefore reward * M - penalty * X - c * G >= S. What
   blastn does afterwards (max_target_seqs, ties) only removes rows. The threshold is
   raised slightly here, in case floating-point sums differ.

2. Every such alignment contains an exact word of some least length. M + X is at most
   the length of the query, which bounds X and G by 1. Mismatches and gaps divide the
   matches into at most X + G + 1 runs, so one run is an exact word of at least
   M / (X + G + 1) letters.

3. An alignment without gaps lies on one diagonal, and its word lies on the same one. So
   the maximum of the cumulative scores along the diagonals of all such words is at
   least S.

4. blastn seeds every alignment with an exact word of `word_size` letters. If that is
   more than 2. requires, the query must share a word of `word_size` letters, which need
   not lie on the diagonal of the final alignment.

So each query length has two requirements, one for alignments without gaps and one for
alignments with gaps. Each consists of a least word length and a least score of a
gapless segment through such a word. A query remains if it satisfies either requirement
with any database sequence, on a strand that is searched.
"""

import dataclasses
import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Int64, UInt8
from numpy.lib.stride_tricks import sliding_window_view

from mirjax.blast.settings import BlastSettings
from mirjax.blast.statistics import DatabaseSize, least_score, search_space
from mirjax.blast.words import WordIndex, find_words, word_matches
from mirjax.sequences import alphabet
from mirjax.sequences.pairing import COMPLEMENT

_MAX_LENGTH = 200  # letters; longer queries require a seed word only
_MARGIN = 1 + 1e-6  # factor of the E-value; sums in another order differ by far less


@dataclasses.dataclass(frozen=True)
class Requirement:
    """What a query must share with a database sequence to have a hit.

    Attributes:
      word: least length of an exact word, in letters.
      segment: least score of a gapless segment through that word.
    """

    word: int
    segment: int


class WordTest(NamedTuple):
    """The result of testing queries of one length by words.

    Attributes:
      satisfied: whether each query satisfies at least one requirement and so may have
        a hit.
      best: each query's best score of a gapless segment through a required word.
      occurrences: number of word occurrences that were scored.
    """

    satisfied: Bool[np.ndarray, " queries"]
    best: Int64[np.ndarray, " queries"]
    occurrences: int


def required_score(
    settings: BlastSettings, query_length: int, database: DatabaseSize
) -> int:
    """Return a raw score that every hit of queries of one length has or exceeds.

    Args:
      settings: settings of the search.
      query_length: letters of a query.
      database: size of the whole database.
    """
    space = search_space(settings.statistics, query_length, database)
    score = least_score(settings.statistics, settings.evalue * _MARGIN, space)
    if settings.gapopen or settings.gapextend:
        return score
    return max(1, score - 1)  # blastn may have rounded half points up


def find_requirements(
    settings: BlastSettings, query_length: int, database: DatabaseSize
) -> tuple[Requirement, ...]:
    """Derive the requirements of a hit for queries of one length.

    Args:
      settings: settings of the search.
      query_length: letters of a query.
      database: size of the whole database.

    Returns:
      The requirements for alignments without gaps and for those with gaps. Requirements
      that exceed the query's length are omitted; without any, no query of this length
      has a hit.
    """
    reward, penalty = settings.reward, -settings.penalty
    gap: float = settings.gapopen + settings.gapextend
    score = required_score(settings, query_length, database)
    if not gap:  # megablast then has its own cost per letter of a gap
        gap = penalty + reward / 2
    seed = Requirement(settings.word_size, reward * settings.word_size)
    if score > reward * query_length or query_length < settings.word_size:
        return ()
    if query_length > _MAX_LENGTH:
        return (seed,)

    def longest_runs(gaps: int) -> Iterator[int]:
        """Yield the least longest run of matches, for each number of mismatches."""
        for mismatches in range(query_length):
            matches = math.ceil((score + penalty * mismatches + gap * gaps) / reward)
            if matches + mismatches > query_length:
                return
            yield -(-matches // (mismatches + gaps + 1))

    gapless = list(longest_runs(0))
    gapped = [run for gaps in range(1, query_length) for run in longest_runs(gaps)]
    requirements = []
    if gapless:
        word = min(gapless)
        requirements.append(
            Requirement(word, score) if word >= settings.word_size else seed
        )
    if gapped:
        word = max(min(gapped), settings.word_size)
        requirements.append(Requirement(word, reward * word))
    return tuple(dict.fromkeys(requirements))


def satisfies(
    index: WordIndex,
    queries: UInt8[np.ndarray, "queries length"],
    requirements: Sequence[Requirement],
    settings: BlastSettings,
) -> WordTest:
    """Determine which queries satisfy a requirement on a strand that is searched.

    Args:
      index: index of the database.
      queries: tokens of queries of one length, without a PAD.
      requirements: requirements of that length, as returned by `find_requirements`.
      settings: settings of the search.
    """
    satisfied = np.zeros(len(queries), bool)
    highest = np.zeros(len(queries), np.int64)
    total = 0
    for strand in searched_strands(queries, settings):
        for requirement in requirements:
            best, occurrences = best_segments(index, strand, requirement.word, settings)
            satisfied |= best >= requirement.segment
            np.maximum(highest, best, out=highest)
            total += occurrences
    return WordTest(satisfied, highest, total)


def best_segments(
    index: WordIndex,
    queries: UInt8[np.ndarray, "queries length"],
    word: int,
    settings: BlastSettings,
) -> tuple[Int64[np.ndarray, " queries"], int]:
    """Score gapless segments on the diagonals of words shared with the database.

    Args:
      index: index of the database.
      queries: tokens of queries of one length, without a PAD.
      word: length of a shared word, in letters.
      settings: settings of the search, for reward and penalty.

    Returns:
      Each query's best score, 0 if it shares no word; and the number of occurrences of
      the queries' words in the database.
    """
    best = np.zeros(len(queries), np.int64)
    length = queries.shape[1]
    if length < word:
        return best, 0
    # Padding, since a diagonal may start before the first letter or end after the last.
    diagonals = sliding_window_view(np.pad(index.letters, length), length)
    columns = np.ascontiguousarray(queries.T)
    total = 0
    occurrences = find_words(index, queries, word)
    for rows, offsets, positions in word_matches(index, occurrences):
        total += len(rows)
        subjects = np.ascontiguousarray(diagonals[positions - offsets + length].T)
        score = np.zeros(len(rows), np.int32)
        highest = np.zeros(len(rows), np.int32)
        for column, letters in zip(columns, subjects, strict=True):
            is_match = column[rows] == letters
            score += np.where(is_match, settings.reward, settings.penalty)
            score[letters == alphabet.PAD] = 0  # no segment crosses a sequence's end
            np.maximum(score, 0, out=score)
            np.maximum(highest, score, out=highest)
        np.maximum.at(best, rows, highest)
    return best, total


def searched_strands(
    queries: UInt8[np.ndarray, "queries length"], settings: BlastSettings
) -> list[UInt8[np.ndarray, "queries length"]]:
    """Return the queries' tokens on each strand that is searched.

    Args:
      queries: tokens of queries of one length, without a PAD.
      settings: settings of the search.
    """
    if settings.strand == "plus":
        return [queries]
    return [queries, COMPLEMENT[queries[:, ::-1]]]
