"""From a config to rows on the host, and what is measured beside the loss."""

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

# Measures free-running answers: (model, params) -> named figures.
ValidationHook = Callable[[nn.Module, Mapping[str, Any]], Mapping[str, float]]
# What to keep beside exported parameters: (model, params) -> JSON-like.
DescriptionHook = Callable[[nn.Module, Mapping[str, Any]], Mapping[str, Any]]


class Task(NamedTuple):
    """What a run trains on and is judged by.

    Attributes:
      train: all training rows.
      held_out: all validation rows.
      validate: measures free-running answers at each evaluation.
      describe: says what is kept beside the parameters when a model is exported.
    """

    train: losses.AnyBatch
    held_out: losses.AnyBatch
    validate: ValidationHook = lambda model, params: {}
    describe: DescriptionHook = lambda model, params: {}


def make_task(config: ConfigDict) -> Task:
    """Load and encode what a config trains on.

    Args:
      config: see configs/base.py.

    Raises:
      ValueError: for data that cannot be had or does not fit the model; before the
        device is touched.
    """
    model = make_model(config.model)
    generates = hasattr(model, "decode_step")
    if config.train.duplex_augmentation and not generates:
        raise ValueError(
            f"{config.train.duplex_augmentation=} is for generators, "
            f"and {config.model.name} is a classifier; set it to 0"
        )
    chosen = selection.Selection(**config.data)
    pairs, split = selection.select(chosen)
    name = f"{chosen.name} ({selection.describe(chosen)})"
    prepare_for = _for_generator if generates else _for_classifier
    names = (f"{name}, training rows", f"{name}, held-out rows")
    return prepare_for(config, model, pairs, split, names)


class DeviceData(NamedTuple):
    """What a run trains on and is judged by, on the devices.

    Attributes:
      rows: all training rows, whole on every device.
      validation: batches of the validation rows, divided over the devices.
      steps_in_epoch: training steps that visit every row once.
    """

    rows: losses.AnyBatch
    validation: list[losses.AnyBatch]
    steps_in_epoch: int


def to_devices(prepared: Task, train: ConfigDict, mesh: Mesh) -> DeviceData:
    """Put rows on the devices.

    Args:
      prepared: what `prepare` gave.
      train: `batch_size` and `eval_batch_size`, as in configs/base.py.
      mesh: the devices.
    """
    eval_size = math.lcm(train.eval_batch_size, mesh.size)
    return DeviceData(
        jax.device_put(prepared.train, sharding.replicated(mesh)),
        [
            jax.device_put(batch, sharding.by_row(mesh))
            for batch in batches.fill_batches(prepared.held_out, eval_size)
        ],
        batches.steps_per_epoch(len(prepared.train.weights), train.batch_size),
    )


def _for_generator(
    config: ConfigDict, model: Any, pairs: Pairs, split: Split, names: tuple[str, str]
) -> Task:
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
    return Task(encoded[0], encoded[1], hook)


def _for_classifier(
    config: ConfigDict, model: Any, pairs: Pairs, split: Split, names: tuple[str, str]
) -> Task:
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
    return Task(encoded[0], encoded[1], describe=describe)


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
