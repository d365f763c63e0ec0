"""The training loop: chunks of steps on the device, validation, checkpoints."""

import dataclasses
import functools
import math
import pathlib
import time
from collections.abc import Callable, Mapping, Sequence

import jax
import numpy as np
from absl import logging
from ml_collections import ConfigDict

from mirjax.inference.teacher_forced import evaluate_teacher_forced
from mirjax.models import losses, make_model
from mirjax.training import sharding
from mirjax.training.checkpoint import Checkpoints
from mirjax.training.early_stopping import Progress
from mirjax.training.metric_writer import MetricWriter
from mirjax.training.optimizer import make_optimizer
from mirjax.training.runner import make_run_steps, next_stop
from mirjax.training.state import initial_state
from mirjax.training.stop_signal import StopSignal, TrainingStopped
from mirjax.training.task import Task, to_devices
from mirjax.training.workdir import export_model
from mirjax.xla import compiler_options

# Told the step and the latest figures after every chunk.
ProgressHook = Callable[[int, Mapping[str, float]], None]


def step_means(calls: Sequence[Mapping[str, np.ndarray]]) -> dict[str, float]:
    """Return the mean of each metric over the steps of several calls."""
    return {
        name: float(np.mean(np.concatenate([call[name] for call in calls])))
        for name in calls[0]
    }


def best_metric(figures: Mapping[str, float], train: ConfigDict) -> float:
    """Return the figure that chooses the best checkpoint.

    Raises:
      ValueError: if there is no such figure.
    """
    if train.best_metric not in figures:
        raise ValueError(
            f"config.train.best_metric={train.best_metric!r} is not among "
            f"{sorted(figures)}"
        )
    return figures[train.best_metric]


class Trainer:
    """One run: its model, data on the device, and jitted functions."""

    def __init__(
        self,
        config: ConfigDict,
        workdir: pathlib.Path,
        prepared: Task,
    ):
        self.config, self.workdir, self._prepared = config, workdir, prepared
        self.model = make_model(config.model)
        self.mesh = sharding.make_mesh(config.train.batch_size)
        optimizer = make_optimizer(config.optimizer, config.train.num_steps)
        self.state, self._abstract = initial_state(
            self.model, optimizer, config.seed, self.mesh
        )
        self._run_steps = make_run_steps(self.model, optimizer, config, self.mesh)
        self._placed = to_devices(prepared, config.train, self.mesh)
        self._evaluate_batch = jax.jit(
            functools.partial(losses.evaluation_sums, self.model),
            compiler_options=compiler_options(),
        )

    def run(self, report: ProgressHook) -> None:
        """Train to the end, from the last checkpoint where there is one.

        Args:
          report: is told of progress after each call.

        Raises:
          FloatingPointError: if the loss is not a number; it names the step.
          TrainingStopped: on SIGTERM, once everything is saved.
        """
        train = self.config.train
        with (
            StopSignal() as self._stop,
            Checkpoints(self.workdir, train.best_mode) as checkpoints,
        ):
            progress = self._restore(checkpoints)
            step = int(self.state.step)
            with MetricWriter(self.workdir, step) as writer:
                while step < train.num_steps and not progress.stopped:
                    step, progress = self._run_to_evaluation(
                        step, progress, checkpoints, writer, report
                    )

    def _restore(self, checkpoints: Checkpoints) -> Progress:
        parameters = sum(leaf.size for leaf in jax.tree.leaves(self.state.params))
        logging.info(
            "%s: %s parameters, %d rows, %d steps an epoch, %d device(s), %s",
            self.config.model.name,
            f"{parameters:,}",
            len(self._placed.rows.weights),
            self._placed.steps_in_epoch,
            self.mesh.size,
            jax.devices()[0].device_kind,
        )
        restored = checkpoints.restore_last(self._abstract)
        if restored is None:
            return Progress()
        self.state, progress = restored
        return Progress(**progress)

    def _run_to_evaluation(
        self,
        step: int,
        progress: Progress,
        checkpoints: Checkpoints,
        writer: MetricWriter,
        report: ProgressHook,
    ) -> tuple[int, Progress]:
        """Train up to the next evaluation, evaluate, save; return step and progress."""
        train = self.config.train
        started, first = time.perf_counter(), step
        pending, seen = None, []
        while True:
            stop = next_stop(step, self.config, self._placed.steps_in_epoch)
            self.state, metrics = self._run_steps(
                self.state, self._placed.rows, stop - step
            )
            # Read one call late: the device works on this one meanwhile.
            if pending is not None:
                seen.append(self._read(*pending))
                report(step, step_means(seen[-1:]))
            pending, step = (step, metrics), stop
            evaluates = stop % train.eval_every == 0 or stop == train.num_steps
            if evaluates or self._stop.requested:
                break
        seen.append(self._read(*pending))
        report(step, step_means(seen[-1:]))
        seconds = time.perf_counter() - started
        rows = (step - first) * train.batch_size
        figures = {f"train/{name}": x for name, x in step_means(seen).items()}
        figures |= {
            "epoch": step / self._placed.steps_in_epoch,
            "train/seconds": seconds,
            "train/samples_per_second": rows / seconds,
        }
        if not evaluates:
            checkpoints.save(step, self.state, dataclasses.asdict(progress))
            raise TrainingStopped(f"stopped by SIGTERM at step {step}; state saved")
        held_out = evaluate_teacher_forced(
            self._evaluate_batch,
            self.state.eval_params,
            self._placed.validation,
            train.l2,
        )
        held_out |= self._prepared.validate(self.model, self.state.eval_params)
        figures |= {f"val/{name}": value for name, value in held_out.items()}
        writer.write(step, figures)
        logging.info(
            "step %d: %s",
            step,
            ", ".join(f"{name} {value:.4g}" for name, value in figures.items()),
        )
        progress, metric = self._judge(step, figures, progress)
        checkpoints.save(step, self.state, dataclasses.asdict(progress), metric)
        if self._stop.requested and step < train.num_steps:
            raise TrainingStopped(f"stopped by SIGTERM at step {step}; state saved")
        return step, progress

    def _read(self, first_step: int, metrics: losses.Metrics) -> dict[str, np.ndarray]:
        """Fetch the metrics of each step of one call, and check the loss."""
        host = jax.device_get(metrics)
        for offset, loss in enumerate(host["loss"]):
            if not math.isfinite(loss):
                raise FloatingPointError(
                    f"the loss is {loss} at step {first_step + offset + 1}; the last "
                    f"good checkpoint is in {self.workdir}; try a lower "
                    "config.optimizer.learning_rate or config.optimizer.clip_norm=1"
                )
        return host

    def _judge(
        self, step: int, figures: Mapping[str, float], progress: Progress
    ) -> tuple[Progress, float]:
        """Compare with the best so far; export the model that the config asks for."""
        train = self.config.train
        value = best_metric(figures, train)
        progress = progress.after(step, value, train)
        if progress.stopped:
            logging.info(
                "Early stop at step %d: %s was best at step %d",
                step,
                train.best_metric,
                progress.best_step,
            )
        if progress.best_step == step or train.export == "last":
            params = self.state.eval_params
            more = self._prepared.describe(self.model, params)
            export_model(self.workdir, self.config, step, params, more)
        return progress, value
