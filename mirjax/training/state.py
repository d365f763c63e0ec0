"""What training changes, and how it starts."""

from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax import struct
from jax import Array
from jax.sharding import Mesh

from mirjax.training import sharding


class TrainState(struct.PyTreeNode):
    """What training changes: everything that a checkpoint holds.

    Attributes:
      step: the steps done.
      params: the model's parameters.
      opt_state: the optimiser's.
    """

    step: Array
    params: Any
    opt_state: Any


def initial_state(
    model: Any,
    optimizer: optax.GradientTransformation,
    seed: int,
    mesh: Mesh,
) -> tuple[TrainState, Any]:
    """Make the state of step 0 on the mesh.

    Returns:
      The state, and the same as shapes with shardings, to restore into.
    """

    def init(key: jax.Array) -> TrainState:
        params = model.init(key, *model.example_inputs())["params"]
        return TrainState(jnp.int32(0), params, optimizer.init(params))

    key = jax.random.key(seed)
    whole = sharding.replicated(mesh)
    abstract = jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=whole),
        jax.eval_shape(init, key),
    )
    return jax.jit(init, out_shardings=whole)(key), abstract
