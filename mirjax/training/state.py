"""The train state and its initialisation."""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax import struct
from jax import Array
from jax.sharding import Mesh

from mirjax.models.interfaces import PairModel
from mirjax.training import sharding
from mirjax.training.optimizer import ema_params


class TrainState(struct.PyTreeNode):
    """Parameters and optimiser state: everything that a step changes.

    Attributes:
      step: number of steps done, int32.
      params: the model's parameters.
      opt_state: the optimiser's state.
    """

    # No array types: a tree of the same class holds shapes, or shardings.
    step: Any
    params: Any
    opt_state: Any

    @property
    def eval_params(self) -> Any:
        """The parameters to evaluate and export: their EMA, if there is one."""
        return ema_params(self.opt_state, self.params)


def all_finite(tree: Any) -> Array:
    """Return whether every number of a tree is finite, as a scalar."""
    floats = [x for x in jax.tree.leaves(tree) if jnp.issubdtype(x.dtype, jnp.floating)]
    return jnp.stack([jnp.isfinite(leaf).all() for leaf in floats]).all()


def initial_state(
    model: PairModel,
    optimizer: optax.GradientTransformation,
    seed: int,
    mesh: Mesh,
    params: Mapping[str, Any] | None = None,
) -> tuple[TrainState, TrainState]:
    """Initialise the state of one run on a mesh.

    Args:
      model: a classifier or a generator.
      optimizer: made by `make_optimizer`.
      seed: decides the parameters.
      mesh: the devices; see `sharding.of_state`.
      params: initial parameters; by default they are drawn by the seed.

    Returns:
      The state, and its shapes, types and shardings, to restore into.
    """
    return _place(functools.partial(_init, model, optimizer, params), seed, mesh)


def initial_states(
    model: PairModel,
    optimizer: optax.GradientTransformation,
    seeds: Sequence[int],
    mesh: Mesh,
    params: Mapping[str, Any] | None = None,
) -> tuple[TrainState, TrainState]:
    """Initialise the states of several runs, stacked along a new first axis.

    Args:
      model: a classifier or a generator.
      optimizer: made by `make_optimizer`.
      seeds: one for each run.
      mesh: the devices; see `sharding.of_state`.
      params: initial parameters of every run; by default they are drawn by its seed.

    Returns:
      The states, and their shapes, types and shardings, to restore into.
    """
    init = jax.vmap(functools.partial(_init, model, optimizer, params))
    return _place(init, jnp.asarray(seeds), mesh)


def _init(
    model: PairModel,
    optimizer: optax.GradientTransformation,
    params: Mapping[str, Any] | None,
    seed: int | Array,
) -> TrainState:
    variables = model.init(jax.random.key(seed), *model.example_inputs())
    if params is None:
        params = variables["params"]
    else:
        params = jax.tree.map(jnp.asarray, params)
    if others := sorted(set(variables) - {"params"}):
        raise ValueError(
            f"{type(model).__name__} keeps {', '.join(others)} beside its parameters: "
            "statistics of a batch are neither trained nor stored; use layers without"
        )
    return TrainState(jnp.int32(0), params, optimizer.init(params))


def _place(
    init: Callable[[Any], TrainState], seed: int | Array, mesh: Mesh
) -> tuple[TrainState, TrainState]:
    """Run an initialisation on the devices; return its shapes too."""
    shapes = jax.eval_shape(init, seed)
    shardings = sharding.of_state(shapes, mesh)
    abstract = jax.tree.map(
        lambda leaf, where: jax.ShapeDtypeStruct(
            leaf.shape, leaf.dtype, sharding=where
        ),
        shapes,
        shardings,
    )
    return jax.jit(init, out_shardings=shardings)(seed), abstract
