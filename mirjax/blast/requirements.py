"""Tell which queries cannot have a hit, so that blastn need not search them.

Nothing that blastn would report is lost, for these reasons.

1. A hit has a least score. blastn reports an alignment if its E-value is at most the
   threshold, and takes the E-value from the alignment's raw score by a function that
   falls with it (`statistics.evalue`; gapped blastn combines no scores of several
   alignments). So an alignment that it reports scores at least S, the least score of
   that E-value. Whatever heuristic found it, low complexity masked or not, its columns
   add up to its score: M matches, X mismatches and G gaps, each of which costs at least
   c = gapopen + gapextend, have reward * M - penalty * X - c * G >= S. What blastn does
   after that (most hits of a query, ties) only takes rows away. The threshold is raised
   a little here, in case floating-point sums differ.

2. A score has a least word. M + X is at most the length of the query, which bounds X
   and G. The matches lie in at most X + G + 1 runs, parted by the mismatches and the
   gaps, so one run is an exact word of at least M / (X + G + 1) letters.

3. An alignment without gaps lies on one diagonal, which its word is on too: adding up
   scores along the diagonals of all such words finds a segment of at least S.

4. blastn seeds every alignment with an exact word of `word_size` letters. Where that
   is more than 2. asks for, the query must share such a word, though it need not lie on
   the diagonal of the alignment that is reported in the end.

So for each length of query there are two needs, one for alignments without gaps and one
for those with gaps: a least word, and a least score of a segment through such a word. A
query remains if it meets either with any sequence, on a strand that is searched.
"""

import dataclasses
import math
from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Bool, Int64, UInt8
from numpy.lib.stride_tricks import sliding_window_view

from mirjax.blast.karlin_altschul import Statistics
from mirjax.blast.settings import BlastSettings
from mirjax.blast.statistics import DatabaseSize, least_score, search_space
from mirjax.blast.words import WordIndex, candidates, find_words
from mirjax.sequences import alphabet

_LONGEST = 200  # letters; what longer queries need is no more than the seed
_MARGIN = 1 + 1e-6  # of the E-value; sums in another order differ by far less


@dataclasses.dataclass(frozen=True)
class Requirement:
    """What a query needs to share with a sequence for a hit.

    Attributes:
      word: letters of an exact word.
      segment: score of a gapless segment through that word.
    """

    word: int
    segment: int


def find_requirements(
    settings: BlastSettings,
    statistics: Statistics,
    query_length: int,
    database: DatabaseSize,
) -> tuple[Requirement, ...]:
    """Derive what queries of one length need for a hit.

    Args:
      settings: scores, gap costs, word size and E-value count.
      statistics: of those.
      query_length: letters of a query.
      database: the whole database.

    Returns:
      The least needs for alignments without gaps and for those with gaps. One that so
      short a query cannot meet is left out.
    """
    reward, penalty = settings.reward, -settings.penalty
    gap: float = settings.gapopen + settings.gapextend
    space = search_space(statistics, query_length, database)
    score = least_score(statistics, settings.evalue * _MARGIN, space)
    if not gap:  # megablast's own cost of a gap, each letter of it
        gap = penalty + reward / 2
        score = max(1, score - 1)  # half points may have been rounded up
    seed = Requirement(settings.word_size, reward * settings.word_size)
    if score > reward * query_length or query_length < settings.word_size:
        return ()
    if query_length > _LONGEST:
        return (seed,)

    def runs(gaps: int) -> Iterator[int]:
        for mismatches in range(query_length):
            matches = math.ceil((score + penalty * mismatches + gap * gaps) / reward)
            if matches + mismatches > query_length:
                return
            yield -(-matches // (mismatches + gaps + 1))

    gapless = list(runs(0))
    gapped = [run for gaps in range(1, query_length) for run in runs(gaps)]
    needs = []
    if gapless:
        word = min(gapless)
        needs.append(Requirement(word, score) if word >= settings.word_size else seed)
    if gapped:
        word = max(min(gapped), settings.word_size)
        needs.append(Requirement(word, reward * word))
    return tuple(dict.fromkeys(needs))


def meet(
    index: WordIndex,
    queries: UInt8[np.ndarray, "queries length"],
    needs: Sequence[Requirement],
    settings: BlastSettings,
) -> tuple[Bool[np.ndarray, " queries"], int]:
    """Tell which queries meet a need, on a strand that is searched.

    Args:
      index: of the database.
      queries: tokens of queries of one length, without a PAD.
      needs: as `find_requirements` gives them.
      settings: strand, reward and penalty count.

    Returns:
      Whether each may have a hit; and how many occurrences of words were looked at.
    """
    meets = np.zeros(len(queries), bool)
    total = 0
    strands = [queries]
    if settings.strand == "both":
        strands.append(_partner(queries))
    for strand in strands:
        for need in needs:
            best, occurrences = best_segments(index, strand, need.word, settings)
            meets |= best >= need.segment
            total += occurrences
    return meets, total


def best_segments(
    index: WordIndex,
    queries: UInt8[np.ndarray, "queries length"],
    word: int,
    settings: BlastSettings,
) -> tuple[Int64[np.ndarray, " queries"], int]:
    """Score the gapless segments on the diagonals of shared words.

    Args:
      index: of the database.
      queries: tokens of queries of one length, without a PAD.
      word: letters of a word.
      settings: reward and penalty count.

    Returns:
      Each query's best score, 0 if it shares no word; and how many occurrences of its
      words there are.
    """
    best = np.zeros(len(queries), np.int64)
    length = queries.shape[1]
    if length < word:
        return best, 0
    # A diagonal may begin before the first letter and end after the last.
    diagonals = sliding_window_view(np.pad(index.letters, length), length)
    columns = np.ascontiguousarray(queries.T)
    total = 0
    for rows, offsets, positions in candidates(index, find_words(index, queries, word)):
        total += len(rows)
        theirs = np.ascontiguousarray(diagonals[positions - offsets + length].T)
        score = np.zeros(len(rows), np.int32)
        highest = np.zeros(len(rows), np.int32)
        for ours, letters in zip(columns, theirs, strict=True):
            score += np.where(ours[rows] == letters, settings.reward, settings.penalty)
            score[letters == alphabet.PAD] = 0  # no segment crosses a sequence's end
            np.maximum(score, 0, out=score)
            np.maximum(highest, score, out=highest)
        np.maximum.at(best, rows, highest)
    return best, total


def _partner(tokens: np.ndarray) -> np.ndarray:
    """Return reverse complements, as tokens."""
    partner = np.zeros(alphabet.VOCABULARY_SIZE, np.uint8)
    partner[[alphabet.A, alphabet.U]] = alphabet.U, alphabet.A
    partner[[alphabet.C, alphabet.G]] = alphabet.G, alphabet.C
    return partner[tokens[:, ::-1]]
