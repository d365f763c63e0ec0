"""Tests of mirjax.training.steps."""

import functools

import equations
import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from mirjax.datasets.batches import Batch, LabelledBatch, encode_labelled, encode_pairs
from mirjax.models import losses
from mirjax.models.mitar import Mitar
from mirjax.models.seq2seq import Seq2Seq
from mirjax.sequences import alphabet
from mirjax.training import steps
from mirjax.training.state import TrainState

MODEL = Seq2Seq(conv_features=6, dense_features=5, lstm_features=7)
L2 = 0.01


class Table(nn.Module):
    """Logits that are a function of the previous letter alone."""

    @nn.compact
    def __call__(self, targets, previous, train=False):
        return nn.Dense(6, use_bias=False, name="letter_dense")(
            jax.nn.one_hot(previous, 7)
        )


def random_batch(rows, seed=0):
    rng = np.random.default_rng(seed)
    pairs = encode_pairs(
        equations.random_letters(rng, rows, 12, 29),
        equations.random_letters(rng, rows, 16, 26),
        target_length=29,
        mirna_length=27,
    )
    return Batch(*map(jnp.asarray, pairs))


def keras_crossentropy(logits, mirnas):
    """Keras 2.2's in float64, from one-hot targets and clipped probabilities."""
    one_hot = np.zeros(logits.shape)
    for row, step in np.argwhere(mirnas != alphabet.PAD):
        one_hot[row, step, mirnas[row, step] - 1] = 1
    probabilities = np.exp(logits - logits.max(axis=-1, keepdims=True))
    probabilities /= probabilities.sum(axis=-1, keepdims=True)
    return -np.sum(one_hot * np.log(np.clip(probabilities, 1e-7, 1 - 1e-7)), axis=-1)


@pytest.mark.parametrize("scale", [1.0, 30.0])
def test_cross_entropy_is_keras_2s(scale):
    mirnas = random_batch(20).mirnas
    logits = scale * np.random.default_rng(1).normal(size=(20, 28, 6))
    expected = keras_crossentropy(logits, np.asarray(mirnas))
    found = losses.cross_entropy(jnp.float32(logits), mirnas)
    np.testing.assert_allclose(found, expected, atol=2e-5)
    assert not found[mirnas == alphabet.PAD].any()
    # At the wide scale both ends of the clip are met.
    clipped = np.isclose(expected, -np.log(1e-7))
    assert clipped.any() == (scale > 1)


def test_cross_entropy_is_computed_in_float32():
    mirnas = jnp.full((1, 1), alphabet.A, jnp.uint8)
    logits = jnp.array([[[5.0, 0, 0, 0, 0, 0]]], jnp.bfloat16)
    (found,) = losses.cross_entropy(logits, mirnas)
    assert found.dtype == jnp.float32
    np.testing.assert_allclose(found, np.log(1 + 5 * np.exp(-5)), rtol=1e-5)


def test_shift_right_gives_the_symbols_before():
    batch = encode_pairs(["A"], ["UCG"], target_length=2, mirna_length=5)
    found = losses.shift_right(jnp.asarray(batch.mirnas))
    assert found.tolist() == [[5, 2, 3, 4, 6, 0]]
    assert found.dtype == np.uint8


table_sums = jax.jit(functools.partial(losses.evaluation_sums, Table()))


def evaluate(batch, params):
    return losses.summarise(table_sums(params, batch), params, l2=0.0)


@pytest.fixture(scope="module")
def table():
    kernel = np.random.default_rng(0).normal(0, 2, (7, 6)).astype(np.float32)
    kernel[alphabet.PAD, 0] = 9.0  # after padding, an A: what Keras counts as right
    return {"letter_dense": {"kernel": kernel}}


