"""Seed sites of a miRNA in a 3'UTR, weak ones included.

A site is the six adjacent target letters opposite miRNA letters 7 to 2. The types, the
strongest first:
  8mer         miRNA letters 2-8 pair, and an A lies opposite letter 1
  7mer-m8      2-8 pair
  7mer-A1      2-7 pair, and an A lies opposite letter 1
  6mer         2-7 pair
  offset-6mer  3-8 pair, and 2 does not
  6mer-A1      2-6 pair, 7 does not, and an A lies opposite letter 1
The first four are those of `site_types`; the last two are weak but frequent.

References:
  Agarwal et al. 2015, Predicting effective microRNA target sites in mammalian mRNAs,
  doi 10.7554/eLife.05005.
"""

import re
from typing import NamedTuple

from mirjax.scanning.site_types import OTHER, SITE_TYPES
from mirjax.sequences.pairing import PARTNERS, SEED_6MER, seed_site

CANONICAL = SITE_TYPES[:OTHER]
TYPES = (*CANONICAL, "offset-6mer", "6mer-A1")
LENGTH = 6  # letters of a site, those opposite miRNA letters 7 to 2

_OFFSET, _FIVE = slice(2, 8), slice(1, 6)  # miRNA letters 3-8 and 2-6
_OVERHANG = 2  # letters of a strand of the duplex that stay unpaired at its 3' end


class SeedSite(NamedTuple):
    """A seed site.

    Attributes:
      start: of the six letters, from 0.
      kind: its number in `TYPES`.
    """

    start: int
    kind: int


def find_sites(mirna: str, utr: str) -> list[SeedSite]:
    """Find all seed sites of a miRNA, overlapping ones included, ordered by start.

    >>> find_sites("UGAGGUAGUAGGUUGUAUAGUU", "GGCUACCUCAGG")
    [SeedSite(start=3, kind=0)]

    Args:
      mirna: at least 8 letters, 5'→3', RNA letters.
      utr: the 3'UTR, 5'→3', RNA letters and N.

    Raises:
      ValueError: for a shorter miRNA.
    """
    if len(mirna) < _OFFSET.stop:
        raise ValueError(
            f"the miRNA {mirna} has {len(mirna)} letters; a seed needs {_OFFSET.stop}"
        )
    kinds: dict[int, int] = {}
    for start in _occurrences(seed_site(mirna, SEED_6MER), utr):
        has_m8 = start > 0 and utr[start - 1] == PARTNERS[mirna[7]]
        has_a1 = utr[start + LENGTH : start + LENGTH + 1] == "A"
        kinds[start] = 3 - has_a1 - 2 * has_m8
    for place in _occurrences(seed_site(mirna, _OFFSET), utr):
        if place + 1 + LENGTH <= len(utr):
            kinds.setdefault(place + 1, TYPES.index("offset-6mer"))
    for place in _occurrences(seed_site(mirna, _FIVE) + "A", utr):
        if place > 0:
            kinds.setdefault(place - 1, TYPES.index("6mer-A1"))
    return [SeedSite(*item) for item in sorted(kinds.items())]


def passenger_strand(mirna: str) -> str:
    """Return the strand that pairs with a miRNA in the duplex that is transfected.

    It is assumed to be fully complementary, with two unpaired letters at both 3' ends.
    Its own 3' end, which differs between designs, is left out.

    >>> passenger_strand("UGAGGUAGUAGGUUGUAUAGUU")
    'CUAUACAACCUACUACCUCA'

    Args:
      mirna: 5'→3', RNA letters.
    """
    return seed_site(mirna, slice(0, len(mirna) - _OVERHANG))


def _occurrences(word: str, utr: str) -> list[int]:
    """Return where a word begins, overlapping occurrences included."""
    return [match.start() for match in re.finditer(f"(?={word})", utr)]
