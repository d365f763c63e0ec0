"""Duplex augmentation: the pairing pattern of one row with the miRNA of another.

There are few sites of each miRNA, and a model can memorise them. The positions of
wobbles, mismatches and loops in a duplex hardly depend on its miRNA, and there are many
duplexes. So an augmented row has the pairing pattern of one row and the letters of
another row's miRNA.
"""

import numpy as np
from Bio import Align
from Bio.Align import substitution_matrices

from mirjax.sequences import alphabet, pairing
from mirjax.sequences.records import Pairs

# Scores of the alignment of a miRNA with the complement of its target, read 3'→5'. The
# site's 3' end lies opposite the miRNA's 5' end; the other ends are free.
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

    Each miRNA is in as many augmented rows as in real ones, times the copies. A pair
    stays a pair. A wobble stays a wobble if the new miRNA's letter is G or U, and
    otherwise becomes a pair. At a mismatch the target's letter stays, unless it would
    pair with the new letter; it is then drawn from the letters that do not. Unpaired
    letters opposite a gap stay.

    Args:
      pairs: n positive rows.
      copies: augmented rows for each row; 0 or more.
      seed: decides the assignment of miRNAs and the letters that are drawn.

    Returns:
      copies * n rows; targets keep their lengths.
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
    """Return the aligned letters: their indices in the miRNA and in `facing`."""
    blocks = aligner.align(mirna, facing)[0].aligned
    return [
        (i, j)
        for (start, end), (other_start, other_end) in zip(*blocks, strict=True)
        for i, j in zip(range(start, end), range(other_start, other_end), strict=True)
    ]


def _letter(rng: np.random.Generator, mirna: str, facing: str, other: str) -> str:
    """Return the letter that relates to `other` as `facing` does to `mirna`."""
    wobble = _WOBBLES.get(other)
    if facing == mirna:
        return other
    if facing == _WOBBLES.get(mirna):
        return wobble or other
    if facing not in (other, wobble):
        return facing
    return str(rng.choice([x for x in alphabet.LETTERS if x not in (other, wobble)]))
