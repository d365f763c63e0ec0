"""Tests of mirjax.models.dropout against dropout drawn one value at a time."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mirjax.models.dropout import dropped, dropped_maximum

SHAPE = (5, 40, 300)  # an odd number of features; 60,000 draws


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.5])
def test_values_are_dropped_at_the_rate_and_the_others_scaled_up(rate):
    found = np.asarray(dropped(jnp.ones(SHAPE), jnp.float32(rate), jax.random.key(0)))
    assert set(np.unique(found)) <= {np.float32(0), np.float32(1 / (1 - rate))}
    assert np.mean(found == 0) == pytest.approx(rate, abs=0.01)


@pytest.mark.parametrize("rate", [0.0, 0.2, 0.5])
def test_one_draw_is_distributed_as_three(rate):
    first, second = 1.0, 3.0
    expected: dict[float, float] = {}
    for masks in itertools.product((0, 1), repeat=3):
        chance = np.prod([1 - rate if mask else rate for mask in masks])
        value = max(first * masks[0], second * masks[1]) * masks[2] / (1 - rate) ** 2
        expected[np.float32(value)] = expected.get(np.float32(value), 0.0) + chance
    found = jax.jit(dropped_maximum)(
        jnp.full(SHAPE, first), jnp.full(SHAPE, second), rate, jax.random.key(0)
    )
    values, counts = np.unique(found, return_counts=True)
    fractions = dict(zip(values.tolist(), counts / found.size, strict=True))
    for value, chance in expected.items():
        fraction = sum(f for v, f in fractions.items() if v == pytest.approx(value))
        # The standard error of a fraction is at most 0.002.
        assert fraction == pytest.approx(chance, abs=0.008)
    # Every feature, window and sequence draws its own.
    if rate:
        for axis in range(3):
            rows = np.moveaxis(np.asarray(found), axis, 0).reshape(SHAPE[axis], -1)
            assert len(np.unique(rows, axis=0)) == SHAPE[axis]


def test_the_gradient_goes_to_the_value_that_was_kept():
    first, second = jnp.full(SHAPE, 1.0), jnp.full(SHAPE, 3.0)

    def total(first, second):
        return jnp.sum(dropped_maximum(first, second, 0.5, jax.random.key(1)))

    kept = dropped_maximum(first, second, 0.5, jax.random.key(1))
    to_first, to_second = jax.grad(total, argnums=(0, 1))(first, second)
    np.testing.assert_array_equal(to_first, jnp.where(kept == 4.0, 4.0, 0.0))
    np.testing.assert_array_equal(to_second, jnp.where(kept == 12.0, 4.0, 0.0))
