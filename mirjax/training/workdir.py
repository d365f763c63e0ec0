"""A run's folder, and checks of its config before the device is touched."""

import json
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
from absl import logging
from ml_collections import ConfigDict

from mirjax.files import atomic_write
from mirjax.models import make_model, trained
from mirjax.sequences.bad_records import REFUSE, BadRecord, BadRecords
from mirjax.training import bounds, sharding
from mirjax.training.checkpoint_hashes import DAMAGED_FOLDER, FOLDER, saved_steps
from mirjax.training.disk_errors import naming
from mirjax.training.metric_writer import read_metrics
from mirjax.training.renamed_keys import RENAMED_KEYS
from mirjax.training.task import Task

CONFIG_FILE = "config.json"

MAY_CHANGE = (
    "steps_per_call",
    "train.eval_every_epochs",
    "train.log_every",
    "train.model_devices",
    "train.num_epochs",
)
"""Config keys that may change when a run is continued: they change no training step,
`train.model_devices` but for rounding, as another number of devices does.

Only under a cosine schedule does `train.num_epochs` change the steps to come, which
`check_workdir` says in the log.
"""

SKIPPED_FILE = "skipped.tsv"

# Keys that configs of earlier versions lack, and the values that their runs had.
_ADDED_KEYS = {
    "data.on_bad_record": REFUSE,
    "train.compute_dtype": "float32",
    "train.micro_batches": 1,
    "train.model_devices": 1,
    "train.init_from": "",
    "train.init_sha256": "",
}


def check_config(config: ConfigDict) -> None:
    """Raise a ValueError unless a config describes a training run.

    Raises:
      ValueError: for sections or keys that are unknown or missing, and for invalid
        values; the message names all of them.
    """
    bounds.check(config_problems(config))


def config_problems(config: ConfigDict) -> list[str]:
    """Describe each invalid key and value of a training config."""
    if "train" not in config:
        return [
            "--config describes no training run: it has no section train; a sweep is "
            "trained by python -m mirjax.sweep"
        ]
    found = [
        f"config: section {name!r} is missing"
        for name in ("seed", "steps_per_call", "model", "data", "optimizer")
        if name not in config
    ]
    found += bounds.problems(leaves(config.to_dict()))
    if not found:
        make_model(config.model)  # raises for sizes that are not compatible
    return found


def check_workdir(workdir: pathlib.Path, config: ConfigDict) -> None:
    """Make a run's folder and write its config, or compare with the config there.

    Raises:
      ValueError: if the folder cannot be written or holds another config's run. Keys in
        `MAY_CHANGE` may differ, and all keys if that run has saved nothing.
    """
    started = has_started(workdir)
    former = write_config(
        workdir / CONFIG_FILE,
        json.loads(config.to_json()),
        what="run",
        may_change=lambda key: not started or key in MAY_CHANGE,
    )
    epochs = former.get("train.num_epochs", config.train.num_epochs)
    schedule = config.optimizer.schedule
    if started and schedule != "constant" and epochs != config.train.num_epochs:
        logging.warning(
            "%s: config.train.num_epochs was %g and is now %g. The %s schedule of the "
            "learning rate follows from it, so that the steps to come are those of "
            "neither run from the start; for these, choose another folder",
            workdir,
            epochs,
            config.train.num_epochs,
            schedule,
        )


def write_skipped(workdir: pathlib.Path, skipped: Sequence[BadRecord]) -> None:
    """List the rows that were left out in a run's or a sweep's folder, if any."""
    BadRecords(skipped=list(skipped)).write(workdir / SKIPPED_FILE)


def has_started(workdir: pathlib.Path) -> bool:
    """Return whether a run's folder holds a model, a checkpoint or metrics."""
    return (
        (workdir / trained.FILE_NAME).exists()
        or (workdir / DAMAGED_FOLDER).exists()
        or bool(saved_steps(workdir / FOLDER))
        or any("val/loss" in row for row in read_metrics(workdir))
    )


