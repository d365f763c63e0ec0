"""The compiled programs of training: one run, or several runs vmapped.

Both keep the train state on the devices and offer the loop the same interface. Runs
that differ only in learning rate, dropout rate or seed can be vmapped: a small model
leaves most of a device idle, and one program is compiled for all of them.
"""

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array
from jax.sharding import Mesh

from mirjax.datasets import batches
from mirjax.inference.teacher_forced import evaluate_teacher_forced
from mirjax.models import losses
from mirjax.training import sharding, steps
from mirjax.training.optimizer import make_optimizer
from mirjax.training.options import StepCounts
from mirjax.training.state import TrainState, initial_state, initial_states
from mirjax.training.task import DeviceData, Task, to_devices
from mirjax.xla import compiler_options

TRACED = ("optimizer.learning_rate", "model.dropout", "seed")
"""Config keys in which vmapped runs may differ."""

RunMetrics = Mapping[str, np.ndarray]  # metric → its value at each step of a call


class Recipe(NamedTuple):
    """What a training step depends on beside its state, seed and rows."""

    model: nn.Module
    optimizer: optax.GradientTransformation
    batch_size: int  # rows, over all devices
    l2: float  # factor of the penalty on Dense kernels
    mesh: Mesh


def make_recipe(task: Task, mesh: Mesh) -> Recipe:
    """Return the recipe of a task's training step."""
    optimizer = make_optimizer(
        task.optimizer, num_steps=task.steps.total, warmup_steps=task.steps.warmup
    )
    return Recipe(task.model, optimizer, task.train.batch_size, task.train.l2, mesh)


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
    num_rows = rows.weights.shape[0]
    epoch = state.step // batches.steps_per_epoch(num_rows, recipe.batch_size)
    order = batches.epoch_order(seed, epoch, num_rows)
    # A stream of its own, so that dropout and order share no random numbers.
    key = jax.random.fold_in(jax.random.key(seed), 1 << 31)

    def body(state: TrainState, _: None) -> tuple[TrainState, losses.Metrics]:
        batch = batches.gather_batch(rows, order, state.step, recipe.batch_size)
        batch = jax.lax.with_sharding_constraint(batch, sharding.by_row(recipe.mesh))
        return steps.train_step(
            recipe.model, recipe.optimizer, recipe.l2, key, state, batch
        )

    return jax.lax.scan(body, state, length=count)


def make_run_steps(
    recipe: Recipe, seed: int
) -> Callable[[TrainState, losses.AnyBatch, int], tuple[TrainState, losses.Metrics]]:
    """Return `run_steps` of one run, jitted: (state, rows, count), state donated."""
    return jax.jit(
        functools.partial(run_steps, recipe, seed),
        static_argnums=2,
        donate_argnums=0,
        compiler_options=compiler_options(),
    )


