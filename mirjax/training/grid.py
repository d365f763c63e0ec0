"""A sweep's runs: every combination of the values that its grid gives."""

import dataclasses
import itertools
import json
from collections.abc import Sequence
from typing import Any

from ml_collections import ConfigDict

from mirjax.datasets import batches
from mirjax.models import make_model
from mirjax.training.optimizer import make_optimizer
from mirjax.training.vmapped_runs import TRACED
from mirjax.training.workdir import check_config, leaves


@dataclasses.dataclass(frozen=True)
class Run:
    """One run of a sweep.

    Attributes:
      name: its values, as in "train.batch_size=100,model.dropout=0.2"; fit for a
        folder.
      values: of the keys that the grid varies.
      config: for training.
    """

    name: str
    values: dict[str, Any]
    config: ConfigDict


def expand(base: ConfigDict, grid: ConfigDict) -> list[Run]:
    """Return a run for each combination, the last key varying fastest.

    Args:
      base: a training config.
      grid: nested as the config is; each key holds a tuple of values.

    Raises:
      ValueError: for a key the config has not, a value of another type, or one that no
        run can have; before anything is trained.
    """
    axes: dict[str, Sequence[Any]] = leaves(grid.to_dict())
    for key, choices in axes.items():
        if not isinstance(choices, tuple | list) or not choices:
            raise ValueError(f"config.grid.{key}={choices!r} is no tuple of values")
        if len(set(choices)) < len(choices):
            raise ValueError(f"config.grid.{key}={choices!r} names a value twice")
    runs = []
    for combination in itertools.product(*axes.values()):
        values = dict(zip(axes, combination, strict=True))
        config = base.copy_and_resolve_references()
        try:
            config.update_from_flattened_dict(values)
        except (KeyError, TypeError) as error:
            raise ValueError(f"config.grid: {error}") from error
        config.lock()
        name = ",".join(f"{key}={value}" for key, value in values.items()) or "run"
        if "/" in name:
            raise ValueError(f"config.grid: {name!r} cannot name a folder")
        check_config(config)
        make_model(config.model)
        make_optimizer(config.optimizer, config.train.num_steps)
        runs.append(Run(name, values, config))
    return runs


def in_epochs(
    config: ConfigDict, num_rows: int, *, epochs: int, patience: int
) -> ConfigDict:
    """Return a config that trains for epochs, so that every batch size sees as much.

    Args:
      config: for training.
      num_rows: of its training set.
      epochs: how long; each ends with an evaluation.
      patience: epochs without a better metric before stopping; 0: off.
    """
    steps = batches.steps_per_epoch(num_rows, config.train.batch_size)
    config = config.copy_and_resolve_references()
    config.train.num_steps = epochs * steps
    config.train.eval_every = steps
    config.train.patience = patience * steps
    # Calls of one length alone, where they are not too short, are one program.
    whole = max(n for n in range(1, config.steps_per_call + 1) if steps % n == 0)
    if 2 * whole >= config.steps_per_call:
        config.steps_per_call = whole
    return config.lock()


def groups(runs: Sequence[Run], together: int) -> list[list[Run]]:
    """Divide runs into groups that differ in `TRACED` alone.

    Args:
      runs: to divide.
      together: runs in a group, at most.
    """
    alike: dict[str, list[Run]] = {}
    for run in runs:
        fixed = leaves(json.loads(run.config.to_json()))
        key = json.dumps({k: v for k, v in fixed.items() if k not in TRACED})
        alike.setdefault(key, []).append(run)
    return [
        members[start : start + together]
        for members in alike.values()
        for start in range(0, len(members), together)
    ]
