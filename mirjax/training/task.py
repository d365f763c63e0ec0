"""From a config to a task: model, rows, options, and what is measured."""

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import numpy as np
from jax.sharding import Mesh
from ml_collections import ConfigDict

from mirjax.datasets import batches, selection
from mirjax.datasets.augmentation import augment_duplexes
from mirjax.evaluation.evaluation_set import positive_rows
from mirjax.evaluation.metrics import calibration, sequence
from mirjax.inference import classify as classifier
from mirjax.inference import greedy
from mirjax.models import losses, make_model
from mirjax.sequences import alphabet
from mirjax.sequences.records import Pairs, Split
from mirjax.training import sharding
from mirjax.training.options import (
    OptimizerOptions,
    StepCounts,
    TrainOptions,
    count_steps,
    read_section,
)

# Measures free-running predictions: (model, params) → metrics.
ValidationHook = Callable[[nn.Module, Mapping[str, Any]], Mapping[str, float]]
# Stored beside exported parameters: (model, params) → JSON-like.
DescriptionHook = Callable[[nn.Module, Mapping[str, Any]], Mapping[str, Any]]


class TaskData(NamedTuple):
    """Encoded rows, and what is measured on them beside the loss.

    Attributes:
      train: all training rows.
      held_out: all validation rows.
      validate: measures free-running predictions at each evaluation.
      describe: returns what is stored beside the parameters of an exported model.
    """

    train: losses.AnyBatch
    held_out: losses.AnyBatch
    validate: ValidationHook = lambda model, params: {}
    describe: DescriptionHook = lambda model, params: {}


@dataclasses.dataclass(frozen=True, eq=False)
class Task:
    """Everything that a config says of one run, as plain arguments.

    Attributes:
      model: the module.
      data: what it trains on and is validated on.
      train: the section `train` of the config.
      optimizer: the section `optimizer`.
      steps: lengths in steps, computed from the data.
      seed: decides initial parameters, order of rows and dropout.
      metadata: JSON-like, stored with an exported model: `model` and `data` (sections
        of the config) and `l2`.
    """

    model: Any
    data: TaskData
    train: TrainOptions
    optimizer: OptimizerOptions
    steps: StepCounts
    seed: int
    metadata: Mapping[str, Any]


def make_task(config: ConfigDict, data: TaskData | None = None) -> Task:
    """Turn a config into what to train on.

    Args:
      config: see configs/base.py.
      data: its data, if loaded already; otherwise they are loaded and encoded.

    Raises:
      ValueError: for a wrong config, or data that cannot be loaded or do not fit the
        model; before the device is touched.
    """
    train = read_section(TrainOptions, "train", config.train)
    optimizer = read_section(OptimizerOptions, "optimizer", config.optimizer)
    if config.steps_per_call < 1:
        raise ValueError(f"{config.steps_per_call=} must be at least 1")
    if data is None:
        data = load_data(config)
    return Task(
        model=make_model(config.model),
        data=data,
        train=train,
        optimizer=optimizer,
        steps=count_steps(
            len(data.train.weights),
            train,
            optimizer.warmup_epochs,
            config.steps_per_call,
        ),
        seed=config.seed,
        metadata={
            "model": config.model.to_dict(),
            "data": config.data.to_dict(),
            "l2": train.l2,
        },
    )


def load_data(config: ConfigDict) -> TaskData:
    """Load and encode the rows of a config.

    Args:
      config: `model`, `data`, `seed` and of `train` what concerns rows.

    Raises:
      ValueError: for data that cannot be loaded or do not fit the model.
    """
    model = make_model(config.model)
    generates = hasattr(model, "decode_step")
    if config.train.duplex_augmentation and not generates:
        raise ValueError(
            f"{config.train.duplex_augmentation=} is for generators, and "
            f"{config.model.name} is a classifier; set it to 0"
        )
    pairs, split = selection.select(**config.data)
    name = f"{config.data.name} ({selection.describe(config.data)})"
    encode = _for_generator if generates else _for_classifier
    names = (f"{name}, training rows", f"{name}, held-out rows")
    return encode(config, model, pairs, split, names)


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
        jax.device_put(task.data.train, sharding.replicated(mesh)),
        [
            jax.device_put(batch, sharding.by_row(mesh))
            for batch in batches.fill_batches(task.data.held_out, eval_size)
        ],
    )


