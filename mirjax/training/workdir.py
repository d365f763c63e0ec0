"""A run's folder, and checks of its config before the device is touched."""

import json
import pathlib
from collections.abc import Mapping
from typing import Any

import jax
from absl import logging
from ml_collections import ConfigDict

from mirjax.files import atomic_write
from mirjax.models import trained as exported

CONFIG_FILE = "config.json"


def check_config(config: ConfigDict) -> None:
    """Raise a ValueError for figures that no run can have."""
    if "train" not in config:
        raise ValueError(
            "--config describes no training run: it has no section train; a sweep is "
            "trained by python -m mirjax.sweep"
        )
    train = config.train
    for key in ("batch_size", "num_steps", "eval_every", "decode_rows"):
        if train[key] < 1:
            raise ValueError(f"config.train.{key}={train[key]} must be at least 1")
    if train.duplex_augmentation < 0:
        raise ValueError(f"{config.train.duplex_augmentation=} must be at least 0")
    if config.steps_per_call < 1:
        raise ValueError(f"{config.steps_per_call=} must be at least 1")
    if train.best_mode not in ("min", "max"):
        raise ValueError(f"config.train.best_mode={train.best_mode!r}: min or max")
    if train.export not in ("best", "last"):
        raise ValueError(f"config.train.export={train.export!r}: best or last")


def check_workdir(workdir: pathlib.Path, config: ConfigDict) -> None:
    """Make the run's folder and write its config, or compare with the one there.

    Raises:
      ValueError: if the folder cannot be written or holds another config's run. Only
        `train.num_steps` may change, to train for longer.
    """
    wanted = json.loads(config.to_json())
    path = workdir / CONFIG_FILE
    try:
        workdir.mkdir(parents=True, exist_ok=True)
        if path.exists():
            found = json.loads(path.read_text())
            for key in sorted(set(leaves(wanted)) | set(leaves(found))):
                old, new = leaves(found).get(key), leaves(wanted).get(key)
                if old != new and key != "train.num_steps":
                    raise ValueError(
                        f"--workdir: {workdir} holds a run with config.{key}={old}, "
                        f"not {new}; choose another folder or the same config"
                    )
        with atomic_write(path) as unfinished:
            unfinished.write_text(json.dumps(wanted, indent=2) + "\n")
    except (OSError, json.JSONDecodeError) as error:
        raise ValueError(f"--workdir: {workdir} cannot be used: {error}") from error


def export_model(
    workdir: pathlib.Path,
    config: ConfigDict,
    step: int,
    params: Mapping[str, Any],
    more: Mapping[str, Any],
) -> None:
    """Write the model that a run gives, from process 0 only.

    Args:
      workdir: the run's folder.
      config: the run's.
      step: the steps done.
      params: the model's parameters.
      more: JSON-like, what else to keep beside them.
    """
    if jax.process_index() == 0:
        exported.save_model(
            workdir / exported.FILE_NAME,
            params,
            {
                "model": config.model.to_dict(),
                "data": config.data.to_dict(),
                "step": step,
                "l2": config.train.l2,
                **more,
            },
        )


def l2_factor(model_path: pathlib.Path, metadata: Mapping[str, Any]) -> float:
    """Return the factor of the L2 penalty in a model's training loss.

    Model files of former versions do not store it; then it is read from the config of
    the run, beside the model.

    Args:
      model_path: a workdir or a model file.
      metadata: the model's.

    Returns:
      The factor; 0 if it is unknown.
    """
    if "l2" in metadata:
        return float(metadata["l2"])
    is_file = model_path.name == exported.FILE_NAME
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
