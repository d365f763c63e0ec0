"""Runs that differ in numbers alone, trained together as one program.

A small model leaves most of a device idle. `jax.vmap` over runs makes one product of
many small ones, and compiles once for all.
"""

import dataclasses
import functools
import json
import math
import pathlib
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import jax
import jax.numpy as jnp
from absl import logging
from jax import Array
from jaxtyping import Float
from ml_collections import ConfigDict

from mirjax.models import losses, make_model
from mirjax.training import loop, sharding
from mirjax.training.checkpoint import Checkpoints
from mirjax.training.early_stopping import Progress
from mirjax.training.metric_writer import MetricWriter
from mirjax.training.optimizer import make_optimizer
from mirjax.training.runner import next_stop, run_steps
from mirjax.training.state import TrainState, initial_states
from mirjax.training.stop_signal import StopSignal, TrainingStopped
from mirjax.training.task import Task, to_devices
from mirjax.training.workdir import export_model
from mirjax.xla import compiler_options

# The keys in which runs that are trained together may differ.
TRACED = ("optimizer.learning_rate", "model.dropout", "seed")

_Values = dict[str, Array]  # by key of TRACED; one a run


@dataclasses.dataclass(frozen=True)
class RunProgress:
    """How far one run of several has come.

    Attributes:
      stopping: what early stopping remembers of it.
      figures: its figures at the best step.
      diverged: the step by which its loss was no number any more, else None.
    """

    stopping: Progress = Progress()
    figures: Mapping[str, float] = dataclasses.field(default_factory=dict)
    diverged: int | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing more is to be had of it."""
        return self.stopping.stopped or self.diverged is not None


def make_run_together(
    config: ConfigDict, mesh: jax.sharding.Mesh
) -> Callable[
    [_Values, TrainState, losses.AnyBatch, int], tuple[TrainState, losses.Metrics]
]:
    """Return `runner.run_steps` of several runs, jitted.

    Args:
      config: of any of them; its values under TRACED are not looked at.
      mesh: what `make_mesh` gave.

    Returns:
      (values, states, rows, count) -> (states, metrics), where the values, the states
      and the metrics of each run stand along a first axis. The states are donated.
    """
    plain = make_model(config.model)

    def run_one(
        values: _Values, state: TrainState, rows: losses.AnyBatch, count: int
    ) -> tuple[TrainState, losses.Metrics]:
        model = plain.clone(dropout=values["model.dropout"])
        arguments = dict(config.optimizer)
        arguments["learning_rate"] = values["optimizer.learning_rate"]
        optimizer = make_optimizer(arguments, config.train.num_steps)
        return run_steps(
            model, optimizer, values["seed"], config, mesh, state, rows, count
        )

    def run_all(
        values: _Values, states: TrainState, rows: losses.AnyBatch, count: int
    ) -> tuple[TrainState, losses.Metrics]:
        one = functools.partial(run_one, rows=rows, count=count)
        return jax.vmap(one)(values, states)

    return jax.jit(
        run_all,
        static_argnums=3,
        donate_argnums=1,
        compiler_options=compiler_options(),
    )


class VmappedRuns:
    """Several runs, trained together from their last checkpoint on.

    Args:
      configs: of each run; they differ under TRACED alone.
      folders: of each run, for its metrics and its model.
      workdir: for the checkpoints of all.
      prepared: what they train on and are judged by.
    """

    def __init__(
        self,
        configs: Sequence[ConfigDict],
        folders: Sequence[pathlib.Path],
        workdir: pathlib.Path,
        prepared: Task,
    ):
        self._configs, self._folders, self._workdir = configs, folders, workdir
        self._prepared = prepared
        config = self._config = configs[0]
        self._mesh = sharding.make_mesh(config.train.batch_size)
        self._model = make_model(config.model)
        self._values: _Values = {
            "optimizer.learning_rate": _column(configs, "optimizer", "learning_rate"),
            "model.dropout": _column(configs, "model", "dropout"),
            "seed": jnp.asarray([config.seed for config in configs]),
        }
        # Learning rates are no part of the optimiser's state.
        optimizer = make_optimizer(config.optimizer, config.train.num_steps)
        self._states, self._abstract = initial_states(
            self._model, optimizer, [config.seed for config in configs], self._mesh
        )
        self._run_together = make_run_together(config, self._mesh)
        self._placed = to_devices(prepared, config.train, self._mesh)
        self._evaluate = jax.jit(
            jax.vmap(
                functools.partial(losses.evaluation_sums, self._model),
                in_axes=(0, None),
            ),
            compiler_options=compiler_options(),
        )

    def run(self) -> list[RunProgress]:
        """Train all runs to their ends.

        A run whose loss is no number any more, or that early stopping has ended, is
        left alone; the others go on.

        Returns:
          How each run ended.

        Raises:
          TrainingStopped: on SIGTERM, once everything is saved.
        """
        train = self._config.train
        with (
            StopSignal() as stop,
            Checkpoints(self._workdir, train.best_mode) as checkpoints,
            ExitStack() as stack,
        ):
            step, runs = 0, [RunProgress() for _ in self._configs]
            if restored := checkpoints.restore_last(self._abstract):
                self._states, saved = restored
                step = int(self._states.step[0])
                runs = [_from_json(text) for text in saved["runs"]]
            writers = [
                stack.enter_context(MetricWriter(folder, step))
                for folder in self._folders
            ]
            while step < train.num_steps and not all(run.ended for run in runs):
                step, runs = self._run_to_evaluation(step, runs, writers, stop)
                saved = {"runs": [json.dumps(dataclasses.asdict(run)) for run in runs]}
                checkpoints.save(step, self._states, saved)
                if stop.requested and step < train.num_steps:
                    raise TrainingStopped(
                        f"stopped by SIGTERM at step {step}; state saved"
                    )
        return runs

    def _run_to_evaluation(
        self,
        step: int,
        runs: Sequence[RunProgress],
        writers: Sequence[MetricWriter],
        stop: StopSignal,
    ) -> tuple[int, list[RunProgress]]:
        """Train up to the next evaluation, or until SIGTERM; return what came of it."""
        config = self._config
        started, first, calls = time.perf_counter(), step, []
        while True:
            end = next_stop(step, config, self._placed.steps_in_epoch)
            self._states, metrics = self._run_together(
                self._values, self._states, self._placed.rows, end - step
            )
            calls.append(metrics)
            step = end
            evaluates = (
                step % config.train.eval_every == 0 or step == config.train.num_steps
            )
            if evaluates or stop.requested:
                break
        seen = jax.device_get(calls)
        if not evaluates:
            return step, list(runs)
        seconds = time.perf_counter() - started
        sums = [
            self._evaluate(self._states.eval_params, batch)
            for batch in self._placed.validation
        ]
        held_out = jax.tree.map(lambda *parts: sum(parts), *sums)
        rows_a_second = (step - first) * config.train.batch_size * len(runs) / seconds
        judged = []
        for number, run in enumerate(runs):
            if not run.ended:
                of_run = functools.partial(jax.tree.map, lambda leaf, n=number: leaf[n])
                figures = {
                    f"train/{name}": x
                    for name, x in loop.step_means([of_run(c) for c in seen]).items()
                }
                figures |= {
                    "epoch": step / self._placed.steps_in_epoch,
                    "train/seconds": seconds,
                    "train/samples_per_second": rows_a_second,
                }
                run = self._judge(
                    number, run, step, figures, of_run(held_out), writers[number]
                )
            judged.append(run)
        return step, judged

    def _judge(
        self,
        number: int,
        run: RunProgress,
        step: int,
        figures: dict[str, float],
        sums: losses.Metrics,
        writer: MetricWriter,
    ) -> RunProgress:
        """Compare a run with its best so far; export its model if it is better."""
        config, folder = self._configs[number], self._folders[number]
        if not math.isfinite(figures["train/loss"]):
            logging.info("%s: diverged by step %d", folder.name, step)
            return dataclasses.replace(run, diverged=step)
        params = jax.tree.map(lambda leaf: leaf[number], self._states.eval_params)
        held_out = losses.summarise(sums, params, config.train.l2)
        held_out |= self._prepared.validate(self._model, params)
        figures |= {f"val/{name}": value for name, value in held_out.items()}
        writer.write(step, figures)
        value = loop.best_metric(figures, config.train)
        logging.info(
            "%s, step %d: train/loss %.4g, %s %.4g",
            folder.name,
            step,
            figures["train/loss"],
            config.train.best_metric,
            value,
        )
        stopping = run.stopping.after(step, value, config.train)
        better = stopping.best_step == step
        if better or config.train.export == "last":
            more = self._prepared.describe(self._model, params)
            export_model(folder, config, step, params, more)
        return RunProgress(stopping, figures if better else run.figures)


def _column(
    configs: Sequence[ConfigDict], section: str, key: str
) -> Float[Array, " runs"]:
    return jnp.asarray([float(config[section][key]) for config in configs])


def _from_json(text: str) -> RunProgress:
    saved: dict[str, Any] = json.loads(text)
    return RunProgress(
        Progress(**saved["stopping"]), saved["figures"], saved["diverged"]
    )
