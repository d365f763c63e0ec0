"""Non-maximum suppression: of nearby duplexes, only the best is kept.

Duplexes are visited from the best to the worst. One is kept unless its 3' end on the
transcript is near that of a duplex kept before it. A duplex that is not kept suppresses
no other. Of duplexes with equal scores, the one nearer to the 5' end comes first.
"""

import numpy as np
from jaxtyping import Bool, Int, Int64


def best_apart(
    owners: Int64[np.ndarray, " n"],
    ends: Int64[np.ndarray, " n"],
    scores: Int[np.ndarray, " n"],
    apart: int,
) -> Bool[np.ndarray, " n"]:
    """Return which duplexes are kept.

    Args:
      owners: number of each one's transcript, ascending.
      ends: position of each one's 3' end, ascending within a transcript.
      scores: the higher the better.
      apart: nt; ends at least as far apart do not suppress one another.
    """
    order = np.lexsort((ends, owners, -scores.astype(np.int64)))
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    taken = np.zeros(len(order), bool)
    left = np.arange(len(order))
    # Each round keeps every duplex that is better than all its neighbours, and removes
    # these.
    while len(left):
        near = _neighbours(owners[left], ends[left], apart)
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
    owners: Int64[np.ndarray, " n"], ends: Int64[np.ndarray, " n"], apart: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the pairs of duplexes that are near one another, by their numbers."""
    found = []
    for shift in range(1, len(owners)):
        near = (owners[shift:] == owners[:-shift]) & (
            ends[shift:] - ends[:-shift] < apart
        )
        one = np.flatnonzero(near)
        if not len(one):
            break
        found.append((one, one + shift))
    return found
