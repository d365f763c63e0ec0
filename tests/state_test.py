"""Tests of mirjax.training.state: what a train state may hold."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax
import pytest

from mirjax.training import sharding
from mirjax.training.state import initial_state, initial_states


class Normalised(nn.Module):
    """A layer whose outputs are normalised over the batch."""

    @nn.compact
    def __call__(self, inputs):
        return nn.BatchNorm(use_running_average=False)(nn.Dense(3)(inputs))

    def example_inputs(self):
        return (jnp.zeros((8, 2)),)


@pytest.mark.parametrize("devices", [1, 8])
@pytest.mark.parametrize(
    ("initial", "seed"), [(initial_state, 0), (initial_states, [0, 1])]
)
def test_statistics_of_a_batch_are_refused_on_any_number_of_devices(
    initial, seed, devices, unchecked
):
    """Each device would have those of its own rows, and a checkpoint none."""
    mesh = sharding.mesh_of(jax.devices()[:devices])
    with pytest.raises(ValueError, match="^Normalised keeps batch_stats beside its"):
        initial(Normalised(), optax.sgd(0.1), seed, mesh)
