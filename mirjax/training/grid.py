"""A sweep's runs: every combination of the values in its grid."""

import dataclasses
import itertools
import json
from collections.abc import Sequence
from typing import Any

from ml_collections import ConfigDict

from mirjax.spelling import suggest
from mirjax.training import bounds
from mirjax.training.calls import TRACED
from mirjax.training.options import OptimizerOptions, read_section
from mirjax.training.renamed_keys import describe_replacement
from mirjax.training.task_data import pin_config
from mirjax.training.workdir import config_problems, leaves


@dataclasses.dataclass(frozen=True)
class Run:
    """One run of a sweep.

    Attributes:
      name: its values, as in "train.batch_size=100,model.dropout=0.2"; also the name of
        its folder.
      values: of the keys that the grid varies.
      config: its training config.
    """

    name: str
    values: dict[str, Any]
    config: ConfigDict


def expand(sweep: ConfigDict) -> list[Run]:
    """Return a run for each combination, the last key varying fastest.

    Args:
      sweep: `base`, a training config; `grid`, nested as the config is, each key with
        a tuple of values; `epochs` and `patience` of each run, in epochs. Each run is
        evaluated after every epoch.

    Raises:
      ValueError: for a key that the config does not have, or a value that is not valid
        or of another type; before anything is trained.
    """
    axes: dict[str, Sequence[Any]] = leaves(sweep.grid.to_dict())
    for key, choices in axes.items():
        if not isinstance(choices, tuple | list) or not choices:
            raise ValueError(f"config.grid.{key}={choices!r} is not a tuple of values")
        if len(set(choices)) < len(choices):
            raise ValueError(f"config.grid.{key}={choices!r} names a value twice")
    known = list(leaves(sweep.base.to_dict()))
    if unknown := [key for key in axes if key not in known]:
        raise ValueError(
            f"config.grid: the training config has no key {unknown[0]}"
            + (describe_replacement(unknown[0]) or suggest(unknown[0], known))
        )
    runs, problems = [], []
    for combination in itertools.product(*axes.values()):
        values = dict(zip(axes, combination, strict=True))
        config = sweep.base.copy_and_resolve_references()
        try:
            config.update_from_flattened_dict(values)
        except TypeError as error:
            raise ValueError(f"config.grid: {error}") from error
        config.train.num_epochs = float(sweep.epochs)
        config.train.eval_every_epochs = 1.0
        config.train.patience_epochs = float(sweep.patience)
        config.lock()
        name = ",".join(f"{key}={value}" for key, value in values.items()) or "run"
        if "/" in name:
            raise ValueError(f"config.grid: {name!r} cannot name a folder")
        config = pin_config(config)
        problems += config_problems(config)
        runs.append(Run(name, values, config))
    bounds.check(problems)
    for run in runs:
        read_section(OptimizerOptions, "optimizer", run.config.optimizer)
    return runs


def groups(runs: Sequence[Run], together: int) -> list[list[Run]]:
    """Divide runs into groups that can be vmapped: they differ only in `TRACED`.

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
