"""Candidates: the duplexes of miRNAs and transcripts that a classifier scores.

A transcript is divided into bins of `BIN` letters, from its first letter on. In each
bin a miRNA has one duplex: the best-scoring one whose 3' end on the transcript lies in
the bin. The score is `by_bond` of `alignment.complementarity`; it is exact, and the
duplex may begin in an earlier bin. Of duplexes whose ends are less than `APART` letters
apart, only the best is a candidate (see `maxima`): one window of the classifier covers
them all. A rule decides which candidates the classifier scores:

  all        every candidate
  sensitive  candidates whose score at most half of all candidates in shuffled
             transcripts reach
  fast       the same; if a classifier scores them, those that the screen keeps (see
             `screen`)
  seed       canonical sites only: Watson-Crick pairs at miRNA letters 2-7

So `sensitive` finds the sites of `all`, except those of low duplex score: a duplex
never suppresses a better one. The distribution of scores differs between miRNAs, so
each has its own threshold. Scores are integers with many ties, so a rule often keeps
less than a half.
"""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Int, Int64, UInt8

from mirjax.alignment.complementarity import by_bond
from mirjax.alignment.end_scores import Subjects, end_scores
from mirjax.scanning.maxima import best_apart
from mirjax.scanning.options import CANDIDATES
from mirjax.scanning.site_types import find_sites
from mirjax.scanning.threads import check_stop

ALL, SENSITIVE, FAST, SEED = CANDIDATES
BIN = 10  # nt
APART = 40  # nt between the 3' ends of two candidates of a miRNA, at least

SHARE = 0.5
"""Highest fraction of the candidates in shuffled transcripts that a threshold keeps."""


@dataclasses.dataclass(frozen=True)
class CandidateRule:
    """A choice of candidates, with the thresholds of each miRNA.

    Attributes:
      kind: one of `CANDIDATES`.
      thresholds: lowest alignment score of a candidate, one per miRNA.
      kept: fraction of all candidates in shuffled transcripts that are kept, one per
        miRNA; empty if it was not measured.
    """

    kind: str
    thresholds: tuple[int, ...]
    kept: tuple[float, ...] = ()


class Candidates(NamedTuple):
    """Candidates of some miRNAs, ordered by miRNA, then by position.

    Attributes:
      mirnas: number of each candidate's miRNA.
      transcripts: number of its transcript.
      ends: position in the transcript after the last letter of its duplex.
      scores: of its alignment.
    """

    mirnas: Int64[np.ndarray, " candidates"]
    transcripts: Int64[np.ndarray, " candidates"]
    ends: Int64[np.ndarray, " candidates"]
    scores: Int64[np.ndarray, " candidates"]


def lay_out(
    transcripts: Sequence[UInt8[np.ndarray, " _"]], longest_mirna: int
) -> Subjects:
    """Return transcripts as `find_candidates` takes them.

    Args:
      transcripts: tokens, 5'→3'.
      longest_mirna: in nt.
    """
    return Subjects(transcripts, by_bond(), longest_mirna, multiple=BIN)


def find_candidates(
    subjects: Subjects,
    mirnas: Sequence[UInt8[np.ndarray, " _"]],
    numbers: Iterable[int],
    rule: CandidateRule,
) -> Candidates:
    """Find the candidates of some miRNAs.

    Args:
      subjects: transcripts, from `lay_out`.
      mirnas: tokens of all miRNAs, 5'→3'.
      numbers: indices of the miRNAs to search for, ascending.
      rule: with a threshold for each of `mirnas`.
    """
    numbers = list(numbers)
    seeds = _seed_places(subjects, mirnas, numbers) if rule.kind == SEED else {}
    found = []
    for number in numbers:
        check_stop()
        scores = end_scores(mirnas[number], subjects)
        if rule.kind == SEED:
            places = _better_places(scores, seeds[number])
        else:
            places = _best_places(scores, max(1, rule.thresholds[number]))
        owners = np.searchsorted(subjects.starts, places, "right") - 1
        best = best_apart(owners, places, scores[places], APART)
        places, owners = places[best], owners[best]
        inside = places - subjects.starts[owners] + 1
        which = np.full(len(places), number)
        found.append(Candidates(which, owners, inside, scores[places].astype(np.int64)))
    nothing = Candidates(*np.zeros((4, 0), np.int64))
    return Candidates(*map(np.concatenate, zip(nothing, *found, strict=True)))


def _best_places(
    scores: Int[np.ndarray, " size"], threshold: int
) -> Int64[np.ndarray, " places"]:
    """Return the first best position of each bin that reaches a threshold."""
    bins = scores.reshape(-1, BIN)
    chosen = np.flatnonzero(bins.max(axis=1) >= threshold)
    return chosen * BIN + bins[chosen].argmax(axis=1)


def _seed_places(
    subjects: Subjects, mirnas: Sequence[UInt8[np.ndarray, " _"]], numbers: list[int]
) -> dict[int, Int64[np.ndarray, " places"]]:
    """Return the positions opposite letter 2 in the canonical sites of each miRNA."""
    sites = find_sites([subjects.tokens], [mirnas[number] for number in numbers])
    has_a = np.isin(sites.types, (0, 2))
    second = sites.ends - 1 - has_a
    bounds = np.searchsorted(sites.mirnas, np.arange(len(numbers) + 1))
    return {
        number: second[bounds[row] : bounds[row + 1]]
        for row, number in enumerate(numbers)
    }


def _better_places(
    scores: Int[np.ndarray, " size"], second: Int64[np.ndarray, " _"]
) -> Int64[np.ndarray, " places"]:
    """Return where the duplex of each site ends: opposite letter 1, or else 2."""
    first = second + 1
    return np.unique(np.where(scores[first] > scores[second], first, second))


def calibrate(
    kind: str,
    shuffled: Sequence[UInt8[np.ndarray, " _"]],
    mirnas: Sequence[UInt8[np.ndarray, " _"]],
) -> CandidateRule:
    """Choose the thresholds of a rule on shuffled transcripts.

    Args:
      kind: one of `CANDIDATES`.
      shuffled: tokens of transcripts with the dinucleotides of those to be scanned.
      mirnas: tokens, 5'→3'.

    Raises:
      ValueError: for an unknown kind.
    """
    if kind not in CANDIDATES:
        raise ValueError(f"--candidates={kind} is not one of {', '.join(CANDIDATES)}")
    if kind in (ALL, SEED):
        return CandidateRule(kind, (1,) * len(mirnas))
    subjects = lay_out(shuffled, max(map(len, mirnas), default=1))
    everything = CandidateRule(ALL, (1,) * len(mirnas))
    thresholds, kept = [], []
    for number in range(len(mirnas)):
        scores = find_candidates(subjects, mirnas, [number], everything).scores
        reached = np.bincount(scores, minlength=2)[::-1].cumsum()[::-1]
        few = np.flatnonzero(reached <= SHARE * len(scores))
        few = few[few > 0]
        threshold = int(few[0]) if len(few) else len(reached)
        thresholds.append(threshold)
        kept.append(float(np.mean(scores >= threshold)) if len(scores) else 0.0)
    return CandidateRule(kind, tuple(thresholds), tuple(kept))
