"""Seed-weighted alignment scores in NumPy: an oracle for mirjax.alignment."""

import numpy as np

from mirjax.alignment.complementarity import (
    GAP_EXTEND,
    GAP_OPEN,
    MISMATCH,
    OFFSET,
    SEED_WEIGHT,
    WATSON_CRICK,
    WOBBLE,
)
from mirjax.sequences import alphabet, pairing

_NO_GAP = -1000  # below every score, and far from the end of int16


def score_all(targets, candidates, *, anchored=False):
    """Score every candidate miRNA against every target, as int16 [n, m]."""
    sites = alphabet.encode([t[::-1] for t in targets], max(map(len, targets)))
    gains = _pair_gains(candidates)
    return _align(
        lambda position, i: gains[position].take(sites[:, i], axis=0),
        (len(gains), sites.shape[1]),
        (len(sites), gains.shape[2]),
        anchored,
    )


def _pair_gains(candidates):
    """Return [positions, 5 target tokens, m]: what pairing each miRNA letter scores.

    Padding scores as a mismatch, which keeps it out: it lies after every real letter,
    and an alignment only loses by reaching into it.
    """
    pairs = np.full((5, 5), MISMATCH, np.int16)
    for listed, score in (
        (pairing.WATSON_CRICK, WATSON_CRICK),
        (pairing.WOBBLE, WOBBLE),
    ):
        for one, other in alphabet.encode(listed, 2):
            pairs[one, other] = score
    tokens = alphabet.encode(candidates, max(map(len, candidates)))
    weights = np.ones(tokens.shape[1], np.int16)
    weights[pairing.SEED] = SEED_WEIGHT
    return pairs[:, tokens.T].transpose(1, 0, 2) * weights[:, None, None]


def _align(gain, lengths, shape, anchored):
    """Return the best alignment score of each of many pairs.

    One affine-gap recurrence runs for all pairs at once, over the miRNA's letters and,
    for each, along the site; `column[i]` holds the best scores of alignments that end
    with site letter i. When anchored, letters are left out along the table's rim only:
    a gap over them is never cheaper, nor are two of them than one mismatch.
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
            score = gain(position, i) + diagonal
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


def _open_or_extend(gap, score):
    """Move `gap` on by one letter, in place: extended, or opened from `score`."""
    gap -= GAP_EXTEND
    np.maximum(gap, score - GAP_OPEN, out=gap)
