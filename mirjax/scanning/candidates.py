"""Candidates: the duplexes of miRNAs and transcripts that a classifier scores.

A transcript is divided into bins of `BIN` letters, from its first letter on. In each
bin a miRNA has one duplex: the best of those whose 3' end on the transcript lies there,
by the score `by_bond` of `alignment.complementarity`. The score is exact, and the
duplex may begin in an earlier bin. Of duplexes whose ends are less than `APART` letters
from one another only the best is a candidate (see `maxima`): the classifier reads one
window for all of them. A rule says which candidates are scored:

  all        every candidate
  sensitive  candidates with at least the lowest score that no more than half of all
             candidates in shuffled transcripts reach
  fast       the same; where a classifier scores them, those that the screen keeps
             (see `screen`)
  seed       canonical sites alone: letters 2-7 paired, Watson-Crick

So `sensitive` finds the sites of `all`, except those whose duplexes score less: a
duplex never hides a better one. Each miRNA has its own threshold, since the
distribution of its scores is its own. Scores are whole numbers, so that a rule often
keeps less than a half.
"""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from jaxtyping import Bool, Int, Int64, UInt8

from mirjax.alignment.complementarity import by_bond
from mirjax.alignment.end_scores import Subjects, end_scores
from mirjax.scanning.maxima import best_apart
from mirjax.scanning.options import CANDIDATES
from mirjax.scanning.site_types import find_sites

ALL, SENSITIVE, FAST, SEED = CANDIDATES
BIN = 10  # nt
APART = 40  # nt; of two duplexes of a miRNA with nearer 3' ends the better one counts

SHARE = 0.5
"""Of all candidates in shuffled transcripts, the most that a threshold keeps."""

_SAME = 22  # nt; sites of two tables whose 3' ends are nearer are the same


@dataclasses.dataclass(frozen=True)
class CandidateRule:
    """A choice of candidates, with the thresholds of each miRNA.

    Attributes:
      kind: one of `CANDIDATES`.
      thresholds: lowest alignment score of a candidate, one a miRNA.
      kept: share of all candidates in shuffled transcripts that each miRNA keeps; empty
        if it was not measured.
    """

    kind: str
    thresholds: tuple[int, ...]
    kept: tuple[float, ...] = ()


class Candidates(NamedTuple):
    """Candidates of some miRNAs, by miRNA, then by place.

    Attributes:
      mirnas: number of each candidate's miRNA.
      transcripts: number of its transcript.
      ends: place in the transcript after the last letter of its duplex.
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
      numbers: of those that are wanted, ascending.
      rule: with a threshold for each of `mirnas`.
    """
    numbers = list(numbers)
    seeds = _seed_places(subjects, mirnas, numbers) if rule.kind == SEED else {}
    found = []
    for number in numbers:
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
    """Return the first best place of each bin that reaches a threshold."""
    bins = scores.reshape(-1, BIN)
    chosen = np.flatnonzero(bins.max(axis=1) >= threshold)
    return chosen * BIN + bins[chosen].argmax(axis=1)


def _seed_places(
    subjects: Subjects, mirnas: Sequence[UInt8[np.ndarray, " _"]], numbers: list[int]
) -> dict[int, Int64[np.ndarray, " places"]]:
    """Return the places opposite letter 2 in the canonical sites of each miRNA."""
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
      ValueError: for another kind.
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


def retained(reference: pa.Table, table: pa.Table) -> Bool[np.ndarray, " rows"]:
    """Return which sites of a reference table are in another table, too.

    A site is there if one of the same miRNA and target ends less than `_SAME` letters
    from it. The mean is the share of the sites of the rule `all` that another rule
    finds.

    Args:
      reference: sites, with columns `mirna`, `target` and `end`.
      table: likewise, from the same transcripts.
    """
    places: dict[tuple[str, str], list[int]] = {}
    columns = "mirna", "target", "end"
    for *pair, end in zip(*(table[name].to_pylist() for name in columns), strict=True):
        places.setdefault((pair[0], pair[1]), []).append(end)
    return np.array(
        [
            any(abs(end - other) < _SAME for other in places.get((mirna, target), ()))
            for mirna, target, end in zip(
                *(reference[name].to_pylist() for name in columns), strict=True
            )
        ],
        bool,
    )
