"""Tests of mirjax.sequences.pairing against Biopython and published seed sites."""

import numpy as np
import pytest
from Bio.Seq import Seq, complement_rna

from mirjax.sequences import alphabet, pairing

# miRNA, and its 7mer-m8 site in TargetScan.
LET7 = ("UGAGGUAGUAGGUUGUAUAGUU", "CUACCUC")
MIR124 = ("UAAGGCACGCGGUGAAUGCCAA", "GUGCCUU")


def test_reverse_complement_agrees_with_biopython():
    rng = np.random.default_rng(0)
    for length in range(30):
        sequence = "".join(rng.choice(list("ACGU"), length))
        expected = str(Seq(sequence).reverse_complement_rna())
        assert pairing.reverse_complement(sequence) == expected


def test_watson_crick_pairs_are_biopythons_complements():
    expected = {letter + complement_rna(letter) for letter in "ACGU"}
    assert len(pairing.WATSON_CRICK) == 4
    assert set(pairing.WATSON_CRICK) == expected
    assert {one + other for one, other in pairing.PARTNERS.items()} == expected


def test_wobbles_are_g_and_u_in_either_order():
    assert set(pairing.WOBBLE) == {"GU", "UG"}
    assert pairing.WOBBLE_PARTNERS == {"G": "U", "U": "G"}


def test_complement_of_tokens_is_that_of_letters():
    tokens = alphabet.encode(["ACGU"], 6)
    assert alphabet.decode(pairing.COMPLEMENT[tokens]) == [complement_rna("ACGU")]
    special = np.array([alphabet.PAD, alphabet.BOS, alphabet.EOS])
    assert np.array_equal(pairing.COMPLEMENT[special], special)
    assert pairing.COMPLEMENT.dtype == np.uint8


@pytest.mark.parametrize(("mirna", "site"), [LET7, MIR124])
def test_seed_sites_are_those_of_targetscan(mirna, site):
    assert pairing.seed_site(mirna) == site
    assert pairing.seed_site(mirna, pairing.SEED_6MER) == site[1:]
