"""Train the runs of a sweep, group by group, and collect their results."""

import json
import pathlib
import shutil
from collections.abc import Mapping, Sequence
from typing import Any

from absl import logging
from ml_collections import ConfigDict

from mirjax.files import atomic_write
from mirjax.models.trained import FILE_NAME as MODEL_FILE
from mirjax.training import bounds, grid, workdir
from mirjax.training.bound_kinds import COUNT, SIZE
from mirjax.training.loop import Folders, Loop
from mirjax.training.metric_writer import set_metrics_aside
from mirjax.training.programs import VmappedRuns
from mirjax.training.progress import RunProgress
from mirjax.training.task import make_task
from mirjax.training.task_data import load_data, pin_config
from mirjax.training.task_rows import TaskData

SWEEP_FILE, RESULT_FILE = "sweep.json", "result.json"
RUNS_FOLDER = "runs"

_GROUPS, _MEMBERS = "unfinished", "runs.json"

Result = dict[str, Any]
"""Of one run: `run` (its name), values, the best metric, epoch, status, `metrics`."""


class Sweep:
    """A sweep: its config, its folder and its runs.

    Args:
      config: see configs/sweeps/mitar.py.
      folder: the sweep's workdir.

    Raises:
      ValueError: for a wrong config, data that do not fit the model, or a folder that
        holds another sweep; before anything is trained.
    """

    def __init__(self, config: ConfigDict, folder: pathlib.Path):
        if not {"base", "grid", "epochs", "patience"} <= set(config):
            raise ValueError(
                "--config describes no sweep: it needs base, grid, epochs and "
                "patience, as in configs/sweeps/mitar.py; one run is trained by "
                "python -m mirjax.train"
            )
        bounds.check(
            f"config.{key}={config[key]!r}: {wanted}"
            for key, bound in (("epochs", SIZE), ("patience", COUNT))
            if (wanted := bound.problem(config[key])) is not None
        )
        config = config.copy_and_resolve_references()
        with config.unlocked():
            config.base = pin_config(config.base)
        self.config, self.folder = config, folder
        self.runs = {run.name: run for run in grid.expand(config)}
        self._data_key = ""
        self._data: TaskData | None = None
        data = self._load_data(next(iter(self.runs.values())).config)
        # Only the grid may change: values added to it give additional runs.
        started = self._has_started()
        workdir.write_config(
            folder / SWEEP_FILE,
            json.loads(config.to_json()),
            what="sweep",
            may_change=lambda key: not started or key.startswith("grid."),
        )
        workdir.write_skipped(folder, data.skipped)

    def _has_started(self) -> bool:
        """Return whether the sweep has saved anything; if not, clear its folder."""
        groups = list((self.folder / _GROUPS).glob("*"))
        folders = [*groups, *(self.folder / RUNS_FOLDER).glob("*")]
        if any(workdir.has_started(folder) for folder in folders):
            return True
        if any((self.folder / RUNS_FOLDER).glob(f"*/{RESULT_FILE}")):
            return True  # of runs that diverged
        for group in groups:
            shutil.rmtree(group)
        return False

    def train(self, together: int) -> list[Result]:
        """Train the runs that are not finished.

        Args:
          together: highest number of runs that are vmapped in one program.

        Returns:
          The results of all runs, the best first; runs that diverged last.

        Raises:
          TrainingStopped: after SIGTERM, once everything is saved.
        """
        self._forget_lost_models()
        # ---- Groups that a stopped sweep left unfinished, with the same members. ----
        unfinished = self.folder / _GROUPS
        while left := sorted(unfinished.glob(f"*/{_MEMBERS}")):
            names = json.loads(left[0].read_text())
            if unknown := set(names) - set(self.runs):
                raise ValueError(
                    f"--workdir: {self.folder} holds an unfinished run {min(unknown)} "
                    f"that the grid does not name; name it, or delete {left[0].parent}"
                )
            if any(self.read_result(name) is None for name in names):
                self._train_group([self.runs[name] for name in names], left[0].parent)
            shutil.rmtree(left[0].parent)
        # ---- Runs that were not started. ----
        waiting = [
            run for run in self.runs.values() if self.read_result(run.name) is None
        ]
        for number, group in enumerate(grid.groups(waiting, together)):
            checkpoints = unfinished / f"{number:04d}"
            checkpoints.mkdir(parents=True, exist_ok=True)
            with atomic_write(checkpoints / _MEMBERS) as file:
                file.write_text(json.dumps([run.name for run in group]))
            self._train_group(group, checkpoints)
            shutil.rmtree(checkpoints)
        return self._ranked()

    def _forget_lost_models(self) -> None:
        """Mark finished runs as unfinished if their model file is lost."""
        for name in self.runs:
            result = self.read_result(name)
            folder = self.folder / RUNS_FOLDER / name
            best = self.config.base.train.best_metric
            if result is None or result[best] is None or (folder / MODEL_FILE).exists():
                continue
            kept = set_metrics_aside(folder)
            (folder / RESULT_FILE).unlink()
            logging.warning(
                "%s: the model file is lost; the run is trained again, and its earlier "
                "metrics are kept in %s",
                folder,
                kept,
            )

    def read_result(self, name: str) -> Result | None:
        """Return the result of a run, None if it is not finished."""
        path = self.folder / RUNS_FOLDER / name / RESULT_FILE
        if not path.exists():
            return None
        try:
            result: Result = json.loads(path.read_text())
        except (OSError, json.JSONDecodeError) as error:
            raise ValueError(
                f"{path} cannot be read ({error}); delete it to train the run again"
            ) from error
        return result

    def _train_group(
        self, group: Sequence[grid.Run], checkpoints: pathlib.Path
    ) -> None:
        """Train runs as one program, and write their results."""
        data = self._load_data(group[0].config)
        tasks = [make_task(run.config, data) for run in group]
        folders = [self.folder / RUNS_FOLDER / run.name for run in group]
        for folder, run in zip(folders, group, strict=True):
            workdir.check_workdir(folder, run.config)
        logging.info("training %d run(s) together: %s", len(group), group[0].name)
        ended = Loop(
            VmappedRuns(tasks),
            Folders(folders, checkpoints),
            raise_on_divergence=False,
        ).run()
        metric = self.config.base.train.best_metric
        for run, folder, progress in zip(group, folders, ended, strict=True):
            with atomic_write(folder / RESULT_FILE) as unfinished:
                result = _result(run, progress, metric)
                unfinished.write_text(json.dumps(result, indent=2) + "\n")

    def _load_data(self, config: ConfigDict) -> TaskData:
        """Return the rows of a run; the last ones are cached."""
        sections = {name: config.get(name) for name in ("data", "pool", "model")}
        key = ConfigDict(sections).to_json()
        if key != self._data_key or self._data is None:
            self._data = load_data(config)
            self._data_key = key
        return self._data

    def _ranked(self) -> list[Result]:
        train = self.config.base.train
        sign = -1.0 if train.best_mode == "max" else 1.0

        def rank(result: Mapping[str, Any]) -> tuple[bool, float]:
            value = result[train.best_metric]
            return value is None, 0.0 if value is None else sign * value

        results = [self.read_result(name) for name in self.runs]
        return sorted((result for result in results if result), key=rank)


def _result(run: grid.Run, progress: RunProgress, metric: str) -> Result:
    status = "finished"
    if progress.diverged is not None:
        status = f"diverged by step {progress.diverged}"
    elif progress.stopped:
        status = "stopped early"
    return {
        "run": run.name,
        **run.values,
        metric: progress.best,
        "epoch": progress.best_metrics.get("epoch"),
        "status": status,
        "metrics": dict(progress.best_metrics),
    }
