"""Valid values of each key of a training config, checked together."""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from mirjax.datasets import negative_kinds, registry
from mirjax.datasets.source_options import FAMILIES, set_name
from mirjax.models import MODELS
from mirjax.models.interfaces import Generator
from mirjax.sequences import bad_records
from mirjax.spelling import suggest
from mirjax.training.bound_kinds import (
    COUNT,
    LENGTH,
    POSITIVE,
    RATE,
    SIZE,
    TEXT,
    Bound,
    Choice,
    Flag,
    Number,
    Sizes,
)
from mirjax.training.precision import DTYPES
from mirjax.training.renamed_keys import describe_replacement

LOSS_METRICS = ("loss", "cross_entropy")
GENERATOR_METRICS = (*LOSS_METRICS, "token_accuracy_masked", "token_accuracy_keras")
CLASSIFIER_METRICS = (*LOSS_METRICS, "accuracy")
AVERAGE_PRECISION = "average_precision"
DECODING_METRICS = (
    "n",
    "exact_match",
    "known_match",
    "seed_match",
    "edit_distance",
    "real_share",
    "distinct",
)


BOUNDS: dict[str, Bound] = {
    "seed": COUNT,
    "steps_per_call": SIZE,
    "model.name": Choice(tuple(MODELS)),
    "data.name": Choice(),
    "data.split": Choice((*registry.PROTOCOLS, "column")),  # the last: of files only
    "data.on_bad_record": Choice(bad_records.CHOICES),
    "data.sha256": Choice(),  # of a file; see `selection.pin`
    "data.seed": COUNT,
    "data.min_target_length": COUNT,
    "data.max_target_length": COUNT,
    "data.positive_rows": COUNT,
    "data.site_window": COUNT,
    "data.negatives": Choice(
        ("", negative_kinds.NO_NEGATIVES, *negative_kinds.KINDS),
    ),
    "data.negative_ratio": POSITIVE,
    "optimizer.name": Choice(("rmsprop", "adam", "adamw")),
    "optimizer.learning_rate": LENGTH,
    "optimizer.schedule": Choice(("constant", "cosine")),
    "optimizer.warmup_epochs": LENGTH,
    "optimizer.weight_decay": LENGTH,
    "optimizer.ema_decay": RATE,
    "optimizer.clip_norm": LENGTH,
    "train.batch_size": SIZE,
    "train.micro_batches": SIZE,
    "train.model_devices": SIZE,
    "train.init_from": TEXT,
    "train.init_sha256": TEXT,
    "train.compute_dtype": Choice(DTYPES),
    "train.num_epochs": POSITIVE,
    "train.eval_every_epochs": POSITIVE,
    "train.log_every": COUNT,
    "train.eval_batch_size": SIZE,
    "train.duplex_augmentation": COUNT,
    "train.decode_rows": SIZE,
    "train.l2": LENGTH,
    "train.best_metric": Choice(),  # see `metric_names`
    "train.best_mode": Choice(("min", "max")),
    "train.patience_epochs": LENGTH,
    "train.export": Choice(("best", "last")),
}
"""Valid values of each key; a model's other keys follow from its fields' types."""

SOURCE_BOUNDS: dict[str, Bound] = {
    "data.sources": Choice(),
    "data.left_out": TEXT,
    "data.reserved": TEXT,
    "data.as_published": TEXT,
    "data.validation_fraction": Number(float, high=1.0, above=True, below=True),
    "data.reserve_validation": Flag(),
    "data.negatives": Choice(negative_kinds.KINDS),
    "data.negative_draws": SIZE,
    "data.seed": COUNT,
    "data.left_out_families": RATE,
    "data.positives_per_epoch": COUNT,
    "data.train_on_labels": Flag(),
    "data.shift": COUNT,
    "data.label_smoothing": RATE,
    "data.files_sha256": TEXT,
    "pool.teacher": TEXT,
    "pool.transcripts": TEXT,
    "pool.mirnas": Choice(),
    "pool.observed_mirnas": Number(float, high=1.0),
    "pool.random": COUNT,
    "pool.seeds": COUNT,
    "pool.duplexes": COUNT,
    "pool.candidates": SIZE,
    "pool.sites": COUNT,
    "pool.label_fraction": Number(float, low=0.0, high=1.0),
    "pool.temperature": POSITIVE,
    "pool.weight": POSITIVE,
    "pool.per_epoch": Number(float, high=1.0, above=True),
    "pool.hard_negatives": COUNT,
    "pool.hard_candidates": SIZE,
    "pool.hard_shuffled": Number(float, high=1.0),
    "pool.hard_windows": SIZE,
    "pool.hard_weight": POSITIVE,
    "pool.seed": COUNT,
}
"""The keys of `data` of a config that names several sources, and of its `pool`."""


