"""The whole study: experiments by name, run into result files."""

import contextlib
import datetime
import importlib.metadata
import json
import pathlib
import platform
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
from absl import logging

from mirjax.files import atomic_write
from mirjax.studies.accuracy_experiments import ACCURACY_EXPERIMENTS
from mirjax.studies.baseline_experiment import BASELINE_EXPERIMENT
from mirjax.studies.blast_experiments import BLAST_EXPERIMENTS
from mirjax.studies.classifier_experiments import CLASSIFIER_EXPERIMENTS
from mirjax.studies.experiment import Experiment, reported_values
from mirjax.studies.names import EXPERIMENT_NAMES
from mirjax.studies.settings import FULL, Settings
from mirjax.studies.stages import Cache, Stage, in_order, run_stages
from mirjax.training.workdir_lock import lock_workdir

RESULTS_FOLDER = "results"  # in the study's workdir

_BY_NAME = {
    experiment.name: experiment
    for experiment in (
        *BLAST_EXPERIMENTS,
        *CLASSIFIER_EXPERIMENTS,
        *ACCURACY_EXPERIMENTS,
        BASELINE_EXPERIMENT,
    )
}
EXPERIMENTS = {name: _BY_NAME[name] for name in EXPERIMENT_NAMES}
"""The experiments by name, in the order of the report."""

_SOFTWARE = ("mirjax", "jax", "flax")
_GIT_SECONDS = 10


class _Finished(NamedTuple):
    """The stages of an experiment by name, and their outcomes."""

    stages: Mapping[str, Stage]
    cache: Cache


def run_study(
    settings: Settings, workdir: pathlib.Path, names: Sequence[str] = ()
) -> list[pathlib.Path]:
    """Run experiments, and write a result file for each.

    Stages that an earlier run has finished are not repeated, unless their inputs or
    their code have changed.

    Args:
      settings: of the study.
      workdir: for the stages and the results.
      names: of the experiments; all by default.

    Returns:
      The result files.

    Raises:
      ValueError: for data that cannot be loaded, or a folder that cannot be used.
      TrainingStopped: after a signal to stop, once everything is saved.
    """
    chosen = [EXPERIMENTS[name] for name in names or EXPERIMENTS]
    with lock_workdir(workdir):
        cache = Cache(workdir)
        stages = {each.name: dict(each.stages(settings)) for each in chosen}
        wanted = [stage for of_one in stages.values() for stage in of_one.values()]
        run_stages(wanted, cache)
        return [
            _write_result(each, settings, _Finished(stages[each.name], cache), workdir)
            for each in chosen
        ]


def _write_result(
    experiment: Experiment,
    settings: Settings,
    finished: _Finished,
    workdir: pathlib.Path,
) -> pathlib.Path:
    """Write the result file of an experiment."""
    stages, cache = finished
    outcomes = {name: cache.outcome(stage) for name, stage in stages.items()}
    content = experiment.content(settings, outcomes)
    ordered = in_order(stages.values(), cache)
    commands = [line for stage in ordered for line in stage.commands(cache)]
    kept = [cache.kept(stage) for stage in ordered]
    result: dict[str, Any] = {
        "title": experiment.title,
        "experiment": experiment.name,
        "question": experiment.question,
        "command": [_command(experiment, settings, workdir)],
        "command_then": [],
        "commands_of_stages": commands,
        "config": None,
        "seeds": list(settings.seeds),
        "metrics": list(content.rows),
        "values": dict(content.values),
        "reported": list(reported_values()[experiment.name]),
        "notes": [*filter(None, [settings.describe()]), *content.notes],
        "pictures": dict(content.pictures),
        "settings": {
            "name": settings.name,
            "caution": settings.describe(),
            "datasets": dict(settings.datasets),
            "epochs": dict(settings.epochs),
            "seeds": list(settings.seeds),
            "fewer_seeds": {k: list(v) for k, v in settings.fewer_seeds.items()},
            "positive_rows": settings.positive_rows,
            "classifier_rows": settings.classifier_rows,
            "seen_rows": settings.seen_rows,
            "held_out_rows": settings.held_out_rows,
        },
        "seconds": round(sum(each.seconds for each in kept if each is not None), 1),
        "commit": _commit(),
        "machine": f"{platform.machine()}, {jax.devices()[0].device_kind}",
        "software": _software(),
        "time": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }
    folder = workdir / RESULTS_FOLDER
    folder.mkdir(exist_ok=True)
    path = folder / f"{experiment.name}.json"
    with atomic_write(path) as unfinished:
        text = json.dumps(result, indent=1, ensure_ascii=False, allow_nan=False)
        unfinished.write_text(text + "\n", encoding="utf-8")
    logging.info("%s: %s", path, experiment.title)
    return path


def _command(experiment: Experiment, settings: Settings, workdir: pathlib.Path) -> str:
    """Return the command that runs one experiment."""
    command = ["python", "-m", "mirjax.study", f"--workdir={workdir}"]
    command.append(f"--only={experiment.name}")
    if settings.name != FULL.name:
        command.append(f"--{settings.name}")
    return shlex.join(command)


def _commit() -> str | None:
    """Return the commit of the clone, with -dirty if it has changes; None elsewhere."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    package = pathlib.Path(__file__).resolve().parents[1]
    try:
        found = subprocess.run(
            command, cwd=package, capture_output=True, text=True, timeout=_GIT_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return found.stdout.strip() or None


def _software() -> dict[str, str]:
    """Return the versions of Python and of the packages that are installed."""
    versions = {"python": sys.version.split()[0]}
    for name in _SOFTWARE:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions[name] = importlib.metadata.version(name)
    return versions