def _for_generator(
    config: ConfigDict, model: Any, pairs: Pairs, split: Split, names: tuple[str, str]
) -> TaskData:
    """Encode the pairs that bind, and those made up from training rows.

    Held-out ones are decoded at each evaluation.
    """
    parts = [
        pairs.take(positive_rows(pairs, rows, name)[0])
        for rows, name in zip((split.train, split.validation), names, strict=True)
    ]
    made_up = augment_duplexes(parts[0], config.train.duplex_augmentation, config.seed)
    columns = [
        ([*parts[0].targets, *made_up.targets], [*parts[0].mirnas, *made_up.mirnas]),
        (parts[1].targets, parts[1].mirnas),
    ]
    encoded = [
        batches.encode_pairs(
            targets,
            mirnas,
            target_length=model.max_target_length,
            mirna_length=model.max_mirna_length,
        )
        for targets, mirnas in columns
    ]
    hook = decoding_hook(
        parts[0], parts[1], np.asarray(encoded[1].targets), config.train.decode_rows
    )
    return TaskData(encoded[0], encoded[1], hook)


def _for_classifier(
    config: ConfigDict, model: Any, pairs: Pairs, split: Split, names: tuple[str, str]
) -> TaskData:
    """Encode labelled pairs; a temperature is fitted when a model is exported."""
    encoded, parts = [], []
    for rows, name in zip((split.train, split.validation), names, strict=True):
        part = pairs.take(rows)
        if part.labels is None or (
            len(set(part.labels.tolist())) < 2
            and config.data.negatives != selection.NO_NEGATIVES
        ):
            raise ValueError(
                f"{name}: a classifier needs rows labelled 1 and rows labelled 0; make "
                "some by config.data.negatives=frequency, or name another dataset by "
                "config.data.name"
            )
        parts.append(part)
        encoded.append(
            batches.encode_labelled(
                part.targets,
                part.mirnas,
                part.labels,
                target_length=model.max_target_length,
                mirna_length=model.max_mirna_length,
            )
        )
    describe = _temperature_hook(parts[1])
    return TaskData(encoded[0], encoded[1], describe=describe)


def _temperature_hook(held_out: Pairs) -> DescriptionHook:
    """Return a hook that fits the temperature which calibrates a classifier."""
    labels = np.asarray(held_out.labels)

    def describe(model: nn.Module, params: Mapping[str, Any]) -> dict[str, Any]:
        logits = classifier.predict_logits(model, params, held_out)
        if len(set(labels.tolist())) < 2 or not np.isfinite(logits).all():
            return {}  # none fits
        return {calibration.METADATA: calibration.fit_temperature(labels, logits)}

    return describe


def decoding_hook(
    train: Pairs, held_out: Pairs, targets: np.ndarray, num_rows: int
) -> ValidationHook:
    """Return a hook that decodes held-out targets and scores the answers.

    Args:
      train: its miRNAs count as real, and its pairs as known.
      held_out: its first rows are decoded.
      targets: their tokens.
      num_rows: how many rows.
    """
    rows = range(min(num_rows, len(held_out)))
    sample = held_out.take(rows)
    known = sequence.known_mirnas(train)
    for target, mirnas in sequence.known_mirnas(held_out).items():
        known[target] = known.get(target, set()) | mirnas
    real = set(train.mirnas) | set(held_out.mirnas)

    def validate(model: nn.Module, params: Mapping[str, Any]) -> dict[str, float]:
        decoded = greedy.decode(model, params, targets[: len(rows)])
        return sequence.sequence_metrics(
            alphabet.decode(decoded.tokens), sample.mirnas, sample.targets, known, real
        )

    return validate
