"""Drawings of duplexes: the strands are whole, and marks stand between partners."""

import numpy as np
import pytest

from mirjax.sequences.pairing import WATSON_CRICK, WOBBLE, reverse_complement
from mirjax.studies.duplex import fold

MIRNA = "UGAGGUAGUAGGUUGUAUAGUU"


def lines(drawing):
    above, between, below = drawing.split("\n")
    start = above.index("5' ") + 3
    return [line[start:] for line in (above, between, below)]


def test_a_perfect_site():
    above, between, below = lines(fold(MIRNA, reverse_complement(MIRNA)).drawing)
    assert above == f"{reverse_complement(MIRNA)} 3'"
    assert between == "|" * len(MIRNA)
    assert below == f"{MIRNA[::-1]} 5'"


@pytest.mark.parametrize("seed", range(30))
def test_strands_are_whole_and_marks_stand_between_partners(seed):
    rng = np.random.default_rng(seed)
    letters = list("AUCG")
    mirna = "".join(rng.choice(letters, 22))
    site = list(reverse_complement(mirna))
    for position in rng.integers(0, 22, 5):
        site[position] = rng.choice(letters)
    target = "".join(rng.choice(letters, rng.integers(0, 12))) + "".join(site)
    found = fold(mirna, target)
    above, between, below = lines(found.drawing)
    strand = str.maketrans("", "", "- 35'")
    assert above.translate(strand) == target
    assert below.translate(strand) == mirna[::-1]
    assert found.energy < 0
    for column, mark in enumerate(between):
        if mark != " ":
            pair = above[column] + below[column]
            assert pair in (WATSON_CRICK if mark == "|" else WOBBLE)
