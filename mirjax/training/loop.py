"""The training loop: steps on the devices, validation, checkpoints, export."""

import dataclasses
import pathlib
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack

import jax
import numpy as np
from absl import logging

from mirjax.training.calls import next_stop
from mirjax.training.checkpoint import Checkpoints
from mirjax.training.metric_writer import MetricWriter
from mirjax.training.programs import Program, RunMetrics
from mirjax.training.progress import RunProgress
from mirjax.training.stop_signal import StopSignal, TrainingStopped
from mirjax.training.workdir import export_model

ProgressHook = Callable[[int, Mapping[str, float]], None]
"""Called after each jitted call with the step and the mean metrics of its steps."""


@dataclasses.dataclass(frozen=True)
class Folders:
    """Where a program's runs are kept.

    Attributes:
      runs: one folder for each run, with its metrics and its exported model.
      checkpoints: of all runs together; for one run its own folder.
    """

    runs: Sequence[pathlib.Path]
    checkpoints: pathlib.Path


@dataclasses.dataclass(frozen=True)
class _Interval:
    """The steps from one evaluation to the next, or to a stop before it."""

    end: int  # step
    is_evaluation: bool
    metrics: Sequence[Mapping[str, float]]  # of each run


class Loop:
    """Trains a program's runs to their ends, from the last checkpoint on.

    Args:
      program: the compiled program and its state.
      folders: where the runs are kept.
      report: called after each jitted call, with the metrics of the first run.
      raise_on_divergence: raise when a loss is NaN or infinite. Otherwise a run that
        diverges ends, and the other runs go on.
    """

    def __init__(
        self,
        program: Program,
        folders: Folders,
        *,
        report: ProgressHook = lambda step, metrics: None,
        raise_on_divergence: bool = True,
    ):
        self._program, self._folders, self._report = program, folders, report
        self._raise_on_divergence = raise_on_divergence
        self._train = program.tasks[0].train
        self._counts = program.tasks[0].steps

    def run(self) -> list[RunProgress]:
        """Train until every run has ended or all steps are done.

        Returns:
          The progress of each run.

        Raises:
          FloatingPointError: if a loss is not finite and `raise_on_divergence`; it
            names the step.
          TrainingStopped: after SIGTERM, once everything is saved.
        """
        folder, total = self._folders.checkpoints, self._counts.total
        with (
            StopSignal() as stop,
            Checkpoints(folder, self._train.best_mode) as checkpoints,
            ExitStack() as stack,
        ):
            self._log_start()
            runs = self._restore(checkpoints)
            step = self._program.step()
            writers = [
                stack.enter_context(MetricWriter(folder, step))
                for folder in self._folders.runs
            ]
            while step < total and not all(run.ended for run in runs):
                interval, runs = self._train_interval(step, runs, stop)
                step, metric = interval.end, None
                if interval.is_evaluation:
                    runs, metric = self._evaluate(interval, runs, writers)
                saved = {"runs": [run.to_json() for run in runs]}
                checkpoints.save(step, self._program.state, saved, metric)
                if stop.requested and step < total:
                    raise TrainingStopped(
                        f"stopped by SIGTERM at step {step}; state saved"
                    )
        return runs

    def _log_start(self) -> None:
        program = self._program
        leaves = jax.tree.leaves(program.eval_params(0))
        logging.info(
            "%s: %s parameters, %d rows, %d steps an epoch, %d device(s), %s",
            program.tasks[0].metadata["model"]["name"],
            f"{sum(leaf.size for leaf in leaves):,}",
            len(program.data.rows.weights),
            self._counts.per_epoch,
            program.mesh.size,
            jax.devices()[0].device_kind,
        )

    def _restore(self, checkpoints: Checkpoints) -> list[RunProgress]:
        restored = checkpoints.restore_last(self._program.abstract_state)
        if restored is None:
            return [RunProgress() for _ in self._program.tasks]
        self._program.state, saved = restored
        return [RunProgress.from_json(text) for text in saved["runs"]]

    def _train_interval(
        self, step: int, runs: Sequence[RunProgress], stop: StopSignal
    ) -> tuple[_Interval, list[RunProgress]]:
        """Train up to the next evaluation, or until SIGTERM."""
        counts = self._counts
        started, first, calls = time.perf_counter(), step, []
        runs, pending = list(runs), None
        while True:
            end = next_stop(step, counts)
            metrics = self._program.advance(end - step)
            # Read one call late: the device works on this one meanwhile.
            if pending is not None:
                calls.append(self._fetch(*pending, runs))
            pending, step = (step, metrics), end
            is_evaluation = end % counts.per_evaluation == 0 or end == counts.total
            if is_evaluation or stop.requested:
                break
        calls.append(self._fetch(*pending, runs))
        seconds = time.perf_counter() - started
        rows = (step - first) * self._train.batch_size * len(runs)
        shared = {
            "epoch": step / counts.per_epoch,
            "train/seconds": seconds,
            "train/samples_per_second": rows / seconds,
        }
        metrics_of_runs = [
            {f"train/{name}": x for name, x in _step_means(of_run).items()} | shared
            for of_run in zip(*calls, strict=True)
        ]
        return _Interval(step, is_evaluation, metrics_of_runs), runs

    def _fetch(
        self, first_step: int, metrics: object, runs: list[RunProgress]
    ) -> list[RunMetrics]:
        """Fetch the metrics of one call, and end the runs that have diverged."""
        host = self._program.split(jax.device_get(metrics))
        for number, of_run in enumerate(host):
            losses = of_run["loss"]
            finite = np.isfinite(losses)
            if finite.all() or runs[number].ended:
                continue
            offset = int(np.argmin(finite))
            step = first_step + offset + 1
            if self._raise_on_divergence:
                raise FloatingPointError(
                    f"the loss is {losses[offset]} at step {step}; the last good "
                    f"checkpoint is in {self._folders.checkpoints}; try a lower "
                    "config.optimizer.learning_rate or config.optimizer.clip_norm=1"
                )
            logging.info(
                "%s: diverged at step %d", self._folders.runs[number].name, step
            )
            runs[number] = dataclasses.replace(runs[number], diverged=step)
        self._report(first_step + len(host[0]["loss"]), _step_means(host[:1]))
        return host

    def _evaluate(
        self,
        interval: _Interval,
        runs: Sequence[RunProgress],
        writers: Sequence[MetricWriter],
    ) -> tuple[list[RunProgress], float | None]:
        """Evaluate the runs that go on; export the models that the config asks for.

        Returns:
          The progress of all runs, and of a single run the value of the best metric.
        """
        evaluated, metric = list(runs), None
        for number, held_out in enumerate(self._program.evaluate()):
            run, task = runs[number], self._program.tasks[number]
            if run.ended:
                continue
            params = self._program.eval_params(number)
            held_out |= task.data.validate(task.model, params)
            metrics = dict(interval.metrics[number])
            metrics |= {f"val/{name}": value for name, value in held_out.items()}
            writers[number].write(interval.end, metrics)
            self._log_evaluation(number, interval.end, metrics)
            run = run.after_evaluation(
                interval.end, metrics, task.train, self._counts.patience
            )
            if run.stopped:
                self._log_early_stop(number, interval.end, run.best_step)
            if run.best_step == interval.end or task.train.export == "last":
                export_model(self._folders.runs[number], task, interval.end, params)
            evaluated[number] = run
            metric = metrics[task.train.best_metric]
        return evaluated, metric if len(runs) == 1 else None

    def _log_evaluation(
        self, number: int, step: int, metrics: Mapping[str, float]
    ) -> None:
        chosen = metrics
        if len(self._folders.runs) > 1:
            names = ("train/loss", self._train.best_metric)
            chosen = {name: metrics[name] for name in names if name in metrics}
        values = ", ".join(f"{name} {value:.4g}" for name, value in chosen.items())
        logging.info("%sstep %d: %s", self._prefix(number), step, values)

    def _log_early_stop(self, number: int, step: int, best_step: int) -> None:
        logging.info(
            "%sEarly stop at step %d: %s was best at step %d",
            self._prefix(number),
            step,
            self._train.best_metric,
            best_step,
        )

    def _prefix(self, number: int) -> str:
        """Name a run in the log, where there are several."""
        runs = self._folders.runs
        return f"{runs[number].name}, " if len(runs) > 1 else ""


def _step_means(calls: Sequence[RunMetrics]) -> dict[str, float]:
    """Return the mean of each metric over the steps of several calls."""
    return {
        name: float(np.mean(np.concatenate([call[name] for call in calls])))
        for name in calls[0]
    }
