"""From a config to a task: model, rows and options as plain arguments."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from jax.sharding import Mesh
from ml_collections import ConfigDict

from mirjax.datasets import batches
from mirjax.datasets.streams import rows_per_epoch
from mirjax.models import losses, make_model
from mirjax.models.interfaces import PairModel
from mirjax.training import bounds, sharding
from mirjax.training.initial import load_initial
from mirjax.training.options import (
    OptimizerOptions,
    StepCounts,
    TrainOptions,
    count_steps,
    read_section,
)
from mirjax.training.task_data import load_data, pin_config
from mirjax.training.task_rows import TaskData


@dataclasses.dataclass(frozen=True, eq=False)
class Task:
    """The content of a config for one run, as plain arguments.

    Attributes:
      model: a `Classifier` or a `Generator`.
      data: training and validation rows.
      train: the section `train` of the config.
      optimizer: the section `optimizer`.
      steps: lengths in steps, computed from the data.
      seed: decides initial parameters, order of rows and dropout.
      metadata: JSON-like, stored with an exported model: `model`, `data` and `pool`
        (sections of the config), `l2`, and `init_from` if a model is named there.
      initial: the parameters that training starts from; None: the seed draws them.
    """

    model: PairModel
    data: TaskData
    train: TrainOptions
    optimizer: OptimizerOptions
    steps: StepCounts
    seed: int
    metadata: Mapping[str, Any]
    initial: Mapping[str, Any] | None = None


def make_task(config: ConfigDict, data: TaskData | None = None) -> Task:
    """Make the task of a config.

    Args:
      config: see configs/base.py.
      data: its data, if loaded already; otherwise they are loaded and encoded.

    Raises:
      ValueError: for a wrong config, or data that cannot be loaded or do not fit the
        model; before the device is touched.
    """
    config = pin_config(config)
    train = read_section(TrainOptions, "train", config.train)
    optimizer = read_section(OptimizerOptions, "optimizer", config.optimizer)
    bounds.check(
        bounds.problems({key: config[key] for key in ("seed", "steps_per_call")})
    )
    if data is None:
        data = load_data(config)
    return Task(
        model=make_model(config.model),
        data=data,
        train=train,
        optimizer=optimizer,
        steps=count_steps(
            rows_per_epoch(data.all_streams()),
            train,
            optimizer.warmup_epochs,
            config.steps_per_call,
        ),
        seed=config.seed,
        metadata={
            "model": config.model.to_dict(),
            "data": config.data.to_dict(),
            "l2": train.l2,
            **({"pool": config.pool.to_dict()} if "pool" in config else {}),
            **({"init_from": train.init_from} if train.init_from else {}),
        },
        initial=load_initial(train.init_from, config.model),
    )


class DeviceData(NamedTuple):
    """The rows of a task on the devices.

    Attributes:
      rows: all training rows, whole on every device.
      validation: batches of the validation rows, divided over the devices.
    """

    rows: losses.AnyBatch
    validation: list[losses.AnyBatch]


def to_devices(task: Task, mesh: Mesh) -> DeviceData:
    """Put a task's rows on the devices of a mesh."""
    eval_size = math.lcm(task.train.eval_batch_size, mesh.size)
    return DeviceData(
        sharding.put(task.data.train, sharding.replicated(mesh)),
        [
            sharding.put(batch, sharding.by_row(mesh))
            for batch in batches.fill_batches(task.data.held_out, eval_size)
        ],
    )
