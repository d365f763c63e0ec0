"""Several training steps in one jitted call, and the step at which a call ends."""

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import Array
from jax.sharding import Mesh, NamedSharding

from mirjax.datasets import batches
from mirjax.datasets.streams import (
    Stream,
    draw_order,
    rows_per_epoch,
    shift_limits,
    shift_targets,
)
from mirjax.models import losses
from mirjax.models.interfaces import Model
from mirjax.training import sharding, steps
from mirjax.training.gradients import StepOptions
from mirjax.training.optimizer import make_optimizer
from mirjax.training.options import StepCounts
from mirjax.training.state import TrainState
from mirjax.training.task import Task
from mirjax.xla import compiler_options

TRACED = ("optimizer.learning_rate", "model.dropout", "seed")
"""Config keys in which vmapped runs may differ."""


class Recipe(NamedTuple):
    """What a training step depends on besides its state, seed and rows."""

    model: Model
    optimizer: optax.GradientTransformation
    batch_size: int  # rows, over all devices
    options: StepOptions
    mesh: Mesh
    streams: tuple[Stream, ...]  # of the training rows


def make_recipe(task: Task, mesh: Mesh) -> Recipe:
    """Return the recipe of a task's training step."""
    optimizer = make_optimizer(
        task.optimizer, num_steps=task.steps.total, warmup_steps=task.steps.warmup
    )
    return Recipe(
        task.model,
        optimizer,
        task.train.batch_size,
        task.train.step_options(),
        mesh,
        task.data.all_streams(),
    )


def run_steps(
    recipe: Recipe,
    seed: int | Array,
    state: TrainState,
    rows: losses.AnyBatch,
    count: int,
) -> tuple[TrainState, losses.Metrics]:
    """Run several training steps of one epoch, inside jit.

    Args:
      recipe: model, optimiser and settings.
      seed: decides the order of rows and the dropout.
      state: before the steps.
      rows: the whole training set.
      count: number of steps, which must not cross an epoch's end.

    Returns:
      The state after the steps, and the metrics of each step.
    """
    streams, size = recipe.streams, recipe.batch_size
    epoch = state.step // batches.steps_per_epoch(rows_per_epoch(streams), size)
    order = draw_order(seed, epoch, streams)
    # Separate keys, so that dropout, shifts and order share no random numbers.
    key, shift_key = (
        jax.random.fold_in(jax.random.key(seed), (1 << 31) + n) for n in range(2)
    )

    def body(state: TrainState, _: None) -> tuple[TrainState, losses.Metrics]:
        batch = batches.gather_batch(rows, order, state.step, size)
        if any(stream.shift for stream in streams):
            chosen, _is_row = batches.chosen_rows(order, state.step, size)
            moved = shift_targets(
                jax.random.fold_in(shift_key, state.step),
                jnp.asarray(batch.targets),
                shift_limits(streams, chosen),
            )
            batch = batch._replace(targets=moved)
        batch = jax.lax.with_sharding_constraint(batch, sharding.by_row(recipe.mesh))
        return steps.train_step(
            recipe.model, recipe.optimizer, recipe.options, key, state, batch
        )

    return jax.lax.scan(body, state, length=count)


def make_run_steps(
    recipe: Recipe, seed: int, shapes: TrainState
) -> Callable[[TrainState, losses.AnyBatch, int], tuple[TrainState, losses.Metrics]]:
    """Return `run_steps` of one run, jitted: (state, rows, count), state donated.

    Args:
      recipe: model, optimiser and settings.
      seed: decides the order of rows and the dropout.
      shapes: of the state, from `initial_state`.
    """
    return jax.jit(
        functools.partial(run_steps, recipe, seed),
        static_argnums=2,
        donate_argnums=0,
        out_shardings=_out_shardings(shapes, recipe.mesh),
        compiler_options=compiler_options(),
    )


def make_vmapped_run_steps(
    task: Task, mesh: Mesh, shapes: TrainState
) -> Callable[
    [Mapping[str, Array], TrainState, losses.AnyBatch, int],
    tuple[TrainState, losses.Metrics],
]:
    """Return `run_steps` of several runs, jitted.

    Args:
      task: of any of the runs; its values under `TRACED` are not used.
      mesh: the devices.
      shapes: of the states, from `initial_states`.

    Returns:
      (values, states, rows, count) → (states, metrics). `values` has one array for each
      key of `TRACED`. Values, states and metrics have the runs along a first axis. The
      states are donated.
    """

    def run_one(
        values: Mapping[str, Array],
        state: TrainState,
        rows: losses.AnyBatch,
        count: int,
    ) -> tuple[TrainState, losses.Metrics]:
        options = dataclasses.replace(
            task.optimizer, learning_rate=values["optimizer.learning_rate"]
        )
        of_run = dataclasses.replace(
            task,
            model=task.model.clone(dropout=values["model.dropout"]),
            optimizer=options,
        )
        return run_steps(make_recipe(of_run, mesh), values["seed"], state, rows, count)

    def run_all(
        values: Mapping[str, Array],
        states: TrainState,
        rows: losses.AnyBatch,
        count: int,
    ) -> tuple[TrainState, losses.Metrics]:
        one = functools.partial(run_one, rows=rows, count=count)
        return jax.vmap(one)(values, states)

    return jax.jit(
        run_all,
        static_argnums=3,
        donate_argnums=1,
        out_shardings=_out_shardings(shapes, mesh),
        compiler_options=compiler_options(),
    )


def _out_shardings(shapes: TrainState, mesh: Mesh) -> tuple[TrainState, NamedSharding]:
    """Return the shardings of a state and of metrics."""
    return sharding.of_state(shapes, mesh), sharding.replicated(mesh)


def next_stop(step: int, counts: StepCounts) -> int:
    """Return the step at which the call that starts at `step` ends.

    The stops depend only on the step, so that a resumed run makes the same calls as an
    uninterrupted one, with bit-identical results.
    """
    strides = (counts.per_epoch, counts.per_evaluation)
    stops = [(step // stride + 1) * stride for stride in strides]
    in_epoch = step % counts.per_epoch
    stops.append(step + counts.per_call - in_epoch % counts.per_call)
    return min(*stops, counts.total)


def next_lengths(step: int, counts: StepCounts) -> list[int]:
    """Return the numbers of steps of the calls in the next epoch and evaluation."""
    end = min(counts.total, step + max(counts.per_epoch, counts.per_evaluation))
    lengths = set()
    while step < end:
        stop = next_stop(step, counts)
        lengths.add(stop - step)
        step = stop
    return sorted(lengths)
