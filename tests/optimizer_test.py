"""Tests of mirjax.training.optimizer."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from mirjax.training.optimizer import (
    ema_params,
    make_optimizer,
    make_schedule,
)
from mirjax.training.options import OptimizerOptions, read_section

PARAMS = {
    "kernel": np.linspace(-1.0, 1.0, 6, dtype=np.float32).reshape(2, 3),
    "bias": np.float32([0.5, -0.5, 0.0]),
}


def descend(config, gradients, num_steps=None):
    """Apply the optimiser to given gradients; return the parameters after each step."""
    options = OptimizerOptions(**config)
    optimizer = make_optimizer(options, num_steps=num_steps or len(gradients))
    params = jax.tree.map(jnp.asarray, PARAMS)
    state = optimizer.init(params)
    history = []
    for gradient in gradients:
        updates, state = optimizer.update(gradient, state, params)
        params = optax.apply_updates(params, updates)
        history.append(params)
    return history


def draw_gradients(count):
    rng = np.random.default_rng(0)
    scales = [1.0, 1e-8, 30.0, 0.0, 1e-7]
    return [
        {
            name: np.float32(scales[step % 5] * rng.normal(size=array.shape))
            for name, array in PARAMS.items()
        }
        for step in range(count)
    ]


@pytest.mark.slow
def test_rmsprop_is_keras_2s_recurrence():
    gradients = draw_gradients(5)
    history = descend({"name": "rmsprop", "learning_rate": 0.01}, gradients)
    for name, array in PARAMS.items():
        param, mean_square = np.float64(array), np.zeros(array.shape)
        for gradient, found in zip(gradients, history, strict=True):
            g = np.float64(gradient[name])
            mean_square = 0.9 * mean_square + 0.1 * g**2
            param = param - 0.01 * g / (np.sqrt(mean_square) + 1e-7)
            np.testing.assert_allclose(found[name], param, atol=2e-6)


def test_adam_is_its_recurrence_and_keras_2s_but_for_epsilons_place():
    gradients = draw_gradients(5)
    history = descend({"name": "adam", "learning_rate": 0.01}, gradients)
    for name, array in PARAMS.items():
        param = keras_param = np.float64(array)
        mean, mean_square = np.zeros(array.shape), np.zeros(array.shape)
        for step, (gradient, found) in enumerate(
            zip(gradients, history, strict=True), start=1
        ):
            g = np.float64(gradient[name])
            mean = 0.9 * mean + 0.1 * g
            mean_square = 0.999 * mean_square + 0.001 * g**2
            corrected = np.sqrt(mean_square / (1 - 0.999**step))
            rate = 0.01 / (1 - 0.9**step)
            param = param - rate * mean / (corrected + 1e-7)
            keras_rate = rate * np.sqrt(1 - 0.999**step)
            keras_param -= keras_rate * mean / (np.sqrt(mean_square) + 1e-7)
            np.testing.assert_allclose(found[name], param, atol=2e-6)
            np.testing.assert_allclose(found[name], keras_param, atol=1e-5)


def test_rmsprops_epsilon_stands_outside_the_root():
    """Where gradients are as small as epsilon, its place decides the step."""
    gradient = jax.tree.map(lambda x: np.full_like(x, 1e-7), PARAMS)
    (found,) = descend({"name": "rmsprop", "learning_rate": 0.01}, [gradient])
    step = 0.01 * 1e-7 / (math.sqrt(0.1) * 1e-7 + 1e-7)  # inside: 3e-6
    np.testing.assert_allclose(found["bias"], PARAMS["bias"] - step, atol=1e-6)


def test_adamw_decays_matrices_alone():
    """With no gradient only the decay is left."""
    zeros = jax.tree.map(np.zeros_like, PARAMS)
    config = {"name": "adamw", "learning_rate": 0.1, "weight_decay": 0.2}
    (found,) = descend(config, [zeros])
    expected = PARAMS["kernel"] * (1 - 0.1 * 0.2)
    np.testing.assert_allclose(found["kernel"], expected, rtol=1e-6)
    np.testing.assert_array_equal(found["bias"], PARAMS["bias"])


def test_adamw_is_adam_where_nothing_decays():
    gradients = draw_gradients(4)
    history = descend({"name": "adamw", "learning_rate": 0.01}, gradients)
    for name, array in PARAMS.items():
        param, mean, square = np.float64(array), 0.0, 0.0
        for count, gradient in enumerate(gradients, start=1):
            g = np.float64(gradient[name])
            mean, square = 0.9 * mean + 0.1 * g, 0.999 * square + 0.001 * g**2
            corrected = np.sqrt(square / (1 - 0.999**count)) + 1e-8
            param = param - 0.01 * mean / (1 - 0.9**count) / corrected
            np.testing.assert_allclose(history[count - 1][name], param, atol=2e-6)


def test_clipping_bounds_the_norm_over_all_parameters():
    """RMSprop's steps have no scale, so its memory shows what it was given."""
    gradients = [jax.tree.map(lambda x: np.full_like(x, 10.0), PARAMS)]
    gradients += [jax.tree.map(lambda x: np.full_like(x, 1 / 3), PARAMS)]
    config = {"name": "rmsprop", "learning_rate": 0.01, "clip_norm": 1.0}
    # Nine parameters of 10 have norm 30 and are clipped to 1/3; norm 1 stays as it is.
    same = [gradients[1], gradients[1]]
    clipped, expected = descend(config, gradients), descend(config, same)
    np.testing.assert_allclose(clipped[1]["kernel"], expected[1]["kernel"], rtol=1e-5)
    free = descend(config | {"clip_norm": 0.0}, gradients)
    assert np.abs(free[1]["kernel"] - expected[1]["kernel"]).max() > 1e-3


