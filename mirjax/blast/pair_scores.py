"""Exact alignment scores of queries with the sequences that share a word with them.

A query whose score is too low with every such sequence has no hit, so blastn need not
search it. No row of blastn's table is lost, for the following reasons.

1. A query and a sequence with a reported alignment share a word of the least length of
   the query's requirements, on the strand of the alignment: `requirements` has the
   proof. So all others need no score.

2. The reported alignment has at least the raw score that the E-value needs. It is a
   local alignment of the two whole sequences. The score computed here is that of the
   best local alignment, by the same rewards, penalties and gap costs, and therefore not
   below it, whatever heuristic, band or drop-off blastn has. Masking affects only
   seeds.

3. The costs are blastn's own. A gap of k letters costs gapopen + k * gapextend. Where
   both are 0, megablast's greedy extension has reward / 2 - penalty for each letter of
   a gap, and may round half a point up. All scores are then doubled, so that they
   remain integers, and a score that is a point lower suffices. Neither queries nor
   databases hold ambiguity codes: both are refused when they are read.

4. With `strand="both"` blastn aligns the reverse complement of a query with a sequence
   as it stands. So does this stage.

References:
  Smith & Waterman 1981, Identification of common molecular subsequences,
  doi 10.1016/0022-2836(81)90087-5.
"""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Int64, UInt8

from mirjax.alignment import scoring
from mirjax.blast.requirements import searched_strands
from mirjax.blast.settings import BlastSettings
from mirjax.blast.words import WordIndex, find_words, word_matches
from mirjax.sequences import alphabet

LONGEST_SUBJECT = 1 << 14
"""Letters of a sequence above which its pairs are kept without a score."""

_QUERIES = 2000  # whose words are looked up at a time
_PAIRS = 1 << 18  # to score at a time, about
# Measured with pairs of 20 nt on a core; of accelerators an assumption.
_CELL_S = {"cpu": 2e-9, "accelerator": 2e-11}


@dataclasses.dataclass(frozen=True)
class Candidates:
    """Queries of one length that may have a hit.

    Attributes:
      tokens: tokens of the queries, without a PAD.
      word: letters of a word that a query shares with a sequence of each hit.
      score: least raw score of a hit.
    """

    tokens: UInt8[np.ndarray, "queries length"]
    word: int
    score: int


@dataclasses.dataclass
class PairCounts:
    """Counts of scored pairs of a query, on one strand, and a sequence.

    Attributes:
      scored: pairs that were scored.
      dropped: scored pairs whose score is too low for a hit.
    """

    scored: int = 0
    dropped: int = 0


def pair_scoring(settings: BlastSettings) -> tuple[scoring.Scoring, int]:
    """Return the scoring of blastn's alignments.

    Args:
      settings: settings of the search.

    Returns:
      The scoring, and the factor by which its scores are those of blastn.
    """
    if settings.gapopen or settings.gapextend:
        costs = settings.gapopen, settings.gapextend
        return scoring.nucleotide(settings.reward, settings.penalty, *costs), 1
    gap = settings.reward - 2 * settings.penalty
    doubled = scoring.nucleotide(2 * settings.reward, 2 * settings.penalty, 0, gap)
    return doubled, 2


