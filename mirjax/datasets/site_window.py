"""Windows of targets that end at the site of the row's own miRNA.

The window is placed by the true miRNA, which a generator has to predict. So it cannot
be used to predict, but to measure the value of knowing where a site ends, as in the
data of Chakraborty & Hasija 2019, whose targets end at their sites.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np
from jaxtyping import Int64

from mirjax.alignment import complementarity
from mirjax.sequences import alphabet
from mirjax.sequences.records import Pairs


def site_ends(mirnas: Sequence[str], targets: Sequence[str]) -> Int64[np.ndarray, " n"]:
    """Find the 3' end of the site of each row's own miRNA in its target.

    Args:
      mirnas: n miRNAs, 5'→3'.
      targets: n targets, 5'→3'.

    Returns:
      The number of a target's first letters with which the anchored score of
      `complementarity.score_pairs` is highest; the largest number on ties, and all
      letters if nothing pairs.
    """
    lengths = alphabet.lengths(targets)
    ends = np.zeros(len(targets), np.int64)
    best = np.zeros(len(targets), np.int16)
    for end in range(1, lengths.max(initial=0) + 1):
        # A shorter target is scored whole again, and keeps its length.
        beginnings = [target[:end] for target in targets]
        scores = complementarity.score_pairs(mirnas, beginnings, anchored=True)
        as_good = scores >= best
        best[as_good] = scores[as_good]
        ends[as_good] = np.minimum(end, lengths[as_good])
    return ends


def cut_to_sites(pairs: Pairs, size: int) -> Pairs:
    """Cut each target to the letters that end at the site of its own miRNA.

    This uses the true miRNA; see the module's docstring.

    Args:
      pairs: rows labelled 0 have no site, and are not changed.
      size: the length of a window, nt; shorter at the start of a target.

    Returns:
      The same rows, their targets cut.
    """
    binding = np.arange(len(pairs))
    if pairs.labels is not None:
        binding = np.flatnonzero(pairs.labels == 1)
    sites = pairs.take(binding)
    ends = site_ends(sites.mirnas, sites.targets)
    targets = list(pairs.targets)
    for row, end in zip(binding, ends, strict=True):
        targets[row] = targets[row][max(0, end - size) : end]
    return dataclasses.replace(pairs, targets=targets)
