"""Of duplexes that are near one another, the best.

They are taken from the best on. A duplex is left out if its 3' end on the transcript is
near that of one that was taken: so a duplex that was itself left out hides no other. Of
equal ones the one nearer to the 5' end is taken first.
"""

import numpy as np
from jaxtyping import Bool, Int, Int64


def best_apart(
    owners: Int64[np.ndarray, " n"],
    ends: Int64[np.ndarray, " n"],
    scores: Int[np.ndarray, " n"],
    apart: int,
) -> Bool[np.ndarray, " n"]:
    """Determine which duplexes are the best of those near them.

    Args:
      owners: number of each one's transcript, ascending.
      ends: place of each one's 3' end, ascending in a transcript.
      scores: the higher the better.
      apart: nt; ends that are as far apart hide nothing.
    """
    order = np.lexsort((ends, owners, -scores.astype(np.int64)))
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    taken = np.zeros(len(order), bool)
    left = np.arange(len(order))
    # All that are better than what is near are taken at once, then those near go.
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
    """Return the places of duplexes that are near one another, by distance."""
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
