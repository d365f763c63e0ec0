"""Pairing rules of RNA: Watson-Crick pairs, wobbles, and the seed of a miRNA.

References:
  Crick 1966, Codon-anticodon pairing: the wobble hypothesis,
  doi 10.1016/S0022-2836(66)80022-0.
  Bartel 2009, MicroRNAs: target recognition and regulatory functions,
  doi 10.1016/j.cell.2009.01.002.
"""

import numpy as np
from jaxtyping import UInt8

from mirjax.sequences import alphabet

# Each pair is two letters: one of either strand. Both orders are listed.
WATSON_CRICK = ("AU", "UA", "CG", "GC")
WOBBLE = ("GU", "UG")

SEED = slice(1, 8)  # miRNA letters 2-8
SEED_6MER = slice(1, 7)  # miRNA letters 2-7

PARTNERS = {pair[0]: pair[1] for pair in WATSON_CRICK}
WOBBLE_PARTNERS = {pair[0]: pair[1] for pair in WOBBLE}

_COMPLEMENT = str.maketrans(PARTNERS)


def _complement_tokens() -> UInt8[np.ndarray, " tokens"]:
    tokens = np.arange(alphabet.VOCABULARY_SIZE, dtype=np.uint8)
    letters = alphabet.encode([alphabet.LETTERS], len(alphabet.LETTERS))[0]
    partners = alphabet.LETTERS.translate(_COMPLEMENT)
    tokens[letters] = alphabet.encode([partners], len(partners))[0]
    return tokens


COMPLEMENT = _complement_tokens()
"""Token of the Watson-Crick partner of each token; PAD, BOS and EOS are unchanged."""


def reverse_complement(sequence: str) -> str:
    """Return the perfect Watson-Crick partner of an RNA sequence, 5'→3'.

    Args:
      sequence: upper-case RNA letters, 5'→3'.

    >>> reverse_complement("UGAG")
    'CUCA'
    """
    return sequence.translate(_COMPLEMENT)[::-1]


def seed_site(mirna: str, seed: slice = SEED) -> str:
    """Return the target letters, 5'→3', that pair perfectly with a miRNA's seed.

    Args:
      mirna: upper-case RNA letters, 5'→3'.
      seed: `SEED` or `SEED_6MER`.

    >>> seed_site("UGAGGUAGUAGGUUGUAUAGUU")
    'CUACCUC'
    """
    return reverse_complement(mirna[seed])
