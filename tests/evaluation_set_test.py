"""Tests of mirjax.evaluation.evaluation_set."""

import gzip
import io
import logging
import sys
import types

import numpy as np
import pytest

from mirjax.datasets import registry
from mirjax.evaluation.evaluation_set import make_evaluation_set
from mirjax.evaluation.options import RowOptions
from mirjax.models import make_model
from mirjax.models.trained import TrainedModel
from mirjax.sequences import alphabet, pairing
from mirjax.sequences.bad_records import SKIP, BadRecords
from mirjax.sequences.records import Pairs


@pytest.fixture
def sites(monkeypatch):
    """Perfect sites of 22 nt between flanks, in place of the simulated pairs."""
    rng = np.random.default_rng(0)
    mirnas = ["".join(rng.choice(list("ACGU"), 22)) for _ in range(20)]
    sites = [pairing.reverse_complement(mirna) for mirna in mirnas]
    pairs = Pairs(mirnas, [f"GAU{site}CAUC" for site in sites])
    monkeypatch.setattr(registry, "load_pairs", lambda name, **_: pairs)
    return dict(zip(mirnas, sites, strict=True))


def generator(trained_on):
    """A model for targets of 29 nt at most, without parameters."""
    return TrainedModel(make_model({"name": "seq2seq"}), {}, {"data": trained_on})


@pytest.mark.parametrize(
    ("name", "cut"),
    [("simulated", True), ("mitar2021+simulated", True), ("mitar2021", False)],
)
def test_targets_are_cut_as_they_were_for_the_training(sites, name, cut):
    trained = generator({"name": name, "site_window": 9})
    rows = make_evaluation_set(trained, RowOptions("simulated"))
    assert ("cut to 9 nt" in rows.describe()) == cut
    assert ("cut to 9 nt" in rows.source.fitted_on) == cut
    assert rows.source.is_training_data == (name == "simulated")
    for part in (rows.train, rows.held_out):
        assert len(part)
        for mirna, target in zip(part.mirnas, part.targets, strict=True):
            whole = f"GAU{sites[mirna]}CAUC"
            assert target == (sites[mirna][-9:] if cut else whole)


@pytest.fixture
def pairs_file(tmp_path):
    """Three positives, the second with the target of the first, and a negative."""
    path = tmp_path / "pairs.csv"
    path.write_text(
        "mirna,target,label\nACGUACGUAA,GGGGCCCC,1\nACGUACGUAC,GGGGCCCC,1\n"
        "ACGUACGUAA,GGGGCCCA,0\nUCGUACGUAA,GGGGCCCU,1\n"
    )
    return path


@pytest.mark.slow
def test_what_metrics_share_is_derived_from_both_sets(pairs_file, tmp_path):
    database = tmp_path / "mirnas.fa"
    database.write_text(">m1\nACGUACGUAA\n>m2\nUUUUUUUU\n>m3\nACGUACGUAA\n")
    options = RowOptions(
        str(pairs_file), train_data="simulated", database=str(database)
    )
    rows = make_evaluation_set(generator({}), options)
    assert rows.held_out.targets == ["GGGGCCCC", "GGGGCCCC", "GGGGCCCU"]
    assert (rows.source.available, rows.source.dropped) == (3, 1)
    assert rows.describe() == f"{pairs_file}, whole file, 3 rows"
    assert not rows.source.is_training_data
    # Of each target the miRNAs of all positive pairs, held out or for training.
    assert rows.known["GGGGCCCC"] == {"ACGUACGUAA", "ACGUACGUAC"}
    assert rows.known["GGGGCCCU"] == {"UCGUACGUAA"}
    assert rows.train.mirnas[0] in rows.known[rows.train.targets[0]]
    assert rows.is_new_target.tolist() == [True, True, True]
    assert rows.database_mirnas == ["ACGUACGUAA", "UUUUUUUU"]
    assert rows.train_mirnas == list(dict.fromkeys(rows.train.mirnas))
    assert rows.complementarity.shape == (3, len(rows.train_mirnas))
    assert rows.complementarity is rows.complementarity  # computed once
    np.testing.assert_array_equal(
        rows.tokens.targets[2, :9], alphabet.encode(["GGGGCCCU"], 9)[0]
    )


def test_targets_of_training_pairs_are_not_new(sites):
    rows = make_evaluation_set(generator({}), RowOptions("simulated", part="train"))
    assert not rows.is_new_target.any()
    rows = make_evaluation_set(generator({}), RowOptions("simulated", part="test"))
    assert rows.is_new_target.all()


def test_a_table_may_come_from_standard_input(monkeypatch, caplog):
    text = b"mirna,target\nACGU,GGGGGGGG\nUUGA,CCCCCCCC\nAC-U,GGGGGGGG\nUUGA,CC\n"
    stream = types.SimpleNamespace(buffer=io.BytesIO(gzip.compress(text)))
    monkeypatch.setattr(sys, "stdin", stream)
    bad = BadRecords(SKIP)
    options = RowOptions("-", train_data="simulated", bad_records=bad)
    with caplog.at_level(logging.INFO, "absl"):
        rows = make_evaluation_set(generator({}), options)
    assert rows.held_out.mirnas == ["ACGU", "UUGA"]
    assert [skipped.record for skipped in bad.skipped] == ["line 4", "line 5"]
    assert rows.describe() == "-, whole file, 2 rows"
    assert "- (all): pairs without labels, taken as positive" in caplog.text
    with pytest.raises(ValueError, match="- is given for two inputs"):
        RowOptions("-", database="-")


def test_a_classifier_gets_all_rows_with_labels(pairs_file):
    trained = TrainedModel(make_model({"name": "mitar"}), {}, {})
    options = RowOptions(str(pairs_file), train_data="simulated", sample=3)
    rows = make_evaluation_set(trained, options)
    drawn = np.sort(np.random.default_rng(0).choice(4, 3, replace=False))
    assert rows.held_out.labels.tolist() == np.array([1, 1, 0, 1])[drawn].tolist()
    sample = "a random sample of 3 of 4 (seed 0)"
    assert rows.describe() == f"{pairs_file}, whole file, {sample}"
    assert set(rows.train.labels) == {1}  # the simulated pairs have no labels
    assert not rows.database
