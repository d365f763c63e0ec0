"""Tests of mirjax.scanning.repression.site_embedding."""

import jax.numpy as jnp
import numpy as np
import pytest

import mirjax
from mirjax.scanning.repression import features, gene_table, head_file
from mirjax.scanning.repression.features import Utr
from mirjax.scanning.repression.head import RepressionHead, tabulate_sites
from mirjax.scanning.repression.seed_sites import find_sites
from mirjax.scanning.repression.site_embedding import (
    classify_sites,
    window_around,
)
from mirjax.sequences import alphabet
from mirjax.sequences.records import SequenceRecord

_LET7, _MIR1 = "UGAGGUAGUAGGUUGUAUAGUU", "UGGAAUGUAAAGAAGUAUGUAU"
_COLUMNS = [features.NAMES.index(name) for name in features.CLASSIFIER]


def _utr(seed=0, length=300):
    letters = np.random.default_rng(seed).choice(list("ACGU"), length)
    for start, site in ((3, "CUACCUCA"), (120, "ACAUUCC"), (length - 9, "UACCUC")):
        letters[start : start + len(site)] = list(site)
    return "".join(letters)


def _places(utr):
    return [(m, utr, site.start) for m in (_LET7, _MIR1) for site in find_sites(m, utr)]


def _windows(places):
    """22 nt, the six letters, 22 nt; moved inside near an end."""
    firsts = [min(max(start - 22, 0), len(utr) - 50) for _, utr, start in places]
    return [
        utr[first : first + 50]
        for (_, utr, _), first in zip(places, firsts, strict=True)
    ]


def log_probabilities(places):
    return classify_sites(places)[:, 0]


@pytest.mark.parametrize(
    ("start", "expected"), [(10, (5, 21)), (2, (0, 16)), (44, (34, 50)), (5, (0, 16))]
)
def test_the_site_is_in_the_middle_unless_an_end_is_near(start, expected):
    utr = _utr()[:50]
    assert window_around(utr, start, 16) == utr[slice(*expected)]
    assert window_around(utr, start, 60) == utr


def test_log_probability_is_that_of_the_python_interface():
    places = _places(_utr())
    assert len(places) >= 3
    model = mirjax.load("pretrained/screen")
    mirnas, windows = [m for m, _, _ in places], _windows(places)
    expected = np.log(model.predict_proba(mirnas, windows))
    np.testing.assert_allclose(log_probabilities(places), expected, rtol=1e-5)


def test_the_embedding_is_what_the_last_layers_of_the_network_read():
    """As the Flax module pools it; and the two layers make the probability of it."""
    places = _places(_utr())
    loaded = mirjax.load("pretrained/screen")
    model, params = loaded.trained.model, loaded.trained.params
    mirnas = alphabet.encode([m for m, _, _ in places], model.max_mirna_length)
    targets = alphabet.encode(_windows(places), model.max_target_length)
    tokens = jnp.asarray(mirnas), jnp.asarray(targets)
    _, seen = model.apply({"params": params}, *tokens, capture_intermediates=True)
    pooled = seen["intermediates"]["pool"]["__call__"][0]
    log_probability, embedding = np.split(classify_sites(places), [1], axis=1)
    np.testing.assert_allclose(embedding, pooled, rtol=1e-4, atol=1e-4)

    hidden, output = params["hidden_dense"], params["output_dense"]
    x = embedding @ hidden["kernel"] + hidden["bias"]
    x = np.maximum(x, 0.1 * x) @ output["kernel"] + output["bias"]
    odds = np.exp(x / loaded.temperature)
    np.testing.assert_allclose(log_probability, np.log(odds / (1 + odds)), rtol=1e-4)


def test_a_site_has_the_same_features_alone_and_among_many():
    places = [place for seed in range(40) for place in _places(_utr(seed))]
    assert len(places) > 100
    together = classify_sites(places)
    alone = [classify_sites([place])[0] for place in places[:3] + places[-3:]]
    np.testing.assert_array_equal(np.r_[together[:3], together[-3:]], alone)


def test_unknown_letters_short_utrs_and_long_strands_are_read():
    utr = _utr()
    found = classify_sites(
        [
            (_LET7, "N" * 10 + "CUACCUCA" + "N" * 40, 11),
            (_LET7, "GCUACCUCAG", 2),
            (_LET7 + "ACGUACGUACGU", utr, 120),
        ]
    )
    assert np.isfinite(found).all() and (found[:, 0] < 0).all()
    assert classify_sites([]).shape == (0, 17)


def test_efficacy_is_multiplied_by_a_power_of_the_probability():
    """With the logarithm as the only feature, e to the b times P to the w."""
    head = RepressionHead(
        guide=(-0.5, -1.0, -1.5, -2.0, -3.0, -3.0),
        passenger=(-12.0,) * 6,
        slopes={features.LOG_PROBABILITY: 0.6},
        centres={features.LOG_PROBABILITY: 0.0},
        scales={features.LOG_PROBABILITY: 0.3},
        intervals=((0.0, -0.5, 0.5),),
    )
    assert head.classifies
    utrs, mirnas = [_utr(seed) for seed in range(3)], [_LET7, _MIR1]
    records = [
        [SequenceRecord(f"{kind}{n}", text) for n, text in enumerate(texts)]
        for kind, texts in (("m", mirnas), ("t", utrs))
    ]
    model = head_file.RepressionModel(head)
    rows = gene_table.predict_table(model, *records, fold=False).to_pylist()
    found = {(row["mirna"], row["target"]): row["repression"] for row in rows}
    for u, utr in enumerate(utrs):
        for m, mirna in enumerate(mirnas):
            sites = find_sites(mirna, utr)
            power = np.exp(log_probabilities([(mirna, utr, s.start) for s in sites]))
            total = np.exp([head.guide[s.kind] for s in sites]) @ power ** (0.6 / 0.3)
            assert found.get((f"m{m}", f"t{u}"), 0) == pytest.approx(
                -np.log2(1 + total)
            )


def test_without_the_classifier_its_columns_are_empty():
    utrs = [Utr.make(_utr())]
    with_it, without = (
        tabulate_sites(utrs, [_LET7], passenger=True, classify=classify).values
        for classify in (True, False)
    )
    assert np.isfinite(with_it).all() and np.isnan(without[:, _COLUMNS]).all()
    others = np.delete(np.arange(len(features.NAMES)), _COLUMNS)
    np.testing.assert_array_equal(with_it[:, others], without[:, others])


def test_shipped_models_use_the_classifier():
    for name in (head_file.PRETRAINED, f"{head_file.PRETRAINED}/hela"):
        model = head_file.read_model(head_file.find_model(name))
        assert model.head.classifies
        assert model.head.slopes[features.LOG_PROBABILITY] > 0
        assert set(features.EMBEDDING) <= model.head.slopes.keys()
        assert all(fold.classifies for fold in model.folds.values())
