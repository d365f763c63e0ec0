"""Canonical target sites, as TargetScan defines them.

A site pairs letters 2-7 of a miRNA with six letters of a transcript, Watson-Crick:

  8mer     letter 8 pairs too, and an A lies opposite letter 1
  7mer-m8  letter 8 pairs too
  7mer-A1  an A lies opposite letter 1
  6mer     neither

The A opposite letter 1 counts whatever that letter is. Anything else is "other".

References:
  Bartel 2009, MicroRNAs: target recognition and regulatory functions,
  doi 10.1016/j.cell.2009.01.002.
  Agarwal et al. 2015, Predicting effective microRNA target sites in mammalian mRNAs,
  doi 10.7554/eLife.05005.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Int64, UInt8

from mirjax.sequences import alphabet
from mirjax.sequences.pairing import COMPLEMENT, SEED_6MER

SITE_TYPES = ("8mer", "7mer-m8", "7mer-A1", "6mer", "other")
"""From the most to the least effective; a type's number is its index here."""

OTHER = SITE_TYPES.index("other")

_CORE = SEED_6MER.stop - SEED_6MER.start
_NO_WORD = 4**_CORE  # the code of a word that holds an unknown letter
_BETWEEN = _CORE + 2  # unknown letters between transcripts: more than a site's length


class CanonicalSites(NamedTuple):
    """Sites, ordered by transcript, then by miRNA, then by position.

    Attributes:
      transcripts: number of each site's transcript.
      mirnas: number of each site's miRNA.
      starts: of each site, from the letter that pairs with miRNA letter 7 or 8.
      ends: of each site, after the letter opposite miRNA letter 2 or 1.
      types: index in `SITE_TYPES`.
    """

    transcripts: Int64[np.ndarray, " sites"]
    mirnas: Int64[np.ndarray, " sites"]
    starts: Int64[np.ndarray, " sites"]
    ends: Int64[np.ndarray, " sites"]
    types: Int64[np.ndarray, " sites"]


def find_sites(
    transcripts: Sequence[UInt8[np.ndarray, " _"]],
    mirnas: Sequence[UInt8[np.ndarray, " _"]],
) -> CanonicalSites:
    """Find all canonical sites, overlapping ones included.

    Args:
      transcripts: tokens of each, 5'→3'; PAD for an unknown letter.
      mirnas: tokens of each, 5'→3'.

    Returns:
      Each position whose six letters pair with letters 2-7, once, with its best type.

    Raises:
      ValueError: for a miRNA of fewer than 7 letters.
    """
    if short := [len(one) for one in mirnas if len(one) < SEED_6MER.stop]:
        raise ValueError(f"a miRNA of {short[0]} nt has no letters 2-7")
    between = np.zeros(_BETWEEN, np.uint8)
    lengths = np.array([len(one) for one in transcripts], np.int64)
    firsts = np.cumsum(lengths + _BETWEEN) - lengths
    joined = np.concatenate(
        [between, *(x for one in transcripts for x in (one, between))]
    )
    words = _words(joined)
    order = np.argsort(words, kind="stable")
    seeds = [_words(COMPLEMENT[one[SEED_6MER][::-1]])[0] for one in mirnas]
    sought = np.array(seeds, np.int64)
    left, right = (np.searchsorted(words[order], sought, s) for s in ("left", "right"))
    places = [order[a:b] for a, b in zip(left, right, strict=True)]
    numbers = np.repeat(np.arange(len(mirnas)), right - left)
    cores = np.concatenate([np.zeros(0, np.int64), *places])
    eighth = np.array([_partner_of_8(one) for one in mirnas], np.uint8)[numbers]
    paired = (joined[cores - 1] == eighth) & (eighth != alphabet.PAD)
    has_a = joined[cores + _CORE] == alphabet.A
    owners = np.searchsorted(firsts, cores, "right") - 1
    rows = np.lexsort((cores, numbers, owners))
    inside = cores - firsts[owners] if len(cores) else cores
    return CanonicalSites(
        owners[rows],
        numbers[rows],
        (inside - paired)[rows],
        (inside + _CORE + has_a)[rows],
        _type_of(paired, has_a)[rows],
    )


def canonical_types(
    segments: UInt8[np.ndarray, "sites columns"],
    firsts: Int64[np.ndarray, " sites"],
    mirnas: UInt8[np.ndarray, "sites letters"],
) -> Int64[np.ndarray, " sites"]:
    """Return the type of the best canonical site within each duplex.

    Args:
      segments: tokens of the transcript, 5'→3': each up to the end of a duplex, and one
        letter more. PAD before and after the transcript.
      firsts: column of each duplex's first letter.
      mirnas: tokens, 5'→3', padded on the right.

    Returns:
      Index in `SITE_TYPES`: of the site whose letters 2-7 pair within the duplex.
    """
    columns = segments.shape[1]
    seeds = COMPLEMENT[mirnas[:, SEED_6MER][:, ::-1]]
    eighths = np.zeros(len(mirnas), np.uint8)
    if mirnas.shape[1] > SEED_6MER.stop:
        eighths = COMPLEMENT[mirnas[:, SEED_6MER.stop]]
    best = np.full(len(mirnas), OTHER)
    for start in range(max(0, columns - _CORE)):
        pairs = (segments[:, start : start + _CORE] == seeds).all(axis=1)
        pairs &= (start >= firsts) & (seeds != alphabet.PAD).all(axis=1)
        rows = np.flatnonzero(pairs)
        if len(rows):
            has_a = segments[rows, start + _CORE] == alphabet.A
            eighth = segments[rows, start - 1] if start else alphabet.PAD
            paired = (eighth == eighths[rows]) & (eighths[rows] != alphabet.PAD)
            best[rows] = np.minimum(best[rows], _type_of(paired, has_a))
    return best


def _type_of(
    paired: Bool[np.ndarray, " sites"], has_a: Bool[np.ndarray, " sites"]
) -> Int64[np.ndarray, " sites"]:
    """Return the type of sites, given letter 8 and the A opposite letter 1."""
    return np.where(paired, np.where(has_a, 0, 1), np.where(has_a, 2, 3))


def _partner_of_8(mirna: UInt8[np.ndarray, " _"]) -> int:
    """Return the token that pairs with letter 8, PAD if there is none."""
    last = SEED_6MER.stop
    return int(COMPLEMENT[mirna[last]]) if len(mirna) > last else alphabet.PAD


def _words(tokens: UInt8[np.ndarray, " _"]) -> Int64[np.ndarray, " _"]:
    """Return the code of each six letters in a row; equal letters have equal codes."""
    count = max(0, len(tokens) - _CORE + 1)
    words = np.zeros(count, np.int64)
    known = np.ones(count, bool)
    for place in range(_CORE):
        letters = tokens[place : place + count]
        words = 4 * words + letters - alphabet.A
        known &= (letters >= alphabet.A) & (letters <= alphabet.G)
    return np.where(known, words, _NO_WORD)
