"""The compiled programs of training: one run, or several runs vmapped.

Both keep the train state on the devices and have the same interface. Runs that differ
only in learning rate, dropout rate or seed can be vmapped, since a small model leaves
most of a device idle; then one program is compiled for all.
"""

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from mirjax.inference.teacher_forced import evaluate_teacher_forced
from mirjax.models import losses
from mirjax.training import sharding
from mirjax.training.calls import make_recipe, make_run_steps, make_vmapped_run_steps
from mirjax.training.compiled_calls import CompiledCalls, compiled
from mirjax.training.state import (
    TrainState,
    all_finite,
    initial_state,
    initial_states,
)
from mirjax.training.task import DeviceData, Task, to_devices
from mirjax.xla import compiler_options

RunMetrics = Mapping[str, np.ndarray]  # metric → its value at each step of a call


@runtime_checkable
class Program(Protocol):
    """Train state on the devices, and the jitted functions that advance it.

    Attributes:
      tasks: one for each run; all share data, step counts and train options.
      mesh: the devices.
      data: training and validation rows on them.
      state: the train state; of several runs, stacked along a first axis.
      abstract_state: shapes, types and shardings of the state, to restore into.
      calls: the compiled calls of training steps.
    """

    tasks: Sequence[Task]
    mesh: Mesh
    data: DeviceData
    state: TrainState
    abstract_state: TrainState
    calls: CompiledCalls

    def compile(self, counts: Iterable[int]) -> None:
        """Compile calls of these numbers of steps, and the evaluation of a batch."""

    def step(self) -> int:
        """Return the number of steps done."""

    def advance(self, count: int) -> losses.Metrics:
        """Dispatch training steps, and return their metrics on the devices."""

    def split(self, metrics: RunMetrics) -> list[RunMetrics]:
        """Return the fetched metrics of `advance`, for each run."""

    def finite(self) -> list[bool]:
        """Return for each run whether its whole train state is finite."""

    def evaluate(self) -> list[dict[str, float]]:
        """Return teacher-forced validation metrics of each run, without dropout."""

    def eval_params(self, run: int) -> Mapping[str, Any]:
        """Return the parameters of a run to evaluate and export."""


class SingleRun:
    """The program of one run; see `Program`."""

    def __init__(self, task: Task):
        """Initialise the state and put the rows on the devices."""
        self.tasks: Sequence[Task] = (task,)
        self.mesh = _mesh_of(task)
        recipe = make_recipe(task, self.mesh)
        self.state, self.abstract_state = initial_state(
            task.model, recipe.optimizer, task.seed, self.mesh, task.initial
        )
        self.data = to_devices(task, self.mesh)
        self.calls = CompiledCalls(
            make_run_steps(recipe, task.seed, self.abstract_state)
        )
        self._finite = jax.jit(all_finite, compiler_options=compiler_options())
        self._evaluate_batch: Callable[..., losses.Metrics] = jax.jit(
            sharding.added_up(
                functools.partial(losses.evaluate_batch, task.model), self.mesh
            ),
            compiler_options=compiler_options(),
        )

    def compile(self, counts: Iterable[int]) -> None:
        """Compile calls of these numbers of steps, and the evaluation of a batch."""
        for count in counts:
            self.calls.compile(count, self.state, self.data.rows)
        self._evaluate_batch = compiled(
            self._evaluate_batch, self.state.eval_params, self.data.validation[0]
        )

    def step(self) -> int:
        """Return the number of steps done."""
        return int(self.state.step)

    def advance(self, count: int) -> losses.Metrics:
        """Dispatch training steps, and return their metrics on the devices."""
        self.state, metrics = self.calls(count, self.state, self.data.rows)
        return metrics

    def split(self, metrics: RunMetrics) -> list[RunMetrics]:
        """Return the fetched metrics of the one run."""
        return [metrics]

    def finite(self) -> list[bool]:
        """Return whether all numbers of the train state are finite."""
        return [bool(self._finite(self.state))]

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
        gathered: Mapping[str, Any] = sharding.gather(self.state.eval_params, self.mesh)
        return gathered


class VmappedRuns:
    """The program of several runs that differ only in `TRACED`; see `Program`."""

    def __init__(self, tasks: Sequence[Task]):
        """Initialise the states and put the rows on the devices."""
        self.tasks: Sequence[Task] = tasks
        task = tasks[0]
        self.mesh = _mesh_of(task)
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
            task.model, optimizer, seeds, self.mesh, task.initial
        )
        self.data = to_devices(task, self.mesh)
        self.calls = CompiledCalls(
            make_vmapped_run_steps(task, self.mesh, self.abstract_state)
        )
        self._finite = jax.jit(
            jax.vmap(all_finite), compiler_options=compiler_options()
        )
        self._evaluate_batch: Callable[..., losses.Metrics] = jax.jit(
            sharding.added_up(
                jax.vmap(
                    functools.partial(losses.evaluate_batch, task.model),
                    in_axes=(0, None),
                ),
                self.mesh,
            ),
            compiler_options=compiler_options(),
        )

    def compile(self, counts: Iterable[int]) -> None:
        """Compile calls of these numbers of steps, and the evaluation of a batch."""
        for count in counts:
            self.calls.compile(count, self._values, self.state, self.data.rows)
        self._evaluate_batch = compiled(
            self._evaluate_batch, self.state.eval_params, self.data.validation[0]
        )

    def step(self) -> int:
        """Return the number of steps done, which is the same for all runs."""
        return int(self.state.step[0])

    def advance(self, count: int) -> losses.Metrics:
        """Dispatch training steps, and return their metrics on the devices."""
        self.state, metrics = self.calls(
            count, self._values, self.state, self.data.rows
        )
        return metrics

    def split(self, metrics: RunMetrics) -> list[RunMetrics]:
        """Return the fetched metrics of each run."""
        return [self._of_run(metrics, run) for run in range(len(self.tasks))]

    def finite(self) -> list[bool]:
        """Return for each run whether its whole train state is finite."""
        return [bool(flag) for flag in jax.device_get(self._finite(self.state))]

    def evaluate(self) -> list[dict[str, float]]:
        """Return validation metrics of each run."""
        params = self.state.eval_params
        sums = [self._evaluate_batch(params, batch) for batch in self.data.validation]
        total = jax.tree.map(lambda *parts: sum(parts), *sums)
        return [
            losses.evaluation_metrics(
                self._of_run(total, run), self.eval_params(run), task.train.l2
            )
            for run, task in enumerate(self.tasks)
        ]

    def eval_params(self, run: int) -> Mapping[str, Any]:
        """Return the parameters of a run to evaluate and export."""
        return self._of_run(sharding.gather(self.state.eval_params, self.mesh), run)

    @staticmethod
    def _of_run(tree: Any, run: int) -> Any:
        return jax.tree.map(lambda leaf: leaf[run], tree)


def _mesh_of(task: Task) -> Mesh:
    return sharding.make_mesh(task.train.micro_batch_size, task.train.model_devices)
