"""Tests of mirjax.datasets.site_window."""

import numpy as np
import pytest

from mirjax.alignment import complementarity
from mirjax.datasets import registry
from mirjax.datasets.site_window import cut_to_sites, site_ends
from mirjax.sequences.records import Pairs


def random_sequences(rng, lengths):
    return ["".join(rng.choice(list("ACGU"), length)) for length in lengths]


@pytest.mark.slow
def test_ends_are_those_of_every_beginning_scored_by_itself():
    rng = np.random.default_rng(0)
    mirnas = random_sequences(rng, rng.integers(5, 26, 40))
    targets = random_sequences(rng, rng.integers(1, 41, 40))
    expected = []
    for mirna, target in zip(mirnas, targets, strict=True):
        beginnings = [target[:end] for end in range(1, len(target) + 1)]
        scores = complementarity.score_all(beginnings, [mirna], anchored=True)[:, 0]
        expected.append(1 + int(np.flatnonzero(scores == scores.max())[-1]))
    assert site_ends(mirnas, targets).tolist() == expected
    assert len(set(expected)) > 10


@pytest.mark.parametrize(
    ("mirna", "target", "end"),
    [
        ("UCCUUGG", "CCAAGGAUCCAAG", 7),  # opposite letter 1, which pairs with the A
        ("UCCUUGG", "CCAAGGGUCCAAG", 7),  # or wobbles with a G
        ("GGUUCC", "GGAACCGGAACC", 12),  # as good at 6: the last
        ("UUUUUU", "UUUU", 4),  # nothing pairs: all of it
    ],
)
def test_where_a_site_ends(mirna, target, end):
    assert site_ends([mirna], [target]).tolist() == [end]


def test_a_window_that_would_begin_before_its_target_is_shorter():
    pairs = Pairs(["UCCUUGG"] * 3, ["CCAAGGAUCCAAG"] * 3, np.array([1, 0, 1], np.uint8))
    assert cut_to_sites(pairs, 5).targets == ["AAGGA", "CCAAGGAUCCAAG", "AAGGA"]
    assert cut_to_sites(pairs, 9).targets == ["CCAAGGA", "CCAAGGAUCCAAG", "CCAAGGA"]
    unlabelled = Pairs(pairs.mirnas, pairs.targets)
    assert cut_to_sites(unlabelled, 5).targets == ["AAGGA"] * 3
    assert cut_to_sites(unlabelled.take([]), 5).targets == []


@pytest.mark.slow
def test_sites_that_were_cut_out_along_an_alignment_keep_their_end(data_dir):
    pairs = registry.load_pairs("chakraborty2019").take(range(0, 19_000, 19))
    cut = cut_to_sites(pairs, 29)
    as_it_was = [a == b for a, b in zip(cut.targets, pairs.targets, strict=True)]
    assert np.mean(as_it_was) > 0.9
