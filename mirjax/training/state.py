"""What training changes, and how it starts."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax import struct
from jax import Array
from jax.sharding import Mesh

from mirjax.training import sharding
from mirjax.training.optimizer import ema_params


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

    @property
    def eval_params(self) -> Any:
        """The parameters to evaluate and export: averaged, if the optimiser does so."""
        return ema_params(self.opt_state, self.params)


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
    return _placed(functools.partial(_init, model, optimizer), seed, mesh)


def initial_states(
    model: Any,
    optimizer: optax.GradientTransformation,
    seeds: Sequence[int],
    mesh: Mesh,
) -> tuple[TrainState, Any]:
    """Make the states of step 0 of several runs, stacked along a new first axis.

    Returns:
      The states, and the same as shapes with shardings, to restore into.
    """
    init = jax.vmap(functools.partial(_init, model, optimizer))
    return _placed(init, jnp.asarray(seeds), mesh)


def _init(
    model: Any, optimizer: optax.GradientTransformation, seed: int | Array
) -> TrainState:
    params = model.init(jax.random.key(seed), *model.example_inputs())["params"]
    return TrainState(jnp.int32(0), params, optimizer.init(params))


def _placed(
    init: Callable[[Any], TrainState], seed: int | Array, mesh: Mesh
) -> tuple[TrainState, Any]:
    """Return what init makes, whole on every device, and its shapes."""
    whole = sharding.replicated(mesh)
    abstract = jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=whole),
        jax.eval_shape(init, seed),
    )
    return jax.jit(init, out_shardings=whole)(seed), abstract