def problems(values: Mapping[str, Any]) -> list[str]:
    """Describe each value that is not valid.

    Args:
      values: of dotted keys, such as "train.batch_size"; a model's with its name.

    Returns:
      One text per invalid key: the key, its value and what it must be.
    """
    bounds = _known_bounds(values) | _model_bounds(values.get("model.name"))
    found = []
    for key, value in values.items():
        if key in bounds:
            if (wanted := bounds[key].problem(value)) is not None:
                found.append(f"config.{key}={value!r}: {wanted}")
        elif not key.startswith("model.") or values.get("model.name") in MODELS:
            found.append(f"config: unknown key {key!r}{_hint(key, bounds)}")
    metric, measured = values.get("train.best_metric"), metric_names(values)
    is_text = isinstance(metric, str) and metric.strip()
    if is_text and measured and metric not in measured:
        found.append(
            f"config.train.best_metric={metric!r}: not measured"
            f"{suggest(str(metric), measured)}; the metrics are {', '.join(measured)}"
        )
    return found


def check(found: Iterable[str]) -> None:
    """Raise one ValueError for all problems, if there are any."""
    if lines := list(dict.fromkeys(found)):
        raise ValueError("; ".join(lines))


def metric_names(values: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the metrics that a run measures, by the model's name in its values."""
    model = MODELS.get(values.get("model.name", ""))
    if model is None:
        return ()
    generates = isinstance(model(), Generator)
    train = GENERATOR_METRICS if generates else CLASSIFIER_METRICS
    held_out = (*train, *DECODING_METRICS) if generates else train
    if isinstance(sources := values.get("data.sources"), str):
        named = [
            *sources.split("+"),
            *str(values.get("data.left_out") or "").split("+"),
        ]
        if values.get("data.left_out_families"):
            named.append(FAMILIES)
        sets = [f"{set_name(name)}/{AVERAGE_PRECISION}" for name in named if name]
        held_out = (*held_out, AVERAGE_PRECISION, *sets)
    return (
        *(f"val/{name}" for name in held_out),
        *(f"train/{name}" for name in (*train, "gradient_norm")),
    )


def _known_bounds(values: Mapping[str, Any]) -> dict[str, Bound]:
    """Return the bounds of all keys but the model's own."""
    if "data.sources" not in values:
        return BOUNDS
    others = {key: x for key, x in BOUNDS.items() if not key.startswith("data.")}
    return others | SOURCE_BOUNDS


def _model_bounds(name: object) -> dict[str, Bound]:
    """Return the bounds of a model's keys, by the types of their defaults."""
    if not isinstance(name, str) or name not in MODELS:
        return {}
    bounds: dict[str, Bound] = {}
    for field in dataclasses.fields(MODELS[name]):
        if field.name in ("parent", "name"):
            continue
        if isinstance(field.default, bool):
            bound: Bound = Flag()
        elif isinstance(field.default, int):
            bound = SIZE
        elif isinstance(field.default, float):
            bound = RATE if field.name.endswith("dropout") else POSITIVE
        elif isinstance(field.default, tuple):
            bound = Sizes()
        else:
            bound = Choice()
        bounds[f"model.{field.name}"] = bound
    return bounds


def _hint(key: str, known: Iterable[str]) -> str:
    """Return a hint on what to write in place of an unknown key."""
    section, _, name = key.rpartition(".")
    names = [
        other.rpartition(".")[2]
        for other in known
        if other.rpartition(".")[0] == section
    ]
    return (
        describe_replacement(key)
        or suggest(name, names)
        or f"; known: {', '.join(sorted(names))}"
    )
