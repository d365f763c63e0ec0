"""The training loop: steps on the devices, validation, checkpoints, export."""

import dataclasses
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import jax
from absl import logging

from mirjax.training import restoring, sharding
from mirjax.training.agreement import from_process_0
from mirjax.training.calls import next_lengths, next_stop
from mirjax.training.checkpoint import Checkpoints
from mirjax.training.interval import (
    Interval,
    IntervalMetrics,
    first_not_finite,
    not_finite,
)
from mirjax.training.log_lines import evaluation_line, start_line
from mirjax.training.metric_writer import MetricWriter
from mirjax.training.profile import CHECKPOINTS, EVALUATION, STEPS, Profile
from mirjax.training.programs import Program, RunMetrics
from mirjax.training.progress import RunProgress
from mirjax.training.restoring import Folders
from mirjax.training.stop_signal import StopSignal, TrainingStopped
from mirjax.training.task import Task
from mirjax.training.utilization import utilization
from mirjax.training.workdir import export_model

ProgressHook = Callable[[int, Mapping[str, float]], None]
"""Called after each jitted call with the step and the mean metrics of its steps."""


class Loop:
    """Trains the runs of a program to their ends, starting at the last checkpoint.

    Args:
      program: the compiled program and its state.
      folders: the folders of the runs.
      report: called after each jitted call, with the metrics of the first run.
      raise_on_divergence: raise when a run diverges: a parameter, a loss or a
        validation metric is NaN or infinite. Otherwise that run ends, and the others
        continue.
      profile: times the phases of the run.
    """

    def __init__(
        self,
        program: Program,
        folders: Folders,
        *,
        report: ProgressHook = lambda step, metrics: None,
        raise_on_divergence: bool = True,
        profile: Profile | None = None,
    ):
        self._program, self._folders, self._report = program, folders, report
        self._profile = profile or Profile()
        self._raise_on_divergence = raise_on_divergence
        self._train = program.tasks[0].train
        self._counts = program.tasks[0].steps
        self._writers: list[MetricWriter] = []

    def run(self) -> list[RunProgress]:
        """Train until every run has ended or all steps are done.

        Returns:
          The progress of each run.

        Raises:
          ValueError: if the runs have done more steps than the config has, or their
            checkpoints are lost.
          FloatingPointError: if a run diverges and `raise_on_divergence`; it names the
            step.
          OSError: if the disk is full; it names the file.
          TrainingStopped: after SIGTERM, SIGHUP or SIGINT, once everything is saved.
        """
        total = self._counts.total
        with (
            StopSignal() as stop,
            Checkpoints(self._folders.checkpoints) as saved,
            ExitStack() as stack,
        ):
            logging.info("%s", start_line(self._program))
            runs = restoring.restore(self._program, self._folders, saved)
            step = self._program.step()
            self._writers = [
                stack.enter_context(MetricWriter(folder, step))
                for folder in self._folders.runs
            ]
            if step < total and not all(run.ended for run in runs):
                self._compile(step)
            self._profile.restart()
            stack.callback(self._profile.close)
            while step < total and not all(run.ended for run in runs):
                interval, runs = self._train_interval(step, runs, stop)
                step = interval.end
                runs = self._end_runs_not_finite(step, runs)
                if interval.is_evaluation:
                    with self._profile.phase(EVALUATION):
                        runs = self._evaluate(interval, runs, saved)
                progress = {"runs": [run.to_json() for run in runs]}
                best_steps = {run.best_step for run in runs}
                with self._profile.phase(CHECKPOINTS):
                    saved.save(step, self._program.state, progress, best_steps)
                self._profile.show_phases(step)
                ended = step >= total or all(run.ended for run in runs)
                signum = stop.agreed()
                if signum is not None and not ended:
                    raise TrainingStopped(
                        f"stopped by {signum.name} at step {step}; state saved", signum
                    )
        return runs

    def _compile(self, step: int) -> None:
        """Compile the programs of the next epoch, before its steps are timed."""
        started = time.perf_counter()
        self._program.compile(next_lengths(step, self._counts))
        seconds = time.perf_counter() - started
        logging.info("Compiled the training steps and evaluation: %.1f s", seconds)

    def _train_interval(
        self, step: int, runs: Sequence[RunProgress], stop: StopSignal
    ) -> tuple[Interval, list[RunProgress]]:
        """Train up to the next evaluation, or until a signal."""
        counts = self._counts
        started, first, runs = time.perf_counter(), step, list(runs)
        collected, pending = IntervalMetrics(step, self._train.log_every), None
        while True:
            end = next_stop(step, counts)
            with self._profile.call(self._program, step, end):
                metrics = self._program.advance(end - step)
            # Read one call late, while the device works on this call.
            if pending is not None:
                collected.add(self._fetch(*pending, runs))
                self._write_logged(collected, runs)
            pending, step = (step, metrics), end
            is_evaluation = end % counts.per_evaluation == 0 or end == counts.total
            if stop.agreed() is not None or is_evaluation:
                break
        collected.add(self._fetch(*pending, runs))
        self._write_logged(collected, runs, but=step if is_evaluation else None)
        seconds = time.perf_counter() - started
        rows = (step - first) * self._train.batch_size * len(runs)
        shared = {
            "epoch": step / counts.per_epoch,
            "train/seconds": seconds,
            "train/samples_per_second": rows / seconds,
        }
        if is_evaluation:
            flops, speed = self._program.calls.flops_per_step, (step - first) / seconds
            shared |= _named(utilization(flops, speed, self._program.mesh))
        means = [_named(of_run) | shared for of_run in collected.means()]
        return Interval(step, is_evaluation, means, seconds / (step - first)), runs

    def _fetch(
        self, first_step: int, metrics: object, runs: list[RunProgress]
    ) -> list[RunMetrics]:
        """Fetch the metrics of one call, and end the runs that have diverged."""
        with self._profile.phase(STEPS):
            fetched = jax.device_get(metrics)
        host = self._program.split(fetched)
        for number, of_run in enumerate(host):
            found = None if runs[number].ended else first_not_finite(of_run)
            if found is not None:
                offset, problem = found
                runs[number] = self._diverged(
                    number, runs[number], first_step + offset + 1, f"the {problem}"
                )
        steps = len(host[0]["loss"])
        self._report(
            first_step + steps, {name: x.mean() for name, x in host[0].items()}
        )
        return host

    def _write_logged(
        self,
        collected: IntervalMetrics,
        runs: Sequence[RunProgress],
        but: int | None = None,
    ) -> None:
        """Write the rows between evaluations, without that of the step `but`."""
        for step, means in collected.logged():
            for number, of_run in enumerate(means):
                if step != but and not runs[number].ended:
                    epoch = {"epoch": step / self._counts.per_epoch}
                    self._writers[number].write(step, _named(of_run) | epoch)

    def _diverged(
        self, number: int, run: RunProgress, step: int, problem: str
    ) -> RunProgress:
        """Raise a FloatingPointError, or end one of several runs."""
        if self._raise_on_divergence:
            raise FloatingPointError(
                f"{problem} at step {step}; the last good checkpoint, if there is one, "
                f"is in {self._folders.checkpoints}; try a lower "
                "config.optimizer.learning_rate or config.optimizer.clip_norm=1"
            )
        name = self._folders.runs[number].name
        logging.info("%s: diverged at step %d: %s", name, step, problem)
        return dataclasses.replace(run, diverged=step)

    def _end_runs_not_finite(
        self, step: int, runs: Sequence[RunProgress]
    ) -> list[RunProgress]:
        """End the runs whose train state is not finite, before it is saved."""
        return [
            run
            if finite or run.ended
            else self._diverged(number, run, step, "a parameter is NaN or infinite")
            for number, (run, finite) in enumerate(
                zip(runs, self._program.finite(), strict=True)
            )
        ]

    def _evaluate(
        self, interval: Interval, runs: Sequence[RunProgress], saved: Checkpoints
    ) -> list[RunProgress]:
        """Evaluate the runs that have not ended; export models by `train.export`."""
        evaluated, started = list(runs), time.perf_counter()
        for number, held_out in enumerate(self._program.evaluate()):
            run, task = runs[number], self._program.tasks[number]
            if run.ended:
                continue
            params = self._program.eval_params(number)
            held_out |= self._measure(task, params)
            if (problem := not_finite(held_out)) is not None:
                evaluated[number] = self._diverged(
                    number, run, interval.end, f"the validation metric {problem}"
                )
                continue
            metrics = dict(interval.metrics[number])
            metrics |= {f"val/{name}": value for name, value in held_out.items()}
            run = run.after_evaluation(
                interval.end, metrics, task.train, self._counts.patience
            )
            # If there are two evaluations, the first one has a checkpoint.
            with self._profile.phase(CHECKPOINTS):
                saved.wait()
            self._writers[number].write(interval.end, metrics)
            seconds = time.perf_counter() - started
            self._log_evaluation(number, interval, metrics, seconds)
            if run.stopped:
                self._log_early_stop(number, interval.end, run.best_step)
            if run.best_step == interval.end or task.train.export == "last":
                export_model(self._folders.runs[number], task, interval.end, params)
            evaluated[number] = run
        return evaluated

    @staticmethod
    def _measure(task: Task, params: Mapping[str, Any]) -> Mapping[str, float]:
        """Measure more than the loss, in process 0 for all processes."""

        def measure() -> dict[str, float]:
            return dict(task.data.validate(task.model, sharding.local(params)))

        measured: dict[str, float] = from_process_0(measure)
        return measured

    def _log_evaluation(
        self,
        number: int,
        interval: Interval,
        metrics: Mapping[str, float],
        seconds: float,
    ) -> None:
        counts = self._counts
        steps = counts.total - interval.end
        evaluations = -(-steps // counts.per_evaluation)
        line = evaluation_line(
            metrics,
            counts.total / counts.per_epoch,
            self._train.best_metric,
            steps * interval.seconds + evaluations * seconds,
        )
        logging.info("%s%s", self._prefix(number), line)

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


def _named(metrics: Mapping[str, float]) -> dict[str, float]:
    return {f"train/{name}": value for name, value in metrics.items()}
