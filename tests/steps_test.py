"""Tests of mirjax.training.steps."""

import functools

import equations
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from mirjax.models import losses
from mirjax.models.mitar import Mitar
from mirjax.models.seq2seq import Seq2Seq
from mirjax.sequences import alphabet
from mirjax.training import steps
from mirjax.training.gradients import StepOptions
from mirjax.training.state import TrainState

MODEL = Seq2Seq(conv_features=6, dense_features=5, lstm_features=7)
CLASSIFIER = Mitar(
    conv_features=6, conv_width=4, lstm_features=5, dense_features=4, dropout=0.0
)
L2 = 0.01


@pytest.fixture(scope="module")
def step():
    """A jitted step of plain descent of rate 1, and a state before it."""
    optimizer = optax.sgd(1.0)
    params = equations.random_params(MODEL, seed=0, scale=0.3)
    state = TrainState(jnp.array(3), params, optimizer.init(params))
    jitted = jax.jit(
        functools.partial(steps.train_step, MODEL, optimizer, StepOptions(L2))
    )
    return lambda key=0, number=3, batch=None: jitted(
        jax.random.key(key),
        state.replace(step=jnp.array(number)),
        equations.random_batch(4) if batch is None else batch,
    )


def assert_equal(first, second, **tolerance):
    pairs = zip(jax.tree.leaves(first), jax.tree.leaves(second), strict=True)
    for one, other in pairs:
        np.testing.assert_allclose(one, other, **({"rtol": 0} | tolerance))


@pytest.mark.slow
def test_a_step_is_a_pure_function_of_key_and_step(step):
    state, metrics = step()
    assert int(state.step) == 4
    assert_equal(step(), (state, metrics))
    for other in (step(key=1), step(number=4)):
        assert abs(other[1]["loss"] - metrics["loss"]) > 1e-5  # other dropout


@pytest.mark.slow
def test_rows_of_weight_0_change_nothing(step):
    batch = equations.random_batch(4)._replace(weights=jnp.array([1.0, 1.0, 0.0, 0.0]))
    junk = batch._replace(
        targets=batch.targets.at[2:].set(alphabet.G),
        mirnas=batch.mirnas.at[2:].set(alphabet.C),
    )
    found, expected = step(batch=junk), step(batch=batch)
    assert_equal(found, expected, rtol=1e-5, atol=1e-7)
    assert abs(step()[1]["loss"] - expected[1]["loss"]) > 1e-5


@pytest.mark.slow
def test_a_step_descends_the_gradient_that_it_reports():
    """Without dropout: against finite differences of the evaluation's loss."""
    model = MODEL.clone(dropout=0.0, recurrent_dropout=0.0)
    params = equations.random_params(model, seed=1, scale=0.3)
    batch = equations.random_batch(3)._replace(weights=jnp.array([1.0, 1.0, 0.0]))
    optimizer = optax.sgd(1.0)
    state = TrainState(jnp.array(0), params, optimizer.init(params))
    train = jax.jit(
        functools.partial(steps.train_step, model, optimizer, StepOptions(L2))
    )
    after, metrics = train(jax.random.key(0), state, batch)
    gradient = jax.tree.map(np.subtract, params, after.params)
    norm = np.sqrt(sum(np.sum(np.square(leaf)) for leaf in jax.tree.leaves(gradient)))
    np.testing.assert_allclose(metrics["gradient_norm"], norm, rtol=1e-4)

    sums = jax.jit(functools.partial(losses.evaluate_batch, model))

    def loss(at):
        return losses.evaluation_metrics(sums(at, batch), at, L2)["loss"]

    assert loss(params) == pytest.approx(float(metrics["loss"]), rel=1e-6)
    size = 0.01 / norm
    uphill, downhill = (
        jax.tree.map(lambda p, g, s=sign: p + s * size * g, params, gradient)
        for sign in (1, -1)
    )
    slope = (loss(uphill) - loss(downhill)) / (2 * size)
    assert slope == pytest.approx(norm**2, rel=0.01)


@pytest.mark.slow
def test_a_step_of_a_classifier_is_that_of_the_equations():
    params = equations.random_params(CLASSIFIER, 3, scale=0.5)
    batch, mirnas, targets = equations.random_labelled_batch(7)
    batch = batch._replace(weights=jnp.float32([1, 1, 1, 0, 1, 1, 0]))
    optimizer = optax.sgd(1.0)
    state = TrainState(jnp.int32(0), params, optimizer.init(params))
    new, metrics = jax.jit(
        functools.partial(steps.train_step, CLASSIFIER, optimizer, StepOptions(L2))
    )(jax.random.key(0), state, batch)

    def expected(params):
        return equations.mitar_metrics(params, mirnas, targets, batch, L2)

    for name, value in expected(params).items():
        assert metrics[name] == pytest.approx(value, rel=1e-5)
    # One direction at random: how fast the loss falls along it.
    rng = np.random.default_rng(0)
    direction = jax.tree.map(lambda leaf: rng.normal(size=leaf.shape), params)
    higher, lower = (
        expected(equations.moved(params, direction, by))["loss"] for by in (1e-6, -1e-6)
    )
    moved = jax.tree.map(lambda old, new: old - new, params, new.params)
    slope = sum(
        np.sum(a * b)
        for a, b in zip(jax.tree.leaves(moved), jax.tree.leaves(direction), strict=True)
    )
    assert slope == pytest.approx((higher - lower) / 2e-6, rel=1e-3)
