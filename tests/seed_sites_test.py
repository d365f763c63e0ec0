"""Tests of mirjax.scanning.repression.seed_sites."""

import numpy as np
import pytest

from mirjax.scanning import site_types
from mirjax.scanning.repression import seed_sites
from mirjax.sequences import alphabet

_PAIRS = {"AU", "UA", "CG", "GC"}


def _kind_by_letters(mirna, utr, start):
    """The type of the six letters from `start`, letter by letter; None for no site."""

    def pairs(position):
        place = start + 7 - position  # miRNA letters count from 1
        return 0 <= place < len(utr) and mirna[position - 1] + utr[place] in _PAIRS

    a1 = start + 6 < len(utr) and utr[start + 6] == "A"
    if all(map(pairs, range(2, 8))):
        if pairs(8):
            return "8mer" if a1 else "7mer-m8"
        return "7mer-A1" if a1 else "6mer"
    if all(map(pairs, range(3, 9))):
        return "offset-6mer"
    if all(map(pairs, range(2, 7))) and a1:
        return "6mer-A1"
    return None


@pytest.mark.parametrize("seed", range(3))
def test_sites_are_those_of_a_letter_by_letter_search(seed):
    rng = np.random.default_rng(seed)
    # Two letters alone, so that sites overlap and lie at both ends.
    mirna = "".join(rng.choice(list("AU"), 20))
    utr = "".join(rng.choice(list("AU"), 600))
    expected = []
    for start in range(len(utr) - 5):
        kind = _kind_by_letters(mirna, utr, start)
        if kind is not None:
            expected.append((start, seed_sites.TYPES.index(kind)))
    found = seed_sites.find_sites(mirna, utr)
    assert [tuple(site) for site in found] == expected
    assert len(expected) > 10


def test_unknown_letters_pair_with_nothing():
    assert seed_sites.find_sites("UGAGGUAGUAGG", "NNNNNNNNNNNN") == []
    (site,) = seed_sites.find_sites("UGAGGUAGUAGG", "NUACCUCN")
    assert seed_sites.TYPES[site.kind] == "6mer"


def test_short_mirna_is_refused():
    with pytest.raises(ValueError, match="7 letters; a seed needs 8"):
        seed_sites.find_sites("UGAGGUA", "ACGU")


def test_passenger_strand_begins_opposite_the_guides_third_last_letter():
    passenger = seed_sites.passenger_strand("UGGAAUGUAAAGAAGUAUGUAU")
    assert passenger.startswith("ACAUACUUCUUUACAUUC")
    assert len(passenger) == 20


def test_canonical_sites_are_those_of_site_types():
    rng = np.random.default_rng(8)
    mirna = "".join(rng.choice(list("ACGU"), 22))
    utr = "".join(rng.choice(list("ACGUN"), 20_000, p=[0.24, 0.24, 0.24, 0.24, 0.04]))
    found = site_types.find_sites(
        list(alphabet.encode([utr], len(utr), unknown_as_pad=True)),
        list(alphabet.encode([mirna], len(mirna))),
    )
    begins = found.ends - (6 + np.isin(found.types, (0, 2)))
    expected = list(zip(begins.tolist(), found.types.tolist(), strict=True))
    sites = seed_sites.find_sites(mirna, utr)
    canonical = len(seed_sites.CANONICAL)
    assert [tuple(site) for site in sites if site.kind < canonical] == expected
    assert len(expected) > 2
