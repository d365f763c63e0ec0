"""Duplex augmentation: the pairing of one row's duplex, with another row's miRNA.

There are few sites of each miRNA, and a model remembers them. Where a duplex has
wobbles, mismatches and loops does not depend on its miRNA, and there are many duplexes.
So an augmented row has the pairing pattern of one row and the letters of another's
miRNA.
"""

import numpy as np
from Bio import Align
from Bio.Align import substitution_matrices

from mirjax.sequences import alphabet, pairing
from mirjax.sequences.records import Pairs

# Of an alignment of a miRNA with the letters that would pair with its target, read
# 3'→5'. The site's 3' end lies opposite the miRNA's 5' end; the other ends are free.
_PAIR, _WOBBLE, _MISMATCH = 2.0, 0.5, -2.0
_GAP_OPEN, _GAP_EXTEND = -4.0, -1.0
_END_OPEN, _END_EXTEND = -2.0, -1.0  # before the first pair

# miRNA letter → the complement of its wobble partner.
_WOBBLES = {
    letter: pairing.PARTNERS[partner]
    for letter, partner in pairing.WOBBLE_PARTNERS.items()
}


def augment_duplexes(pairs: Pairs, copies: int, seed: int) -> Pairs:
    """Return rows with the duplexes of some rows and the miRNAs of others.

    Each miRNA is in as many augmented rows as in real ones, times the copies. Where the
    real miRNA's letter pairs, the new miRNA's does; where it makes a wobble, the new
    one does if it is G or U and pairs else; where it mismatches, the target's letter
    stays unless it would pair, and is then drawn from those that do not. Letters that
    face none stay.

    Args:
      pairs: n rows that bind.
      copies: augmented rows for each row; 0 or more.
      seed: decides which miRNA goes where, and the letters that are drawn.

    Returns:
      copies * n rows; each target is as long as the one it is made from.
    """
    if not copies:
        return Pairs([], [])
    rng = np.random.default_rng(seed)
    aligner = _aligner()
    shapes = []
    for mirna, target in zip(pairs.mirnas, pairs.targets, strict=True):
        facing = pairing.reverse_complement(target)
        shapes.append((mirna, facing, _columns(aligner, mirna, facing)))
    mirnas, targets = [], []
    for _ in range(copies):
        for row, (mirna, facing, columns) in zip(
            rng.permutation(len(pairs)), shapes, strict=True
        ):
            other = pairs.mirnas[row]
            letters = list(facing)
            for i, j in columns:
                if i < len(other):
                    letters[j] = _letter(rng, mirna[i], facing[j], other[i])
            mirnas.append(other)
            targets.append(pairing.reverse_complement("".join(letters)))
    return Pairs(mirnas, targets)


def _aligner() -> Align.PairwiseAligner:
    scores = substitution_matrices.Array(alphabet.LETTERS, 2)
    for letter in alphabet.LETTERS:
        for facing in alphabet.LETTERS:
            scores[letter, facing] = _PAIR if letter == facing else _MISMATCH
        if letter in _WOBBLES:
            scores[letter, _WOBBLES[letter]] = _WOBBLE
    return Align.PairwiseAligner(
        mode="global",
        substitution_matrix=scores,
        open_gap_score=_GAP_OPEN,
        extend_gap_score=_GAP_EXTEND,
        open_left_gap_score=_END_OPEN,
        extend_left_gap_score=_END_EXTEND,
        right_gap_score=0.0,
    )


def _columns(
    aligner: Align.PairwiseAligner, mirna: str, facing: str
) -> list[tuple[int, int]]:
    """Return the letters that face each other: numbers in the miRNA, in `facing`."""
    blocks = aligner.align(mirna, facing)[0].aligned
    return [
        (i, j)
        for (start, end), (other_start, other_end) in zip(*blocks, strict=True)
        for i, j in zip(range(start, end), range(other_start, other_end), strict=True)
    ]


def _letter(rng: np.random.Generator, mirna: str, facing: str, other: str) -> str:
    """Return what faces the other miRNA's letter as `facing` faces the first's."""
    wobble = _WOBBLES.get(other)
    if facing == mirna:
        return other
    if facing == _WOBBLES.get(mirna):
        return wobble or other
    if facing not in (other, wobble):
        return facing
    return str(rng.choice([x for x in alphabet.LETTERS if x not in (other, wobble)]))