def test_metrics_are_keras_means_over_all_28_steps(table):
    batch = random_batch(9)
    found = evaluate(batch, table)
    mirnas = np.asarray(batch.mirnas)
    logits = table["letter_dense"]["kernel"][
        np.asarray(losses.shift_right(batch.mirnas))
    ]
    loss = keras_crossentropy(np.float64(logits), mirnas).mean()
    real = mirnas != alphabet.PAD
    predicted = logits.argmax(-1)
    # To Keras, the argmax of a padded step's row of zeros is symbol 0, an A.
    assert (predicted[:, -1] == 0).all()
    truth = np.where(real, mirnas.astype(int) - 1, 0)
    assert found == pytest.approx(
        {
            "loss": loss,
            "cross_entropy": loss,
            "token_accuracy_keras": np.mean(predicted == truth),
            "token_accuracy_masked": np.mean((predicted == truth)[real]),
        },
        rel=1e-5,
    )


def test_sums_over_batches_are_those_over_all_rows(table):
    batch = random_batch(10)
    parts = [
        Batch(*(column[part] for column in batch))
        for part in (slice(3), slice(3, None))
    ]
    sums = [table_sums(table, part) for part in parts]
    together = jax.tree.map(lambda *values: sum(values), *sums)
    assert losses.summarise(together, table, 0.0) == pytest.approx(
        evaluate(batch, table), rel=1e-5
    )


def test_no_rows_have_loss_0_not_nan(table):
    batch = random_batch(2)
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


@pytest.fixture(scope="module")
def step():
    """A jitted step of plain descent of rate 1, and a state before it."""
    optimizer = optax.sgd(1.0)
    params = equations.random_params(MODEL, seed=0, scale=0.3)
    state = steps.TrainState(jnp.array(3), params, optimizer.init(params))
    jitted = jax.jit(functools.partial(steps.train_step, MODEL, optimizer, L2))
    return lambda key=0, number=3, batch=None: jitted(
        jax.random.key(key),
        state.replace(step=jnp.array(number)),
        random_batch(4) if batch is None else batch,
    )


def assert_equal(first, second, **tolerance):
    pairs = zip(jax.tree.leaves(first), jax.tree.leaves(second), strict=True)
    for one, other in pairs:
        np.testing.assert_allclose(one, other, **({"rtol": 0} | tolerance))


def test_a_step_is_a_pure_function_of_key_and_step(step):
    state, metrics = step()
    assert int(state.step) == 4
    assert_equal(step(), (state, metrics))
    for other in (step(key=1), step(number=4)):
        assert abs(other[1]["loss"] - metrics["loss"]) > 1e-5  # other dropout


def test_rows_of_weight_0_change_nothing(step):
    batch = random_batch(4)._replace(weights=jnp.array([1.0, 1.0, 0.0, 0.0]))
    junk = batch._replace(
        targets=batch.targets.at[2:].set(alphabet.G),
        mirnas=batch.mirnas.at[2:].set(alphabet.C),
    )
    found, expected = step(batch=junk), step(batch=batch)
    assert_equal(found, expected, rtol=1e-5, atol=1e-7)
    assert abs(step()[1]["loss"] - expected[1]["loss"]) > 1e-5


def test_a_step_descends_the_gradient_that_it_reports():
    """Without dropout: against finite differences of the evaluation's loss."""
    model = MODEL.clone(dropout=0.0, recurrent_dropout=0.0)
    params = equations.random_params(model, seed=1, scale=0.3)
    batch = random_batch(3)._replace(weights=jnp.array([1.0, 1.0, 0.0]))
    optimizer = optax.sgd(1.0)
    state = steps.TrainState(jnp.array(0), params, optimizer.init(params))
    train = jax.jit(functools.partial(steps.train_step, model, optimizer, L2))
    after, metrics = train(jax.random.key(0), state, batch)
    gradient = jax.tree.map(np.subtract, params, after.params)
    norm = np.sqrt(sum(np.sum(np.square(leaf)) for leaf in jax.tree.leaves(gradient)))
    np.testing.assert_allclose(metrics["gradient_norm"], norm, rtol=1e-4)

    sums = jax.jit(functools.partial(losses.evaluation_sums, model))

    def loss(at):
        return losses.summarise(sums(at, batch), at, L2)["loss"]

    assert loss(params) == pytest.approx(float(metrics["loss"]), rel=1e-6)
    size = 0.01 / norm
    uphill, downhill = (
        jax.tree.map(lambda p, g, s=sign: p + s * size * g, params, gradient)
        for sign in (1, -1)
    )
    slope = (loss(uphill) - loss(downhill)) / (2 * size)
    assert slope == pytest.approx(norm**2, rel=0.01)