def write_config(
    path: pathlib.Path,
    config: Mapping[str, Any],
    *,
    what: str,
    may_change: Callable[[str], bool],
) -> dict[str, Any]:
    """Write a config into a workdir, or compare with the one there.

    Args:
      path: the file; its folder is made if missing.
      config: JSON-like.
      what: the workdir's content in messages, "run" or "sweep".
      may_change: whether a dotted key may differ from the config there.

    Returns:
      The values of the config that was there, by dotted keys; empty if none was.

    Raises:
      ValueError: if the folder cannot be written, or another key differs.
    """
    workdir = path.parent
    old: dict[str, Any] = {}
    try:
        workdir.mkdir(parents=True, exist_ok=True)
        if path.exists():
            old, new = leaves(json.loads(path.read_text())), leaves(config)
            if any(key.removeprefix("base.") in RENAMED_KEYS for key in old):
                raise ValueError(
                    f"--workdir: {workdir} holds a {what} of an earlier version of "
                    "mirjax, which this one cannot continue; choose another folder "
                    "(its exported models can still be used)"
                )
            for key in set(new) - set(old):
                if (added := key.removeprefix("base.")) in _ADDED_KEYS:
                    old[key] = _ADDED_KEYS[added]
            for key in sorted(set(old) | set(new)):
                if old.get(key) != new.get(key) and not may_change(key):
                    raise ValueError(
                        f"--workdir: {workdir} holds a {what} "
                        + _describe_difference(key, old, new)
                    )
        with atomic_write(path) as unfinished:
            unfinished.write_text(json.dumps(config, indent=2) + "\n")
    except (OSError, json.JSONDecodeError) as error:
        raise ValueError(f"--workdir: {workdir} cannot be used: {error}") from error
    return old


def _describe_difference(
    key: str, old: Mapping[str, Any], new: Mapping[str, Any]
) -> str:
    """Describe how a key differs from the config in a workdir, and what to do."""
    if key.endswith("data.sha256"):
        file = new[key.replace("sha256", "name")]
        return (
            f"that was begun with another content of {file}, which has changed since; "
            "put the former file back, or choose another folder"
        )
    if key.endswith("train.init_sha256"):
        return (
            f"that started from another content of {new[key.replace('sha256', 'from')]}"
            ", which has changed since; put the former model back, or choose another "
            "folder"
        )
    if key.endswith("data.files_sha256"):
        return (
            "that was begun with other contents of the files that config.data and "
            "config.pool name; put the former files back, or choose another folder"
        )
    return (
        f"with config.{key}={old.get(key)}, not {new.get(key)}; choose another folder "
        "or the same config"
    )


def export_model(
    workdir: pathlib.Path, task: Task, step: int, params: Mapping[str, Any]
) -> None:
    """Write a run's model file, from process 0 only.

    Args:
      workdir: the run's folder.
      task: the run's.
      step: the steps done.
      params: the model's parameters.
    """
    if jax.process_index() != 0:
        return
    params = sharding.local(params)
    described = task.data.describe(task.model, params)
    path = workdir / trained.FILE_NAME
    with naming(path):
        trained.save_model(path, params, {**task.metadata, "step": step, **described})


def l2_factor(model_path: pathlib.Path, metadata: Mapping[str, Any]) -> float:
    """Return the factor of the L2 penalty in a model's training loss.

    Model files of former versions do not store it; for these it is read from the config
    of the run.

    Args:
      model_path: a workdir or a model file.
      metadata: the model's.

    Returns:
      The factor; 0 if it is unknown.
    """
    if "l2" in metadata:
        return float(metadata["l2"])
    is_file = model_path.name == trained.FILE_NAME
    folder = model_path.parent if is_file else model_path
    try:
        config = json.loads((folder / CONFIG_FILE).read_text())
        return float(config["train"]["l2"])
    except (OSError, ValueError, KeyError, TypeError):
        logging.info(
            "%s: the factor of the L2 penalty is unknown, so that the loss is the "
            "cross-entropy alone",
            model_path,
        )
        return 0.0


def leaves(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Flatten nested dictionaries to dotted keys."""
    flat: dict[str, Any] = {}
    for key, value in config.items():
        if isinstance(value, Mapping):
            flat |= leaves(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value
    return flat