def test_cosine_schedule_rises_and_falls_to_zero():
    options = OptimizerOptions(learning_rate=0.4, schedule="cosine")
    rate = make_schedule(options, warmup_steps=10, num_steps=110)
    found = [float(rate(step)) for step in (0, 5, 10, 60, 110, 200)]
    np.testing.assert_allclose(found, [0, 0.2, 0.4, 0.2, 0, 0], atol=1e-6)
    quarter = 0.4 * (1 + math.cos(math.pi / 4)) / 2
    assert float(rate(35)) == pytest.approx(quarter, rel=1e-5)


def test_a_short_run_is_not_all_warm_up():
    options = OptimizerOptions(learning_rate=0.4, schedule="cosine")
    rate = make_schedule(options, warmup_steps=300, num_steps=10)
    np.testing.assert_allclose([rate(5), rate(10)], [0.4, 0], atol=1e-6)
    one = make_schedule(options, warmup_steps=300, num_steps=1)
    assert float(one(0)) == pytest.approx(0.4)


def test_constant_schedule_is_constant():
    options = OptimizerOptions(learning_rate=0.3)
    rate = make_schedule(options, warmup_steps=0, num_steps=5)
    assert [float(rate(step)) for step in (0, 3, 99)] == pytest.approx([0.3] * 3)


def test_the_schedule_drives_the_optimiser():
    gradients = [jax.tree.map(np.ones_like, PARAMS)] * 3
    config = {"name": "adamw", "learning_rate": 0.1, "schedule": "cosine"}
    history = descend(config, gradients, num_steps=2)
    np.testing.assert_allclose(PARAMS["bias"] - history[0]["bias"], 0.1, rtol=1e-4)
    moved = history[0]["bias"] - history[1]["bias"]
    np.testing.assert_allclose(moved, 0.05, rtol=1e-4)
    np.testing.assert_array_equal(history[2]["bias"], history[1]["bias"])


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"name": "sgd"}, "name='sgd': one of rmsprop, adam, adamw"),
        ({"name": "adamw", "momentum": 0.9}, "unknown key 'optimizer.momentum'"),
        ({"name": "adamw", "schedule": "step"}, "schedule='step': one of constant"),
        ({"name": "rmsprop", "weight_decay": 0.1}, "rmsprop takes no weight_decay"),
        ({"name": "adam", "weight_decay": 0.1}, "adam takes no weight_decay"),
    ],
)
def test_wrong_configs_are_refused(config, message):
    with pytest.raises(ValueError, match=f"^config.*{message}"):
        read_section(OptimizerOptions, "optimizer", {"learning_rate": 0.1} | config)


@pytest.mark.parametrize("decay", [0.3, 0.9])
def test_the_average_is_that_of_the_parameters_so_far(decay):
    gradients = draw_gradients(20)
    config = {"name": "adam", "learning_rate": 0.01}
    plain = descend(config, gradients)
    options = OptimizerOptions(**config, ema_decay=decay)
    optimizer = make_optimizer(options, num_steps=len(gradients))
    params = jax.tree.map(jnp.asarray, PARAMS)
    state = optimizer.init(params)
    expected = {name: np.float64(array) for name, array in PARAMS.items()}
    for step, (gradient, known) in enumerate(zip(gradients, plain, strict=True)):
        updates, state = optimizer.update(gradient, state, params)
        params = optax.apply_updates(params, updates)
        kept = min(decay, (1 + step) / (10 + step))
        average = ema_params(state, params)
        for name in PARAMS:
            np.testing.assert_array_equal(params[name], known[name])
            expected[name] = kept * expected[name] + (1 - kept) * known[name]
            np.testing.assert_allclose(average[name], expected[name], atol=1e-6)
    plain_state = make_optimizer(OptimizerOptions(**config), num_steps=1).init(params)
    assert ema_params(plain_state, params) is params
