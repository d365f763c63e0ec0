"""Train a model under several settings, and rank them.

    python -m mirjax.sweep --config=configs/sweeps/mitar.py --workdir=W

Each run has its own folder under W/runs, with metrics and the exported model, and
W/runs.tsv ranks them, a row a run. They are judged by validation rows alone: test rows
are never read. Runs that differ in numbers alone are trained together. The same command
goes on where a stopped or killed sweep left off, and trains what was added to the grid.
"""

import json
import pathlib
import shutil
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from absl import flags, logging
from ml_collections import ConfigDict, config_flags

from mirjax import cli
from mirjax.files import atomic_write
from mirjax.reporting import table
from mirjax.training import grid, workdir
from mirjax.training.stop_signal import TrainingStopped
from mirjax.training.task import Task, make_task
from mirjax.training.vmapped_runs import RunProgress, VmappedRuns

SWEEP_FILE, TABLE_FILE, RESULT_FILE = "sweep.json", "runs.tsv", "result.json"
_RUNS, _GROUPS, _MEMBERS = "runs", "unfinished", "runs.json"


def define_flags(flag_values: flags.FlagValues) -> None:
    """Define the command's flags."""
    config_flags.DEFINE_config_file(
        "config",
        None,
        "Sweep and variant, such as configs/sweeps/mitar.py:reduced. One key can be "
        "set from the command line, as in --config.epochs=5 or "
        "--config.base.train.batch_size=64.",
        flag_values=flag_values,
    )
    flags.DEFINE_string(
        "workdir",
        None,
        "Folder of the sweep, made if missing. A sweep found there goes on.",
        flag_values=flag_values,
    )
    flags.DEFINE_integer(
        "together",
        4,
        "train this many runs as one program, where they differ in numbers alone; 1: "
        "one after another",
        lower_bound=1,
        flag_values=flag_values,
    )
    flags.mark_flags_as_required(["config", "workdir"], flag_values)


def sweep(config: ConfigDict, folder: pathlib.Path, together: int) -> None:
    """Train the runs of a sweep that are not finished, and rank all.

    Args:
      config: see configs/sweeps/mitar.py.
      folder: the sweep's.
      together: runs trained as one program, at most.

    Raises:
      ValueError: for a wrong config, data that does not fit the model, or a folder
        that holds another sweep; before anything is trained.
      TrainingStopped: on SIGTERM, once everything is saved.
    """
    if not {"base", "grid", "epochs", "patience"} <= set(config):
        raise ValueError(
            "--config describes no sweep: it needs base, grid, epochs and patience, as "
            "in configs/sweeps/mitar.py; one run is trained by python -m mirjax.train"
        )
    if config.epochs < 1:
        raise ValueError(f"{config.epochs=} must be at least 1")
    runs = {run.name: run for run in grid.expand(config.base, config.grid)}
    data: dict[str, Task] = {}
    _load(next(iter(runs.values())).config, data)
    _check_folder(folder, config)

    # ---- What a stopped sweep left unfinished first, as it was. ----
    while unfinished := sorted((folder / _GROUPS).glob(f"*/{_MEMBERS}")):
        names = json.loads(unfinished[0].read_text())
        if unknown := set(names) - set(runs):
            raise ValueError(
                f"--workdir: {folder} holds an unfinished run {min(unknown)} that "
                f"the grid does not name; name it, or delete {unfinished[0].parent}"
            )
        place = unfinished[0].parent
        if any(_read_result(folder, name) is None for name in names):
            _train_group([runs[name] for name in names], place, config, folder, data)
        shutil.rmtree(place)
    # ---- Then what was never begun. ----
    waiting = [run for run in runs.values() if _read_result(folder, run.name) is None]
    for number, group in enumerate(grid.groups(waiting, together)):
        place = folder / _GROUPS / f"{number:04d}"
        place.mkdir(parents=True, exist_ok=True)
        with atomic_write(place / _MEMBERS) as file:
            file.write_text(json.dumps([run.name for run in group]))
        _train_group(group, place, config, folder, data)
        shutil.rmtree(place)
    _rank(config, folder, list(runs.values()))


def _check_folder(folder: pathlib.Path, config: ConfigDict) -> None:
    """Make the folder, or see that the sweep there differs in its grid alone."""
    wanted = json.loads(config.to_json())
    path = folder / SWEEP_FILE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if path.exists():
            old = workdir.leaves(json.loads(path.read_text()))
            new = workdir.leaves(wanted)
            for key in sorted(set(old) | set(new)):
                if old.get(key) != new.get(key) and not key.startswith("grid."):
                    raise ValueError(
                        f"--workdir: {folder} holds a sweep with config.{key}="
                        f"{old.get(key)}, not {new.get(key)}; choose another folder or "
                        "the same config"
                    )
        with atomic_write(path) as unfinished:
            unfinished.write_text(json.dumps(wanted, indent=2) + "\n")
    except (OSError, json.JSONDecodeError) as error:
        raise ValueError(f"--workdir: {folder} cannot be used: {error}") from error


