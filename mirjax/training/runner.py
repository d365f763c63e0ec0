"""Several steps in one call of the device, and where each call ends."""

import functools
from collections.abc import Callable

import flax.linen as nn
import jax
import optax
from jax import Array
from jax.sharding import Mesh
from ml_collections import ConfigDict

from mirjax.datasets import batches
from mirjax.models import losses
from mirjax.training import sharding, steps
from mirjax.training.state import TrainState
from mirjax.xla import compiler_options


def run_steps(
    model: nn.Module,
    optimizer: optax.GradientTransformation,
    seed: int | Array,
    config: ConfigDict,
    mesh: Mesh,
    state: TrainState,
    rows: losses.AnyBatch,
    count: int,
) -> tuple[TrainState, losses.Metrics]:
    """Run several steps of one epoch, inside jit.

    Args:
      model: what `make_model` gave.
      optimizer: what `make_optimizer` gave.
      seed: decides the order of rows and the dropout.
      config: see configs/base.py.
      mesh: what `make_mesh` gave.
      state: before the steps.
      rows: the whole training set.
      count: of steps, which must not cross an epoch's end.

    Returns:
      The state after the steps, and the metrics of each.
    """
    num_rows, batch_size = rows.weights.shape[0], config.train.batch_size
    epoch = state.step // batches.steps_per_epoch(num_rows, batch_size)
    order = batches.epoch_order(seed, epoch, num_rows)
    # A stream of its own, so that dropout and order share no random numbers.
    key = jax.random.fold_in(jax.random.key(seed), 1 << 31)

    def body(state: TrainState, _: None) -> tuple[TrainState, losses.Metrics]:
        batch = batches.gather_batch(rows, order, state.step, batch_size)
        batch = jax.lax.with_sharding_constraint(batch, sharding.by_row(mesh))
        return steps.train_step(model, optimizer, config.train.l2, key, state, batch)

    return jax.lax.scan(body, state, length=count)


def make_run_steps(
    model: nn.Module,
    optimizer: optax.GradientTransformation,
    config: ConfigDict,
    mesh: Mesh,
) -> Callable[[TrainState, losses.AnyBatch, int], tuple[TrainState, losses.Metrics]]:
    """Return `run_steps` of one run, jitted: (state, rows, count), state donated."""
    return jax.jit(
        functools.partial(run_steps, model, optimizer, config.seed, config, mesh),
        static_argnums=2,
        donate_argnums=0,
        compiler_options=compiler_options(),
    )


def next_stop(step: int, config: ConfigDict, steps_in_epoch: int) -> int:
    """Return where the call that starts at a step ends.

    The stops depend on the step alone, so that a resumed run makes the same calls as
    one never stopped, and its arithmetic is the same bit for bit.
    """
    strides = (steps_in_epoch, config.train.eval_every)
    stops = [(step // stride + 1) * stride for stride in strides]
    in_epoch = step % steps_in_epoch
    stops.append(step + config.steps_per_call - in_epoch % config.steps_per_call)
    return min(*stops, config.train.num_steps)
