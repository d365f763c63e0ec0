"""Tests of mirjax.models.losses against Keras's formulas in float64."""

import functools

import equations
import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mirjax.datasets.batches import Batch, encode_pairs
from mirjax.models import losses
from mirjax.models.mitar import Mitar
from mirjax.models.seq2seq import Seq2Seq
from mirjax.sequences import alphabet

MODEL = Seq2Seq(conv_features=6, dense_features=5, lstm_features=7)
CLASSIFIER = Mitar(
    conv_features=6, conv_width=4, lstm_features=5, dense_features=4, dropout=0.0
)
L2 = 0.01


class Table(nn.Module):
    """Logits that are a function of the previous letter alone."""

    @nn.compact
    def __call__(self, targets, previous, train=False):
        return nn.Dense(6, use_bias=False, name="letter_dense")(
            jax.nn.one_hot(previous, 7)
        )


@pytest.mark.parametrize("scale", [1.0, 30.0])
def test_cross_entropy_is_keras_2s(scale):
    mirnas = equations.random_batch(20).mirnas
    logits = scale * np.random.default_rng(1).normal(size=(20, 28, 6))
    expected = equations.keras_crossentropy(logits, np.asarray(mirnas))
    found = losses.cross_entropy(jnp.float32(logits), mirnas)
    np.testing.assert_allclose(found, expected, atol=2e-5)
    assert not found[mirnas == alphabet.PAD].any()
    # Probabilities are clipped at the wide scale only.
    clipped = np.isclose(expected, -np.log(1e-7))
    assert clipped.any() == (scale > 1)


def test_cross_entropy_is_computed_in_float32():
    mirnas = jnp.full((1, 1), alphabet.A, jnp.uint8)
    logits = jnp.array([[[5.0, 0, 0, 0, 0, 0]]], jnp.bfloat16)
    (found,) = losses.cross_entropy(logits, mirnas)
    assert found.dtype == jnp.float32
    np.testing.assert_allclose(found, np.log(1 + 5 * np.exp(-5)), rtol=1e-5)


def test_shift_right_returns_the_tokens_before():
    batch = encode_pairs(["A"], ["UCG"], target_length=2, mirna_length=5)
    found = losses.shift_right(jnp.asarray(batch.mirnas))
    assert found.tolist() == [[5, 2, 3, 4, 6, 0]]
    assert found.dtype == np.uint8


evaluate_table = jax.jit(functools.partial(losses.evaluate_batch, Table()))


def evaluate(batch, params):
    return losses.evaluation_metrics(evaluate_table(params, batch), params, l2=0.0)


@pytest.fixture(scope="module")
def table():
    kernel = np.random.default_rng(0).normal(0, 2, (7, 6)).astype(np.float32)
    kernel[alphabet.PAD, 0] = 9.0  # after padding, an A: Keras counts it as correct
    return {"letter_dense": {"kernel": kernel}}


def test_metrics_are_keras_means_over_all_28_steps(table):
    batch = equations.random_batch(9)
    found = evaluate(batch, table)
    mirnas = np.asarray(batch.mirnas)
    logits = table["letter_dense"]["kernel"][
        np.asarray(losses.shift_right(batch.mirnas))
    ]
    loss = equations.keras_crossentropy(np.float64(logits), mirnas).mean()
    valid = mirnas != alphabet.PAD
    predicted = logits.argmax(-1)
    # To Keras, the argmax of a padded step's row of zeros is symbol 0, an A.
    assert (predicted[:, -1] == 0).all()
    truth = np.where(valid, mirnas.astype(int) - 1, 0)
    assert found == pytest.approx(
        {
            "loss": loss,
            "cross_entropy": loss,
            "token_accuracy_keras": np.mean(predicted == truth),
            "token_accuracy_masked": np.mean((predicted == truth)[valid]),
        },
        rel=1e-5,
    )


def test_sums_over_batches_are_those_over_all_rows(table):
    batch = equations.random_batch(10)
    parts = [
        Batch(*(column[part] for column in batch))
        for part in (slice(3), slice(3, None))
    ]
    sums = [evaluate_table(table, part) for part in parts]
    together = jax.tree.map(lambda *values: sum(values), *sums)
    assert losses.evaluation_metrics(together, table, 0.0) == pytest.approx(
        evaluate(batch, table), rel=1e-5
    )


def test_the_loss_of_no_rows_is_0_and_not_nan(table):
    batch = equations.random_batch(2)
    found = evaluate(batch._replace(weights=jnp.zeros(2)), table)
    assert set(found.values()) == {0.0}


def test_the_penalty_is_on_the_three_dense_kernels():
    params = equations.random_params(MODEL, seed=0)
    penalised = ("encoder_dense", "decoder_dense", "output_dense")
    expected = sum(
        np.sum(np.float64(params[name]["kernel"]) ** 2) for name in penalised
    )
    penalty, gradient = jax.value_and_grad(losses.l2_penalty)(params, L2)
    np.testing.assert_allclose(penalty, L2 * expected, rtol=1e-5)
    for layer, weights in gradient.items():
        for name, slope in weights.items():
            factor = 2 * L2 * (layer in penalised and name == "kernel")
            np.testing.assert_allclose(slope, factor * params[layer][name], rtol=1e-5)


def test_binary_cross_entropy_is_keras_2s():
    logits = np.linspace(-30, 30, 121)
    for label in (0.0, 1.0):
        found = losses.binary_cross_entropy(
            jnp.float32(logits), jnp.full(121, label, jnp.float32)
        )
        expected = equations.keras_binary_crossentropy(1 / (1 + np.exp(-logits)), label)
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=2e-7)


def test_metrics_of_a_classifier_are_those_of_the_equations():
    params = equations.random_params(CLASSIFIER, 3, scale=0.5)
    batch, mirnas, targets = equations.random_labelled_batch(7)
    batch = batch._replace(weights=jnp.float32([1, 1, 1, 0, 1, 1, 0]))
    sums = jax.jit(functools.partial(losses.evaluate_batch, CLASSIFIER))(params, batch)
    assert losses.evaluation_metrics(sums, params, L2) == pytest.approx(
        equations.mitar_metrics(params, mirnas, targets, batch, L2), rel=1e-5
    )