def _train_group(
    group: Sequence[grid.Run],
    place: pathlib.Path,
    config: ConfigDict,
    folder: pathlib.Path,
    data: dict[str, Task],
) -> None:
    """Train runs together, and write their results.

    Args:
      group: the runs.
      place: folder of their checkpoints.
      config: the sweep's.
      folder: the sweep's.
      data: what was loaded last; another is put in its place.
    """
    prepared = _load(group[0].config, data)
    num_rows = len(prepared.train.weights)
    configs = [
        grid.in_epochs(
            run.config, num_rows, epochs=config.epochs, patience=config.patience
        )
        for run in group
    ]
    folders = [folder / _RUNS / run.name for run in group]
    for run_folder, run_config in zip(folders, configs, strict=True):
        workdir.check_workdir(run_folder, run_config)
    logging.info("training %d run(s) together: %s", len(group), group[0].name)
    ended = VmappedRuns(configs, folders, place, prepared).run()
    for run, run_folder, progress in zip(group, folders, ended, strict=True):
        with atomic_write(run_folder / RESULT_FILE) as unfinished:
            result = _result(run, progress, config.base.train.best_metric)
            unfinished.write_text(json.dumps(result, indent=2) + "\n")


def _load(config: ConfigDict, data: dict[str, Task]) -> Task:
    """Return what a run trains on; in `data`, what was loaded last is kept."""
    key = json.dumps([config.data.to_dict(), config.model.to_dict()])
    if key not in data:
        data.clear()
        data[key] = make_task(config)
    return data[key]


def _result(run: grid.Run, progress: RunProgress, metric: str) -> dict[str, Any]:
    status = "finished"
    if progress.diverged is not None:
        status = f"diverged by step {progress.diverged}"
    elif progress.stopping.stopped:
        status = "stopped early"
    return {
        "run": run.name,
        **run.values,
        metric: progress.stopping.best,
        "epoch": progress.figures.get("epoch"),
        "status": status,
        "figures": progress.figures,
    }


def _read_result(folder: pathlib.Path, name: str) -> dict[str, Any] | None:
    """Return a run's result, None where it is not finished."""
    path = folder / _RUNS / name / RESULT_FILE
    if not path.exists():
        return None
    try:
        result: dict[str, Any] = json.loads(path.read_text())
    except (OSError, json.JSONDecodeError) as error:
        raise ValueError(
            f"{path} cannot be read ({error}); delete it to train the run again"
        ) from error
    return result


def _rank(config: ConfigDict, folder: pathlib.Path, runs: Sequence[grid.Run]) -> None:
    """Print all runs, the best first, and write them to the table."""
    train = config.base.train
    sign = -1.0 if train.best_mode == "max" else 1.0

    def place(result: Mapping[str, Any]) -> tuple[bool, float]:
        value = result[train.best_metric]
        return value is None, 0.0 if value is None else sign * value

    results = [_read_result(folder, run.name) for run in runs]
    ranked = sorted((result for result in results if result), key=place)
    keys = [*runs[0].values, train.best_metric, "epoch", "status"]
    with atomic_write(folder / TABLE_FILE) as unfinished:
        lines = [["rank", *keys, "folder"]] + [
            [str(rank), *_texts(result, keys, str), f"{_RUNS}/{result['run']}"]
            for rank, result in enumerate(ranked, 1)
        ]
        unfinished.write_text("".join("\t".join(line) + "\n" for line in lines))
    table.print_rows(
        ["rank", *keys],
        [
            [str(rank), *_texts(result, keys, "{:.4g}".format)]
            for rank, result in enumerate(ranked, 1)
        ],
        title=f"{folder}: {len(ranked)} runs",
    )
    best = folder / _RUNS / ranked[0]["run"]
    print(
        f"ranked by {train.best_metric} in {folder / TABLE_FILE}; test the best one:\n"
        f"  python -m mirjax.evaluate --model='{best}' --data={config.base.data.name}"
    )


def _texts(
    result: Mapping[str, Any], keys: Sequence[str], number: Callable[[float], str]
) -> list[str]:
    """Write a result's values; nothing stands for one that there is not."""
    values = [result[key] for key in keys]
    return [
        number(value)
        if isinstance(value, float)
        else ""
        if value is None
        else str(value)
        for value in values
    ]


def main(flag_values: flags.FlagValues) -> None:
    """Run the command."""
    folder = pathlib.Path(flag_values.workdir)
    try:
        sweep(flag_values.config, folder, flag_values.together)
    except TrainingStopped as stopped:
        logging.info("%s; run the same command to go on", stopped)


if __name__ == "__main__":
    cli.run(main, define_flags)
