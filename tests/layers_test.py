"""Tests of mirjax.models.layers against their equations and plain JAX."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from equations import numpy_lstm
from jax import lax

from mirjax.models.layers import LSTM, WindowConv, bidirectional
from mirjax.models.recurrence import hard_sigmoid, recurrence

FEATURES, HIDDEN, TIME, BATCH = 3, 4, 5, 2


@pytest.fixture
def values():
    """Parameters, inputs and states wide enough that some gates are saturated."""
    rng = np.random.default_rng(3)
    shapes = {
        "kernel": (FEATURES, 4 * HIDDEN),
        "recurrent_kernel": (HIDDEN, 4 * HIDDEN),
        "bias": (4 * HIDDEN,),
        "inputs": (FEATURES, TIME, BATCH),
        "h": (HIDDEN, BATCH),
        "c": (HIDDEN, BATCH),
    }
    return {name: rng.normal(size=shape) for name, shape in shapes.items()}


def as_float32(values):
    return {name: jnp.asarray(value, jnp.float32) for name, value in values.items()}


def params_of(values):
    return {name: values[name] for name in ("kernel", "recurrent_kernel", "bias")}


def apply_lstm(lstm, values, key=None):
    """Return outputs [hidden, time, batch] and the last c; train if given a key."""
    hs, (_, c) = lstm.apply(
        {"params": params_of(values)},
        values["inputs"],
        (values["h"], values["c"]),
        train=key is not None,
        rngs=None if key is None else {"dropout": key},
    )
    return hs, c


def drawn_masks(lstm, key):
    """The masks of the inputs and of the state that a call draws from this key."""

    def draw(module):
        return (
            module.draw_masks(module.dropout, FEATURES, BATCH, True),
            module.draw_masks(module.recurrent_dropout, HIDDEN, BATCH, True),
        )

    return lstm.apply({}, method=draw, rngs={"dropout": key})


def expected_lstm(values, x_masks=None, h_masks=None):
    rows = [
        numpy_lstm(
            values["inputs"][:, :, row].T,
            values["kernel"],
            values["recurrent_kernel"],
            values["bias"],
            values["h"][:, row],
            values["c"][:, row],
            None if x_masks is None else np.asarray(x_masks)[:, :, row],
            None if h_masks is None else np.asarray(h_masks)[:, :, row],
        )
        for row in range(BATCH)
    ]
    return (
        np.stack([hs.T for hs, _ in rows], axis=-1),
        np.stack([c for _, c in rows], axis=-1),
    )


@pytest.mark.slow
@pytest.mark.parametrize(("dropout", "recurrent_dropout"), [(0.0, 0.0), (0.3, 0.5)])
def test_lstm_is_the_equations_and_so_are_its_gradients(
    values, dropout, recurrent_dropout
):
    lstm, key = LSTM(HIDDEN, dropout, recurrent_dropout), jax.random.key(7)
    masks = drawn_masks(lstm, key)
    assert [mask is not None for mask in masks] == [dropout > 0, recurrent_dropout > 0]
    expected = expected_lstm(values, *masks)
    rng = np.random.default_rng(4)
    weights = [rng.normal(size=array.shape) for array in expected]

    def loss(arrays):
        outputs = apply_lstm(lstm, arrays, key)
        pairs = zip(outputs, weights, strict=True)
        return sum(jnp.sum(x * jnp.float32(w)) for x, w in pairs), outputs

    def expected_loss(arrays):
        outputs = expected_lstm(arrays, *masks)
        return sum(np.sum(x * w) for x, w in zip(outputs, weights, strict=True))

    gradients, found = jax.jit(jax.grad(loss, has_aux=True))(as_float32(values))
    eager = apply_lstm(lstm, as_float32(values), key)
    for array, eager_array, known in zip(found, eager, expected, strict=True):
        np.testing.assert_allclose(array, known, atol=2e-6)
        np.testing.assert_allclose(eager_array, known, atol=2e-6)
    step = 1e-6
    for name, value in values.items():
        slopes = np.zeros_like(value)
        for index in np.ndindex(value.shape):
            shift = np.zeros_like(value)
            shift[index] = step
            higher, lower = (
                expected_loss(values | {name: value + sign * shift}) for sign in (1, -1)
            )
            slopes[index] = (higher - lower) / (2 * step)
        np.testing.assert_allclose(
            gradients[name], slopes, rtol=1e-4, atol=2e-5, err_msg=name
        )


def plain_recurrence(z_inputs, recurrent_kernel, masks, state, activation):
    """The same recurrence as a `lax.scan` that JAX differentiates by itself."""
    u = jnp.split(recurrent_kernel, 4, axis=1)
    activate = {"tanh": jnp.tanh, "relu": jax.nn.relu}[activation]

    def step(carry, z_t):
        h, c = carry
        dropped = [h] * 4 if masks is None else [h * mask for mask in masks]
        i, f, g, o = (z_t[k] + u[k].T @ dropped[k] for k in range(4))
        c = hard_sigmoid(f) * c + hard_sigmoid(i) * activate(g)
        h = hard_sigmoid(o) * activate(c)
        return (h, c), h

    steps = tuple(jnp.moveaxis(z_input, 1, 0) for z_input in z_inputs)
    (_, last_c), hs = lax.scan(step, state, steps)
    return jnp.moveaxis(hs, 0, 1), last_c


@pytest.mark.slow
@pytest.mark.parametrize("activation", ["tanh", "relu"])
@pytest.mark.parametrize("with_masks", [False, True])
def test_custom_gradient_is_that_of_a_plain_scan(with_masks, activation):
    time, hidden, batch = 9, 8, 6
    rng = np.random.default_rng(0)
    arguments = (
        tuple(2.0 * rng.normal(size=(4, hidden, time, batch))),
        rng.normal(size=(hidden, 4 * hidden)),
        rng.binomial(1, 0.6, (4, hidden, batch)) / 0.6,
        tuple(rng.normal(size=(2, hidden, batch))),
    )
    arguments = jax.tree.map(np.float32, arguments)
    weights = np.float32(rng.normal(size=(hidden, time, batch)))

    def gradients(function):
        def loss(z_inputs, recurrent_kernel, masks, state):
            hs, c = function(
                z_inputs,
                recurrent_kernel,
                masks if with_masks else None,
                state,
                activation,
            )
            return jnp.sum(hs * weights) + jnp.sum(c * weights[:, 0])

        return jax.jit(jax.value_and_grad(loss, argnums=(0, 1, 3)))(*arguments)

    jax.tree.map(
        lambda x, y: np.testing.assert_allclose(x, y, rtol=1e-5, atol=2e-5),
        gradients(recurrence),
        gradients(plain_recurrence),
    )


def test_hard_sigmoid_is_keras_2s():
    x = jnp.array([-9.0, -2.6, -2.4, -1.0, 0.0, 1.0, 2.4, 2.6, 9.0])
    np.testing.assert_allclose(
        hard_sigmoid(x), [0, 0, 0.02, 0.3, 0.5, 0.7, 0.98, 1, 1], atol=1e-7
    )
    np.testing.assert_allclose(
        jax.vmap(jax.grad(hard_sigmoid))(x), [0, 0, 0.2, 0.2, 0.2, 0.2, 0.2, 0, 0]
    )


@pytest.mark.slow
def test_initial_parameters_are_distributed_as_keras_does():
    init = jax.jit(LSTM(32).init)
    params = init(jax.random.key(1), jnp.zeros((20, 1, 1)))["params"]
    kernel, recurrent = np.asarray(params["kernel"]), params["recurrent_kernel"]
    # Rows, not columns: the kernel is wider than it is tall.
    np.testing.assert_allclose(recurrent @ recurrent.T, np.eye(32), atol=1e-5)
    np.testing.assert_array_equal(params["bias"], np.repeat([0, 1, 0, 0], 32))
    limit = np.sqrt(6 / (20 + 4 * 32))
    assert 0.99 * limit < np.abs(kernel).max() <= limit
    assert kernel.std() == pytest.approx(limit / np.sqrt(3), rel=0.05)

    init = jax.jit(WindowConv(30, 8).init)
    conv = init(jax.random.key(1), jnp.zeros((4, 29, 1)))["params"]
    limit = np.sqrt(6 / (8 * 4 + 8 * 30))
    assert 0.99 * limit < np.abs(conv["kernel"]).max() <= limit
    assert not conv["bias"].any()


def test_masks_differ_by_gate_sequence_and_unit_and_keep_the_mean():
    lstm = LSTM(64, dropout=0.1, recurrent_dropout=0.4)

    def draw(module):
        return module.draw_masks(0.4, 64, 50, True), module.draw_masks(
            0.4, 64, 50, False
        )

    mask, unused = lstm.apply({}, method=draw, rngs={"dropout": jax.random.key(0)})
    assert unused is None
    assert mask.shape == (4, 64, 50)
    np.testing.assert_allclose(np.unique(mask), [0, 1 / 0.6], rtol=1e-6)
    # 12,800 draws: the standard error of the mean is 0.007.
    assert np.mean(mask) == pytest.approx(1.0, abs=0.03)
    for axis in range(3):
        columns = np.moveaxis(np.asarray(mask), axis, 0).reshape(mask.shape[axis], -1)
        assert len(np.unique(columns, axis=0)) == mask.shape[axis]


@pytest.mark.parametrize("train", [False, True])
def test_choosing_among_inputs_is_giving_them(values, train):
    values = as_float32(values)
    lstm = LSTM(HIDDEN, dropout=0.3, recurrent_dropout=0.5)
    chosen = np.random.default_rng(0).integers(0, TIME, (9, BATCH))
    explicit = jnp.take_along_axis(values["inputs"], chosen[None], axis=1)

    @jax.jit
    def run(inputs, choice=None):
        return lstm.apply(
            {"params": params_of(values)},
            inputs,
            choice=choice,
            train=train,
            rngs={"dropout": jax.random.key(5)},
        )

    found = run(values["inputs"], jax.nn.one_hot(chosen, TIME, axis=0))
    jax.tree.map(
        lambda x, y: np.testing.assert_allclose(x, y, atol=1e-6), found, run(explicit)
    )


def test_step_by_step_is_the_whole_sequence(values):
    values = as_float32(values)
    hs, last_c = apply_lstm(LSTM(HIDDEN, 0.1, 0.4), values)  # no key: no dropout
    state = (values["h"], values["c"])
    for time in range(TIME):
        state = LSTM(HIDDEN).apply(
            {"params": params_of(values)},
            values["inputs"][:, time],  # every sequence takes an input of its own
            jnp.eye(BATCH),
            state,
            method="step",
        )
        np.testing.assert_allclose(state[0], hs[:, time], atol=1e-6)
    np.testing.assert_allclose(state[1], last_c, atol=1e-6)


def test_the_state_starts_at_zero_and_ends_with_the_last_output(values):
    values = as_float32(values)
    zeros = jnp.zeros((HIDDEN, BATCH))
    expected, _ = apply_lstm(LSTM(HIDDEN), values | {"h": zeros, "c": zeros})
    found, (h, _) = LSTM(HIDDEN).apply({"params": params_of(values)}, values["inputs"])
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(h, found[:, -1])


@pytest.mark.slow
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("embedded", [False, True])
def test_window_conv_is_a_correlation_and_so_are_its_gradients(embedded, stride):
    rng = np.random.default_rng(0)
    num_windows = (11 - 5) // stride + 1
    inputs, embedding, kernel, bias, weights = (
        jnp.float32(rng.normal(size=shape))
        for shape in (
            (4, 11, 2),
            (4, 3),
            (5, 3 if embedded else 4, 6),
            (6,),
            (6, num_windows, 2),
        )
    )
    conv = WindowConv(features=6, width=5)

    def apply(inputs, embedding, kernel, bias):
        return conv.apply(
            {"params": {"kernel": kernel, "bias": bias}},
            inputs,
            embedding=embedding if embedded else None,
            stride=stride,
        )

    def correlate(inputs, embedding, kernel, bias):
        if embedded:
            inputs = jnp.einsum("clb,ce->elb", inputs, embedding)
        product = lax.conv_general_dilated(
            inputs, kernel, (stride,), "VALID", dimension_numbers=("CWN", "WIO", "CWN")
        )
        return product + bias[:, None, None]

    arguments = (inputs, embedding, kernel, bias)
    np.testing.assert_allclose(apply(*arguments), correlate(*arguments), atol=1e-5)

    def gradients(function):
        return jax.jit(
            jax.grad(
                lambda *args: jnp.sum(function(*args) * weights), argnums=(0, 1, 2, 3)
            )
        )(*arguments)

    for found, known in zip(gradients(apply), gradients(correlate), strict=True):
        np.testing.assert_allclose(found, known, atol=1e-5)


@pytest.mark.slow
def test_bidirectional_is_one_lstm_for_each_direction():
    rng = np.random.default_rng(0)
    inputs, weights = (
        jnp.float32(rng.normal(size=shape)) for shape in ((4, 7, 3), (10, 3))
    )

    class Bidirectional(nn.Module):
        together: bool

        @nn.compact
        def __call__(self, inputs):
            forward, backward = LSTM(5, name="forward"), LSTM(5, name="backward")
            if self.together:
                return bidirectional(forward, backward, inputs)
            states = forward(inputs)[1][0], backward(inputs[:, ::-1])[1][0]
            return jnp.concatenate(states)

    params = jax.jit(Bidirectional(False).init)(jax.random.key(0), inputs)

    def of(together):
        def loss(params, inputs):
            return jnp.sum(Bidirectional(together).apply(params, inputs) * weights)

        return jax.jit(jax.value_and_grad(loss, argnums=(0, 1)))(params, inputs)

    jax.tree.map(
        lambda x, y: np.testing.assert_allclose(x, y, atol=1e-5), of(True), of(False)
    )
