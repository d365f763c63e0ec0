"""Tests of mirjax.models.seq2seq against its equations in NumPy."""

import equations
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mirjax.datasets.batches import encode_pairs
from mirjax.models.layers import reverse_padded
from mirjax.models.losses import shift_right
from mirjax.models.seq2seq import Seq2Seq
from mirjax.sequences import alphabet

MODEL = Seq2Seq(conv_features=6, dense_features=5, lstm_features=7)
PLAIN = MODEL.clone(dropout=0.0, recurrent_dropout=0.0)
TARGETS = ["AUCGG", *equations.random_letters(np.random.default_rng(0), 3, 12, 28)]
TARGETS += equations.random_letters(np.random.default_rng(1), 1, 29, 29)
MIRNAS = ["A", *equations.random_letters(np.random.default_rng(2), 3, 16, 26), 27 * "G"]


@pytest.fixture(scope="module")
def params():
    return equations.random_params(MODEL, seed=0)


@pytest.fixture(scope="module")
def tokens():
    """Targets, and the letters before each step."""
    pairs = encode_pairs(TARGETS, MIRNAS, target_length=29, mirna_length=27)
    return jnp.asarray(pairs.targets), shift_right(jnp.asarray(pairs.mirnas))


@pytest.fixture(scope="module")
def score(params):
    """Logits, jitted once for every test."""
    return jax.jit(lambda targets, previous: apply(PLAIN, params, targets, previous))


def apply(model, params, targets, previous, key=None):
    rngs = None if key is None else {"dropout": key}
    return model.apply(
        {"params": params}, targets, previous, train=key is not None, rngs=rngs
    )


def test_logits_are_those_of_the_equations(params, tokens, score):
    found = score(*tokens)
    assert found.shape == (5, 28, 6)
    for row, target in enumerate(TARGETS):
        expected = equations.numpy_seq2seq(params, target, np.asarray(tokens[1][row]))
        np.testing.assert_allclose(found[row], expected, atol=2e-5)


def test_the_encoder_reads_from_the_3_prime_end(params, tokens):
    encode = jax.jit(lambda x: PLAIN.apply({"params": params}, x, method="encode"))
    h, c = encode(tokens[0])
    for row, target in enumerate(TARGETS):
        expected = equations.numpy_encoder(params, target[::-1])
        np.testing.assert_allclose(h[:, row], expected[0], atol=2e-5)
        np.testing.assert_allclose(c[:, row], expected[1], atol=2e-5)
    # The last target fills its row, so that its letters are fresh in the state.
    forward = equations.numpy_encoder(params, TARGETS[-1])
    assert np.abs(h[:, -1] - forward[0]).max() > 0.01


@pytest.mark.slow
def test_jit_equals_eager_and_dropout_is_for_training(params, tokens, score):
    eager = apply(MODEL, params, *tokens)
    np.testing.assert_allclose(eager, score(*tokens), atol=1e-5)
    keys = jax.random.split(jax.random.key(0))
    train = jax.jit(lambda key: apply(MODEL, params, *tokens, key=key))
    first, again, second = (train(key) for key in (keys[0], keys[0], keys[1]))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - second).max() > 0.01
    assert np.abs(first - eager).max() > 0.01


def test_the_published_size_has_the_published_parameter_count():
    targets, previous = np.zeros((1, 29), np.uint8), np.zeros((1, 28), np.uint8)
    shapes = jax.eval_shape(Seq2Seq().init, jax.random.key(0), targets, previous)
    count = sum(leaf.size for leaf in jax.tree.leaves(shapes))
    assert count == 2_650_246
    assert sorted(shapes["params"]) == [
        "decoder_dense",
        "decoder_lstm",
        "encoder_conv",
        "encoder_dense",
        "encoder_lstm",
        "output_dense",
    ]


@pytest.mark.parametrize("step", [0, 1, 13, 27])
def test_no_logit_depends_on_a_later_letter(tokens, score, step):
    targets, previous = tokens
    changed = previous.at[:, step].set((previous[:, step] + 1) % 5)
    before, after = score(targets, previous), score(targets, changed)
    np.testing.assert_array_equal(before[:, :step], after[:, :step])
    # Of every row, the step that reads it does depend on it.
    assert np.abs(before - after)[:, step].max(axis=-1).min() > 1e-3


def test_rows_do_not_see_each_other_or_the_padding_after_them(tokens, score):
    targets, previous = tokens
    whole = score(targets, previous)
    np.testing.assert_allclose(
        score(targets[2:3], previous[2:3])[0], whole[2], atol=1e-5
    )
    short = score(targets, previous[:, :20])
    np.testing.assert_allclose(short, whole[:, :20], atol=1e-5)


def test_reverse_padded_leaves_padding_on_the_right():
    rng = np.random.default_rng(0)
    texts = ["", "A", "AU", *equations.random_letters(rng, 20, 1, 9), "AUCGAUCGA"]
    found = jax.jit(reverse_padded)(alphabet.encode(texts, 9))
    np.testing.assert_array_equal(found, alphabet.encode([t[::-1] for t in texts], 9))
    assert found.dtype == np.uint8
