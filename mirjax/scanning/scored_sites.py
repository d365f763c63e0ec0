"""Candidates and their scores, for a scan and for its background.

The classifier reads one window for each candidate. The letters opposite the seed are in
the middle of the window, as in the pairs that classifiers are trained on. Near an end
of the transcript the window is moved inside. Without a classifier the alignment score
is the score.
"""

import dataclasses
import functools
from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Bool, Float, Float64, Int64, UInt8

from mirjax.scanning.candidates import (
    BIN,
    CandidateRule,
    Candidates,
    find_candidates,
    lay_out,
)
from mirjax.scanning.engines.interface import Engine
from mirjax.scanning.null import to_logits
from mirjax.scanning.screen import Screen
from mirjax.scanning.seed_mode import check_seeds, tokens_of
from mirjax.scanning.slices import Slice
from mirjax.sequences.pairing import SEED
from mirjax.sequences.records import SequenceRecord

_PAIRS = 2**20  # bins times miRNAs whose candidates are in memory at a time


@dataclasses.dataclass(frozen=True, eq=False)
class ScoredSites:
    """Candidates and their scores.

    Attributes:
      found: the candidates, ordered by miRNA, transcript and end.
      windows: first letter of each one's window in its transcript.
      scores: probabilities, or alignment scores where there is no classifier.
    """

    found: Candidates
    windows: Int64[np.ndarray, " sites"]
    scores: Float[np.ndarray, " sites"]

    def take(
        self, rows: Bool[np.ndarray, " sites"] | Int64[np.ndarray, " _"]
    ) -> "ScoredSites":
        """Return some sites, in the given order."""
        found = Candidates(*(column[rows] for column in self.found))
        return ScoredSites(found, self.windows[rows], self.scores[rows])


def join(parts: Sequence[ScoredSites]) -> ScoredSites:
    """Return the sites of all parts."""
    nothing = Candidates(*np.zeros((4, 0), np.int64))
    columns = zip(nothing, *(part.found for part in parts), strict=True)
    return ScoredSites(
        Candidates(*map(np.concatenate, columns)),
        np.concatenate([np.zeros(0, np.int64), *(part.windows for part in parts)]),
        np.concatenate([np.zeros(0), *(part.scores for part in parts)]),
    )


@dataclasses.dataclass(frozen=True, eq=False)
class SiteScorer:
    """The candidates of a slice, scored.

    Attributes:
      mirnas: 5'→3'.
      rule: which candidates are scored, with a threshold for each miRNA.
      engine: the classifier with the same miRNAs, or None for alignment scores.
      screen: selects the candidates that the classifier scores; None for all.

    Raises:
      ValueError: for a miRNA of fewer than 7 letters.
    """

    mirnas: tuple[SequenceRecord, ...]
    rule: CandidateRule
    engine: Engine | None = None
    screen: Screen | None = None

    def __post_init__(self) -> None:
        check_seeds(self.mirnas)

    @functools.cached_property
    def tokens(self) -> list[UInt8[np.ndarray, " _"]]:
        """Tokens of each miRNA, 5'→3'."""
        return [tokens_of(mirna) for mirna in self.mirnas]

    @functools.cached_property
    def longest(self) -> int:
        """Letters of the longest miRNA."""
        return max(map(len, self.tokens), default=1)

    @property
    def window_length(self) -> int:
        """Letters of a window; without a classifier, of the longest miRNA."""
        return self.longest if self.engine is None else self.engine.window_length

    def scale(self, scores: Float[np.ndarray, " n"]) -> Float64[np.ndarray, " n"]:
        """Return scores on the scale of a `Null`: logits, or alignment scores."""
        if self.engine is None:
            return scores.astype(np.float64)
        return to_logits(scores)

    def score(
        self, part: Slice, numbers: Sequence[int] | None = None
    ) -> Iterator[ScoredSites]:
        """Yield the scored candidates of a slice, some miRNAs at a time.

        Args:
          part: the slice.
          numbers: of the miRNAs, ascending; by default all.
        """
        numbers = range(len(self.mirnas)) if numbers is None else numbers
        transcripts = [tokens_of(record) for record in part.records]
        subjects = lay_out(transcripts, self.longest)
        screen = self.screen
        size = self.window_length
        if screen is not None:
            size = max(size, screen.engine.window_length)
        apart = np.zeros(size, np.uint8)  # a short transcript is padded
        pieces = (piece for one in transcripts for piece in (one, apart))
        joined = np.concatenate([np.zeros(0, np.uint8), *pieces])
        firsts = np.cumsum(subjects.lengths + size) - subjects.lengths - size
        step = max(1, _PAIRS * BIN // subjects.size)
        for start in range(0, len(numbers), step):
            some = numbers[start : start + step]
            found = find_candidates(subjects, self.tokens, some, self.rule)
            if screen is not None:
                windows = _windows(found, subjects.lengths, screen.engine.window_length)
                places = firsts[found.transcripts] + windows
                passes = screen.passes(joined, found.mirnas, places)
                found = Candidates(*(column[passes] for column in found))
            windows = _windows(found, subjects.lengths, self.window_length)
            if self.engine is None:
                yield ScoredSites(found, windows, found.scores.astype(np.float64))
                continue
            places = firsts[found.transcripts] + windows
            scores = self.engine.score_pairs(joined, found.mirnas, places)
            yield ScoredSites(found, windows, scores.astype(np.float64))


def _windows(
    found: Candidates, lengths: Int64[np.ndarray, " transcripts"], size: int
) -> Int64[np.ndarray, " candidates"]:
    """Return where the window of each candidate, of `size` letters, starts."""
    middle = found.ends - SEED.stop // 2
    last = np.maximum(lengths[found.transcripts] - size, 0)
    return np.clip(middle - size // 2, 0, last)