CLASSIFIER = Mitar(
    conv_features=6, conv_width=4, lstm_features=5, dense_features=4, dropout=0.0
)


def labelled_batch(rows, seed=0):
    rng = np.random.default_rng(seed)
    mirnas = equations.random_letters(rng, rows, 17, 26)
    targets = equations.random_letters(rng, rows, 20, 53)
    labels = rng.integers(0, 2, rows)
    batch = encode_labelled(targets, mirnas, labels, target_length=53, mirna_length=26)
    return LabelledBatch(*map(jnp.asarray, batch)), mirnas, targets


def keras_binary_crossentropy(probabilities, labels):
    """Keras 2.2's in float64, from clipped probabilities."""
    clipped = np.clip(probabilities, 1e-7, 1 - 1e-7)
    return -(labels * np.log(clipped) + (1 - labels) * np.log(1 - clipped))


def test_binary_cross_entropy_is_keras_2s():
    logits = np.linspace(-30, 30, 121)
    for label in (0.0, 1.0):
        found = losses.binary_cross_entropy(
            jnp.float32(logits), jnp.full(121, label, jnp.float32)
        )
        expected = keras_binary_crossentropy(1 / (1 + np.exp(-logits)), label)
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=2e-7)


def test_a_classifiers_figures_and_step_are_those_of_the_equations():
    params = equations.random_params(CLASSIFIER, 3, scale=0.5)
    batch, mirnas, targets = labelled_batch(7)
    batch = batch._replace(weights=jnp.float32([1, 1, 1, 0, 1, 1, 0]))
    weights, labels = np.asarray(batch.weights), np.asarray(batch.labels)

    def expected_loss(params):
        probabilities = np.array(
            [
                equations.numpy_mitar(params, mirna, target)
                for mirna, target in zip(mirnas, targets, strict=True)
            ]
        )
        losses = keras_binary_crossentropy(probabilities, labels)
        right = (probabilities > 0.5) == (labels == 1)
        kernels = [params[f"{name}_dense"]["kernel"] for name in ("hidden", "output")]
        penalty = L2 * sum(np.sum(np.float64(kernel) ** 2) for kernel in kernels)
        mean = np.sum(losses * weights) / weights.sum()
        return mean + penalty, mean, np.sum(right * weights) / weights.sum()

    loss, cross_entropy, accuracy = expected_loss(params)
    sums = jax.jit(functools.partial(losses.evaluation_sums, CLASSIFIER))(params, batch)
    assert losses.summarise(sums, params, L2) == pytest.approx(
        {"loss": loss, "cross_entropy": cross_entropy, "accuracy": accuracy}, rel=1e-5
    )

    optimizer = optax.sgd(1.0)
    state = TrainState(jnp.int32(0), params, optimizer.init(params))
    new, metrics = jax.jit(
        functools.partial(steps.train_step, CLASSIFIER, optimizer, L2)
    )(jax.random.key(0), state, batch)
    assert metrics["loss"] == pytest.approx(loss, rel=1e-5)
    assert metrics["accuracy"] == pytest.approx(accuracy)
    # One direction at random: how fast the loss falls along it.
    rng = np.random.default_rng(0)
    direction = jax.tree.map(lambda leaf: rng.normal(size=leaf.shape), params)
    higher, lower = (
        expected_loss(equations.moved(params, direction, by))[0] for by in (1e-6, -1e-6)
    )
    moved = jax.tree.map(lambda old, new: old - new, params, new.params)
    slope = sum(
        np.sum(a * b)
        for a, b in zip(jax.tree.leaves(moved), jax.tree.leaves(direction), strict=True)
    )
    assert slope == pytest.approx((higher - lower) / 2e-6, rel=1e-3)
