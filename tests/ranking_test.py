"""Tests of mirjax.inference.ranking against one teacher-forced pass a miRNA."""

import equations
import jax
import numpy as np
import pytest

from mirjax.datasets.batches import encode_pairs
from mirjax.evaluation.metrics.retrieval import true_ranks
from mirjax.inference import ranking
from mirjax.models.losses import shift_right
from mirjax.models.seq2seq import Seq2Seq
from mirjax.models.transformer import Transformer
from mirjax.sequences import alphabet

MODELS = {
    "transformer": Transformer(
        encoder_layers=1, decoder_layers=1, features=8, heads=2, hidden_features=12
    ),
    "seq2seq": Seq2Seq(conv_features=6, dense_features=5, lstm_features=7),
}
# Families that share a prefix, and lengths from 5 to the longest.
_RNG = np.random.default_rng(4)
MIRNAS = [
    family + rest
    for family in equations.random_letters(_RNG, 5, 5, 9)
    for rest in ["", *equations.random_letters(_RNG, 5, 1, 18)]
]


@pytest.fixture(scope="module", params=MODELS)
def model(request):
    return MODELS[request.param]


@pytest.fixture(scope="module")
def params(model):
    return equations.random_params(model, seed=3, scale=0.5)


@pytest.fixture(scope="module")
def targets():
    letters = equations.random_letters(np.random.default_rng(0), 5, 10, 29)
    return alphabet.encode(letters, 29)


def one_by_one(model, params, targets, mirnas):
    score = jax.jit(lambda *inputs: model.apply({"params": params}, *inputs))
    columns = []
    for mirna in mirnas:
        letters = ["A"] * len(targets)
        tokens = encode_pairs(
            letters, [mirna] * len(targets), target_length=29, mirna_length=27
        ).mirnas
        logits = np.asarray(score(targets, shift_right(tokens)), np.float64)
        log_probs = jax.nn.log_softmax(logits)
        symbols = np.maximum(tokens.astype(int) - 1, 0)
        gained = np.take_along_axis(np.asarray(log_probs), symbols[..., None], -1)
        columns.append((gained[..., 0] * (tokens > 0)).sum(axis=1))
    return np.stack(columns, axis=1)


@pytest.mark.slow
def test_ranking_is_one_pass_a_mirna(model, params, targets, monkeypatch):
    monkeypatch.setattr(ranking, "TREE_SIZE", 8)
    found = ranking.rank(model, params, targets, MIRNAS, batch_size=2)
    expected = one_by_one(model, params, targets, MIRNAS)
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.slow
def test_the_order_of_mirnas_and_of_targets_is_kept(model, params, targets):
    found = ranking.rank(model, params, targets, MIRNAS)
    order = np.random.default_rng(1).permutation(len(MIRNAS))
    turned = ranking.rank(
        model, params, targets[::-1], [MIRNAS[i] for i in order], batch_size=3
    )
    # Sums of up to 28 terms, near 50: the last bit of a float32 may differ.
    np.testing.assert_allclose(turned, found[::-1][:, order], rtol=1e-6, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("width", [1, 3, 64])
def test_true_ranks_are_those_of_the_whole_ranking(
    model, params, targets, width, monkeypatch
):
    true = [MIRNAS[0], MIRNAS[7], "ACGU", MIRNAS[-1], MIRNAS[12]]
    scores = ranking.rank(model, params, targets, MIRNAS)
    ranked = []  # numbers of targets that the beam search leaves to the ranking

    def rank(model, params, targets, mirnas):
        ranked.append(len(targets))
        return whole_rank(model, params, targets, mirnas)

    whole_rank = ranking.rank
    monkeypatch.setattr(ranking, "rank", rank)
    found = ranking.rank_true(model, params, targets, true, MIRNAS, width=width)
    np.testing.assert_array_equal(found.ranks, true_ranks(scores, MIRNAS, true))
    np.testing.assert_array_equal(found.first, scores.argmax(axis=1))
    assert not ranked if width == 64 else sum(ranked) > 0


@pytest.mark.slow
@pytest.mark.parametrize("mirnas", [["AUG"], ["A", "AU", "U"]])
def test_short_lists_rank_too(model, params, targets, mirnas):
    found = ranking.rank(model, params, targets[:1], mirnas)
    expected = one_by_one(model, params, targets[:1], mirnas)
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_no_targets_have_no_scores(model, params, targets):
    assert ranking.rank(model, params, targets[:0], ["AU", "A"]).shape == (0, 2)


@pytest.mark.parametrize(
    ("mirnas", "message"),
    [
        ([], "no miRNAs to rank"),
        (["AU", ""], "or an empty one"),
        (["AU", "A", "AU"], "given twice"),
        (["A" * 28], "28 nt, but the model emits at most 27"),
    ],
)
def test_what_cannot_be_ranked_is_refused(params, targets, mirnas, message):
    with pytest.raises(ValueError, match=message):
        ranking.rank(MODELS["seq2seq"], params, targets, mirnas)