def make_vmapped_run_steps(
    task: Task, mesh: Mesh
) -> Callable[
    [Mapping[str, Array], TrainState, losses.AnyBatch, int],
    tuple[TrainState, losses.Metrics],
]:
    """Return `run_steps` of several runs, jitted.

    Args:
      task: of any of the runs; its values under `TRACED` are not used.
      mesh: the devices.

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
        compiler_options=compiler_options(),
    )


def next_stop(step: int, counts: StepCounts) -> int:
    """Return the step at which the call that starts at `step` ends.

    The stops depend on the step alone, so that a resumed run makes the same calls as
    one never stopped, and its arithmetic is the same bit for bit.
    """
    strides = (counts.per_epoch, counts.per_evaluation)
    stops = [(step // stride + 1) * stride for stride in strides]
    in_epoch = step % counts.per_epoch
    stops.append(step + counts.per_call - in_epoch % counts.per_call)
    return min(*stops, counts.total)


class Program(Protocol):
    """Train state on the devices, and the jitted functions that advance it.

    Attributes:
      tasks: one for each run; all share data, step counts and train options.
      mesh: the devices.
      data: training and validation rows on them.
      state: the train state; of several runs, stacked along a first axis.
      abstract_state: shapes, types and shardings of the state, to restore into.
    """

    tasks: Sequence[Task]
    mesh: Mesh
    data: DeviceData
    state: TrainState
    abstract_state: Any

    def step(self) -> int:
        """Return the number of steps done."""

    def advance(self, count: int) -> losses.Metrics:
        """Dispatch training steps, and return their metrics on the devices."""

    def split(self, metrics: Any) -> list[RunMetrics]:
        """Return what `advance` returned, fetched, for each run."""

    def evaluate(self) -> list[dict[str, float]]:
        """Return teacher-forced validation metrics of each run, without dropout."""

    def eval_params(self, run: int) -> Mapping[str, Any]:
        """Return the parameters of a run to evaluate and export."""


class SingleRun:
    """The program of one run; see `Program`."""

    def __init__(self, task: Task):
        """Initialise the state and put the rows on the devices."""
        self.tasks: Sequence[Task] = (task,)
        self.mesh = sharding.make_mesh(task.train.batch_size)
        recipe = make_recipe(task, self.mesh)
        self.state, self.abstract_state = initial_state(
            task.model, recipe.optimizer, task.seed, self.mesh
        )
        self.data = to_devices(task, self.mesh)
        self._run_steps = make_run_steps(recipe, task.seed)
        self._evaluate_batch = jax.jit(
            functools.partial(losses.evaluation_sums, task.model),
            compiler_options=compiler_options(),
        )

    def step(self) -> int:
        """Return the number of steps done."""
        return int(self.state.step)

    def advance(self, count: int) -> losses.Metrics:
        """Dispatch training steps, and return their metrics on the devices."""
        self.state, metrics = self._run_steps(self.state, self.data.rows, count)
        return metrics

    def split(self, metrics: Any) -> list[RunMetrics]:
        """Return the fetched metrics of the one run."""
        return [metrics]

    def evaluate(self) -> list[dict[str, float]]:
        """Return the run's validation metrics."""
        return [
            evaluate_teacher_forced(
                self._evaluate_batch,
                self.state.eval_params,
                self.data.validation,
                self.tasks[0].train.l2,
            )
        ]

    def eval_params(self, run: int) -> Mapping[str, Any]:
        """Return the parameters to evaluate and export."""
        del run
        return self.state.eval_params


class VmappedRuns:
    """The program of several runs that differ under `TRACED` alone; see `Program`."""

    def __init__(self, tasks: Sequence[Task]):
        """Initialise the states and put the rows on the devices."""
        self.tasks: Sequence[Task] = tasks
        task = tasks[0]
        self.mesh = sharding.make_mesh(task.train.batch_size)
        seeds = [task.seed for task in tasks]
        self._values = {
            "optimizer.learning_rate": jnp.asarray(
                [float(task.optimizer.learning_rate) for task in tasks]
            ),
            "model.dropout": jnp.asarray([float(task.model.dropout) for task in tasks]),
            "seed": jnp.asarray(seeds),
        }
        # Learning rates are not part of an optimiser's state.
        optimizer = make_recipe(task, self.mesh).optimizer
        self.state, self.abstract_state = initial_states(
            task.model, optimizer, seeds, self.mesh
        )
        self.data = to_devices(task, self.mesh)
        self._run_steps = make_vmapped_run_steps(task, self.mesh)
        self._evaluate_batch = jax.jit(
            jax.vmap(
                functools.partial(losses.evaluation_sums, task.model),
                in_axes=(0, None),
            ),
            compiler_options=compiler_options(),
        )

    def step(self) -> int:
        """Return the number of steps done, which is the same for all runs."""
        return int(self.state.step[0])

    def advance(self, count: int) -> losses.Metrics:
        """Dispatch training steps, and return their metrics on the devices."""
        self.state, metrics = self._run_steps(
            self._values, self.state, self.data.rows, count
        )
        return metrics

    def split(self, metrics: Any) -> list[RunMetrics]:
        """Return the fetched metrics of each run."""
        return [self._of_run(metrics, run) for run in range(len(self.tasks))]

    def evaluate(self) -> list[dict[str, float]]:
        """Return validation metrics of each run."""
        params = self.state.eval_params
        sums = [self._evaluate_batch(params, batch) for batch in self.data.validation]
        total = jax.tree.map(lambda *parts: sum(parts), *sums)
        return [
            losses.summarise(
                self._of_run(total, run), self.eval_params(run), task.train.l2
            )
            for run, task in enumerate(self.tasks)
        ]

    def eval_params(self, run: int) -> Mapping[str, Any]:
        """Return the parameters of a run to evaluate and export."""
        return self._of_run(self.state.eval_params, run)

    @staticmethod
    def _of_run(tree: Any, run: int) -> Any:
        return jax.tree.map(lambda leaf: leaf[run], tree)
