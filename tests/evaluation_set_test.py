"""Tests of mirjax.evaluation.evaluation_set."""

import numpy as np
import pytest

from mirjax.datasets import registry
from mirjax.evaluation.evaluation_set import select_rows
from mirjax.sequences import alphabet
from mirjax.sequences.records import Pairs


@pytest.fixture
def sites(monkeypatch):
    """Perfect sites of 22 nt between flanks, in the place of simulated pairs."""
    rng = np.random.default_rng(0)
    mirnas = ["".join(rng.choice(list("ACGU"), 22)) for _ in range(20)]
    sites = [alphabet.reverse_complement(mirna) for mirna in mirnas]
    pairs = Pairs(mirnas, [f"GAU{site}CAUC" for site in sites])
    monkeypatch.setattr(registry, "load_pairs", lambda name: pairs)
    return dict(zip(mirnas, sites, strict=True))


@pytest.mark.parametrize(
    ("name", "cut"),
    [("simulated", True), ("mitar2021+simulated", True), ("mitar2021", False)],
)
def test_targets_are_cut_as_they_were_for_the_training(sites, name, cut):
    rows = select_rows("simulated", trained_on={"name": name, "site_window": 9})
    assert ("cut to 9 nt" in rows.describe()) == cut
    assert ("cut to 9 nt" in rows.fitted_on) == cut
    for part in (rows.train, rows.held_out):
        assert len(part)
        for mirna, target in zip(part.mirnas, part.targets, strict=True):
            whole = f"GAU{sites[mirna]}CAUC"
            assert target == (sites[mirna][-9:] if cut else whole)
