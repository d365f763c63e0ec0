"""Where the site of a window lies, and of sites that overlap the best.

A classifier says that a window holds a site, not where. The site is the best duplex
that the window holds: of the candidates whose seed ends in it, the one with the highest
alignment score. So windows that share their best duplex share their site.

Then sites of one miRNA and transcript are taken from the best on. A site is left out if
it ends less than `APART` nt from one that was taken: so a site that was itself left out
hides no other. Of equal scores the higher alignment score is taken first, then the site
nearer to the 5' end.
"""

import numpy as np
from jaxtyping import Bool, Float, Int64

from mirjax.scanning.candidates import APART, Candidates
from mirjax.sequences.pairing import SEED


def best_in_windows(
    found: Candidates, windows: Int64[np.ndarray, " candidates"], size: int
) -> Int64[np.ndarray, " candidates"]:
    """Return for the window of each candidate the best candidate that it holds.

    Args:
      found: by miRNA, transcript and end.
      windows: first letter of each one's window.
      size: letters of a window.

    Returns:
      The row of the candidate; of equal ones that of the nearest.
    """
    pairs = _pairs(found)
    best = np.arange(len(pairs))
    for shift in range(1, len(pairs)):
        is_same = pairs[shift:] == pairs[:-shift]
        left, right = slice(None, -shift), slice(shift, None)
        after = is_same & (found.ends[right] <= windows[left] + size)
        before = is_same & (found.ends[left] >= windows[right] + SEED.stop)
        if not (after.any() or before.any()):
            break
        for one, other in (
            (np.flatnonzero(after), np.flatnonzero(after) + shift),
            (np.flatnonzero(before) + shift, np.flatnonzero(before)),
        ):
            is_better = found.scores[other] > found.scores[best[one]]
            best[one[is_better]] = other[is_better]
    return best


def best_apart(
    found: Candidates, scores: Float[np.ndarray, " candidates"]
) -> Bool[np.ndarray, " candidates"]:
    """Determine which candidates are the best of those that overlap.

    Args:
      found: by miRNA, transcript and end.
      scores: the higher the better.
    """
    order = np.lexsort((found.ends, -found.scores, -scores))
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    pairs = _pairs(found)
    taken = np.zeros(len(order), bool)
    left = np.arange(len(order))
    # All that are better than what is near are taken at once, then those near go.
    while len(left):
        near = _neighbours(pairs[left], found.ends[left])
        best = np.ones(len(left), bool)
        for one, other in near:
            is_better = rank[left[one]] < rank[left[other]]
            best[other[is_better]] = best[one[~is_better]] = False
        taken[left[best]] = True
        gone = best.copy()
        for one, other in near:
            gone[one] |= best[other]
            gone[other] |= best[one]
        left = left[~gone]
    return taken


def _pairs(found: Candidates) -> Int64[np.ndarray, " candidates"]:
    """Return a number for each miRNA and transcript."""
    return found.mirnas * (found.transcripts.max(initial=0) + 1) + found.transcripts


def _neighbours(
    pairs: Int64[np.ndarray, " n"], ends: Int64[np.ndarray, " n"]
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the places of candidates that are near one another, by distance."""
    found = []
    for shift in range(1, len(pairs)):
        near = (pairs[shift:] == pairs[:-shift]) & (
            ends[shift:] - ends[:-shift] < APART
        )
        one = np.flatnonzero(near)
        if not len(one):
            break
        found.append((one, one + shift))
    return found