def have_high_scores(
    index: WordIndex, candidates: Sequence[Candidates], settings: BlastSettings
) -> tuple[list[Bool[np.ndarray, " queries"]], PairCounts]:
    """Determine which queries score high enough with a sequence for a hit.

    Args:
      index: index of the database.
      candidates: queries, those of each length together.
      settings: settings of the search.

    Returns:
      For each length, whether each query has a pair with a high enough score, on a
      strand that is searched; and the counts of the pairs. Once a query has one, its
      other pairs are not scored.
    """
    from mirjax.alignment.smith_waterman import score_pairs  # JAX starts slowly

    costs, factor = pair_scoring(settings)
    subjects = _Subjects(index.letters)
    strands = _strands(candidates, settings)
    letters = [text for strand in strands for text in alphabet.decode(strand.tokens)]
    owners = np.concatenate([strand.owners for strand in strands])
    sizes = [len(one.tokens) for one in candidates]
    required = np.repeat([factor * one.score for one in candidates], sizes)
    kept = np.zeros(sum(sizes), bool)
    counts = PairCounts()
    for rows, numbers in _shared_words(index, subjects, strands):
        kept[owners[rows[subjects.lengths[numbers] > LONGEST_SUBJECT]]] = True
        is_open = ~kept[owners[rows]]
        rows, row_places = np.unique(rows[is_open], return_inverse=True)
        numbers, places = np.unique(numbers[is_open], return_inverse=True)
        scores = score_pairs(
            [letters[row] for row in rows],
            subjects.texts(numbers),
            costs,
            pairs=np.stack([row_places, places], axis=1),
        )
        queries = owners[rows][row_places]
        is_high = scores >= required[queries]
        kept[queries[is_high]] = True
        counts.scored += len(scores)
        counts.dropped += int((~is_high).sum())
    return np.split(kept, np.cumsum(sizes)[:-1]), counts


def cell_seconds() -> float:
    """Return the time for one cell of an alignment's table, in s; starts JAX."""
    import jax

    return _CELL_S["cpu" if jax.default_backend() == "cpu" else "accelerator"]


class _Subjects:
    """The sequences of a database.

    Attributes:
      lengths: of each, in letters.
    """

    def __init__(self, letters: UInt8[np.ndarray, " letters"]) -> None:
        separators = np.flatnonzero(letters == alphabet.PAD)
        codes = (alphabet.UNKNOWN_LETTER + alphabet.LETTERS).encode("ascii")
        self._text = np.frombuffer(codes, np.uint8)[letters].tobytes().decode("ascii")
        self._starts = separators[:-1] + 1
        self.lengths = np.diff(separators) - 1

    def at(self, positions: Int64[np.ndarray, " n"]) -> Int64[np.ndarray, " n"]:
        """Return the number of the sequence that holds each position of the index."""
        numbers: Int64[np.ndarray, " n"] = np.searchsorted(
            self._starts, positions, side="right"
        )
        return numbers - 1

    def texts(self, numbers: Int64[np.ndarray, " n"]) -> list[str]:
        """Return the letters of sequences."""
        starts = self._starts[numbers].tolist()
        lengths = self.lengths[numbers].tolist()
        return [
            self._text[start : start + length]
            for start, length in zip(starts, lengths, strict=True)
        ]


class _Strand(NamedTuple):
    """One strand of queries of one length.

    Attributes:
      tokens: the letters.
      word: letters of a word that is looked up.
      owners: numbers of the queries among those of all lengths.
    """

    tokens: UInt8[np.ndarray, "queries length"]
    word: int
    owners: Int64[np.ndarray, " queries"]


def _strands(
    candidates: Sequence[Candidates], settings: BlastSettings
) -> list[_Strand]:
    found = []
    first = 0
    for one in candidates:
        owners = first + np.arange(len(one.tokens))
        first += len(owners)
        for tokens in searched_strands(one.tokens, settings):
            found.append(_Strand(tokens, one.word, owners))
    return found


def _shared_words(
    index: WordIndex, subjects: _Subjects, strands: Sequence[_Strand]
) -> Iterator[tuple[Int64[np.ndarray, " pairs"], Int64[np.ndarray, " pairs"]]]:
    """Yield pairs that share a word: rows of all strands, and sequences.

    A pair occurs once in an array, and rarely in two.
    """
    num_subjects = len(subjects.lengths)
    keys: list[np.ndarray] = []
    first = 0
    for tokens, word, _ in strands:
        for start in range(0, len(tokens), _QUERIES):
            found = find_words(index, tokens[start : start + _QUERIES], word)
            for rows, _, positions in word_matches(index, found):
                pairs = (first + start + rows) * num_subjects + subjects.at(positions)
                keys.append(np.unique(pairs))
                if sum(map(len, keys)) >= _PAIRS:
                    yield np.divmod(np.unique(np.concatenate(keys)), num_subjects)
                    keys = []
        first += len(tokens)
    if keys:
        yield np.divmod(np.unique(np.concatenate(keys)), num_subjects)
