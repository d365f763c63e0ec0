"""Of sites that overlap, the best: the rule that a scan and its background share.

Sites of one miRNA and transcript are taken from the best on. A site is left out if it
ends less than `APART` nt from one that was taken: so a site that was itself left out
hides no other. Of equal scores the higher alignment score is taken first, then the site
nearer to the 5' end.
"""

import numpy as np
from jaxtyping import Bool, Float, Int64

from mirjax.scanning.candidates import APART, Candidates


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
    pairs = found.mirnas * (found.transcripts.max(initial=0) + 1) + found.transcripts
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
