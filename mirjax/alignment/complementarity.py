"""How well a miRNA pairs with a target site: a seed-weighted alignment score.

The score is that of the best antiparallel alignment, or 0 if none is positive. A
Watson-Crick pair scores 1, a G:U wobble 0, a mismatch -1, each times 4 where the miRNA
letter is one of 2-8. A gap of k letters, on either side, costs 6 + 2(k - 1). The
alignment may stop anywhere. It may begin anywhere too, unless anchored: then each
letter left out before its first pair, at the miRNA's 5' end or at the target's 3' end,
costs 2. That fits sites that were cut out along an alignment, as the pairs of
Chakraborty & Hasija 2019 were: their 3' end lies opposite miRNA letter 1 or 2.
"""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Int16

from mirjax.sequences import alphabet
from mirjax.sequences.pairing import SEED

# Chosen on training rows of the Chakraborty pairs.
WATSON_CRICK, WOBBLE, MISMATCH = 1, 0, -1
SEED_WEIGHT = 4  # times the pair score at the seed
GAP_OPEN, GAP_EXTEND = 6, 2  # a gap of k letters costs GAP_OPEN + (k - 1) GAP_EXTEND
OFFSET = 2  # anchored only: a letter left out before the first pair

_NO_GAP = -1000  # below every score, and far from the end of int16
_CELLS = 8192  # (target, miRNA) pairs aligned at a time; keeps the columns in cache


def score_all(
    targets: Sequence[str], candidates: Sequence[str], *, anchored: bool = False
) -> Int16[np.ndarray, "n m"]:
    """Score every candidate miRNA against every target.

    Args:
      targets: n target sites, 5'→3'.
      candidates: m miRNAs, 5'→3'.
      anchored: whether the miRNA's 5' end is held to the site's 3' end.

    Returns:
      Scores, the higher the more complementary.
    """
    if not targets:
        return np.zeros((0, len(candidates)), np.int16)
    # Sorted by length, a block of sites has little padding to align.
    distinct = sorted(set(targets), key=lambda target: (len(target), target))
    longest = len(distinct[-1])
    sites = _encode_sites(distinct, longest)
    gains = _pair_gains(candidates)
    scores = np.empty((len(distinct), len(candidates)), np.int16)
    rows = max(1, _CELLS // len(candidates))
    for start in range(0, len(distinct), rows):
        block = slice(start, start + rows)
        width = max(map(len, distinct[block]))
        scores[block] = _align_all(sites[block, :width], gains, anchored)
    row_of = {target: row for row, target in enumerate(distinct)}
    return scores[[row_of[target] for target in targets]]


def score_pairs(
    mirnas: Sequence[str], targets: Sequence[str], *, anchored: bool = False
) -> Int16[np.ndarray, " n"]:
    """Score each miRNA against the target of its own row.

    Args:
      mirnas: n miRNAs, 5'→3'.
      targets: n target sites, 5'→3'.
      anchored: whether the miRNA's 5' end is held to the site's 3' end.

    Returns:
      Scores, the higher the more complementary.
    """
    if not len(targets):
        return np.zeros(0, np.int16)
    sites = _encode_sites(targets, max(map(len, targets)))
    gains, rows = _pair_gains(mirnas), np.arange(len(mirnas))
    return _align(
        lambda position, i: gains[position][sites[:, i], rows],
        (len(gains), sites.shape[1]),
        (len(rows),),
        anchored,
    )


def _encode_sites(targets: Sequence[str], length: int) -> np.ndarray:
    """Return tokens of targets, 3'→5'; a letter that is unknown pairs with none."""
    reversed_targets = [target[::-1] for target in targets]
    return alphabet.encode(reversed_targets, length, unknown_as_pad=True)


def _pair_gains(candidates: Sequence[str]) -> np.ndarray:
    """Return [positions, 5 target tokens, m]: what pairing each miRNA letter scores.

    Padding scores as a mismatch, which keeps it out: it lies after every real letter,
    and an alignment only loses by reaching into it.
    """
    pairs = np.full((5, 5), MISMATCH, np.int16)
    for one, other in ((alphabet.A, alphabet.U), (alphabet.C, alphabet.G)):
        pairs[one, other] = pairs[other, one] = WATSON_CRICK
    pairs[alphabet.G, alphabet.U] = pairs[alphabet.U, alphabet.G] = WOBBLE
    tokens = alphabet.encode(candidates, max(map(len, candidates)))
    weights = np.ones(tokens.shape[1], np.int16)
    weights[SEED] = SEED_WEIGHT
    return pairs[:, tokens.T].transpose(1, 0, 2) * weights[:, None, None]


def _align_all(sites: np.ndarray, gains: np.ndarray, anchored: bool) -> np.ndarray:
    """Return the best scores of k sites (tokens, 3'→5') with each of m miRNAs."""
    return _align(
        lambda position, i: gains[position].take(sites[:, i], axis=0),
        (len(gains), sites.shape[1]),
        (len(sites), gains.shape[2]),
        anchored,
    )


def _align(
    gain: Callable[[int, int], np.ndarray],
    lengths: tuple[int, int],
    shape: tuple[int, ...],
    anchored: bool,
) -> np.ndarray:
    """Return the best alignment score of each of many pairs.

    One affine-gap recurrence runs for all pairs at once, over the miRNA's letters and,
    for each, along the site; `column[i]` holds the best scores of alignments that end
    with site letter i. When anchored, letters are left out along the table's rim only:
    a gap over them is never cheaper, nor are two of them than one mismatch.

    Args:
      gain: (miRNA position, site position) → what pairing them scores, a new array.
      lengths: of the miRNAs and of the sites, with padding.
      shape: of the pairs.
      anchored: whether letters left out before the first pair cost.
    """
    positions, width = lengths
    step = OFFSET if anchored else 0
    column = [np.full(shape, -step * i, np.int16) for i in range(width + 1)]
    unpaired_mirna = [np.full(shape, _NO_GAP, np.int16) for _ in range(width)]
    best = np.zeros(shape, np.int16)
    for position in range(positions):
        diagonal = column[0]
        column[0] = np.full(shape, -step * (position + 1), np.int16)
        unpaired_site = np.full(shape, _NO_GAP, np.int16)
        for i in range(width):
            score = gain(position, i)
            score += diagonal
            # Still the previous miRNA letter's entry, then this letter's own.
            diagonal = column[i + 1]
            _open_or_extend(unpaired_mirna[i], diagonal)
            _open_or_extend(unpaired_site, column[i])
            np.maximum(score, unpaired_mirna[i], out=score)
            np.maximum(score, unpaired_site, out=score)
            if not anchored:
                np.maximum(score, 0, out=score)
            np.maximum(best, score, out=best)
            column[i + 1] = score
    return best


def _open_or_extend(gap: np.ndarray, score: np.ndarray) -> None:
    """Move `gap` on by one letter, in place: extended, or opened from `score`."""
    gap -= GAP_EXTEND
    np.maximum(gap, score - GAP_OPEN, out=gap)
