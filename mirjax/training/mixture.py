"""Rows of several sources and of a teacher's pool, encoded for one classifier."""

import hashlib
import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float
from ml_collections import ConfigDict
from scipy import special
from sklearn import metrics as sklearn_metrics

from mirjax.datasets import batches
from mirjax.datasets.distillation import make_pool, mine
from mirjax.datasets.joining import join_pairs
from mirjax.datasets.own_pairs import is_file
from mirjax.datasets.pool_drawing import PoolOptions
from mirjax.datasets.source_options import SourceOptions, set_name, split_names
from mirjax.datasets.sources import Source, Sources, load_sources
from mirjax.datasets.streams import Stream
from mirjax.files import file_sha256
from mirjax.inference import classify
from mirjax.models import make_model
from mirjax.models.interfaces import Classifier, Generator
from mirjax.models.trained import FILE_NAME
from mirjax.sequences.records import Pairs
from mirjax.training.bounds import AVERAGE_PRECISION
from mirjax.training.task_rows import (
    DescriptionHook,
    TaskData,
    ValidationHook,
    check_lengths,
    temperature_hook,
)
from mirjax.training.teacher import Teacher, load_teacher

SOURCES = "sources"  # the key of `config.data` that names several sets


_NAME_KEYS = (  # section and key of names that are joined by "+"
    *(("data", key) for key in ("sources", "left_out", "reserved", "as_published")),
    *(("pool", key) for key in ("teacher", "transcripts", "mirnas")),
)


class _Rows(NamedTuple):
    """Adjoining training rows.

    Attributes:
      pairs: the rows.
      labels: target probability of each row.
      weight: of each row in the loss.
      per_epoch: rows that an epoch visits.
      shift: letters by which targets may be moved at random.
    """

    pairs: Pairs
    labels: Float[np.ndarray, " rows"]
    weight: float
    per_epoch: int
    shift: int


def pin_files(config: ConfigDict) -> ConfigDict:
    """Put the absolute paths of files and the SHA-256 of their contents in a config.

    Args:
      config: with `data.sources`.

    Returns:
      The config itself if it names no file, otherwise a copy.

    Raises:
      ValueError: if a file cannot be read.
    """
    copy, digest = config.copy_and_resolve_references(), hashlib.sha256()
    found = False
    with copy.unlocked():
        for section, key in _NAME_KEYS:
            if section not in copy:
                continue
            names = split_names(copy[section][key])
            for number, name in enumerate(names):
                if (file := _file_of(name)) is not None:
                    found = True
                    names[number] = os.path.abspath(name)
                    digest.update(file_sha256(file).encode())
            copy[section][key] = "+".join(names)
        if not found:
            return config
        copy.data.files_sha256 = digest.hexdigest()
    return copy


def _file_of(name: str) -> pathlib.Path | None:
    """Return the file of a name; None for a dataset or a model in the package."""
    if os.path.isdir(name):
        path = pathlib.Path(name) / FILE_NAME
        return path if path.is_file() else None
    return pathlib.Path(name) if is_file(name) else None


def load_mixture(config: ConfigDict) -> TaskData:
    """Load, guard and encode the rows of a config with `data.sources`.

    Args:
      config: see configs/duplex.py.

    Raises:
      ValueError: for data that cannot be loaded or do not fit the model.
    """
    model = make_model(config.model)
    if isinstance(model, Generator):
        raise ValueError(
            f"config.data.sources is for classifiers, and {config.model.name} is a "
            "generator"
        )
    options = SourceOptions(**config.data)
    sources = load_sources(options)
    for source in (*sources.trained, *sources.left_out):
        for pairs in (source.positives, source.negatives, source.validation):
            check_lengths(pairs, model, source.name)
    parts = []
    if options.train_on_labels:
        parts += [
            rows for source in sources.trained for rows in _labelled(source, options)
        ]
    pool = PoolOptions(**config.pool) if "pool" in config else PoolOptions()
    if pool.teacher:
        # Errors in names are found before minutes of labelling.
        teacher, drawn = load_teacher(pool.teacher), make_pool(pool, sources)
        parts = [_softened(rows, teacher, pool) for rows in parts]
        parts += _pool_rows(config, drawn, teacher, sources)
    if not parts:
        raise ValueError(
            "config.data.train_on_labels=False: without a teacher (config.pool.teacher)"
            " there is nothing to train on"
        )
    held_out = Pairs([], [], np.zeros(0, np.uint8))
    for source in sources.trained:
        held_out = join_pairs(held_out, source.validation)
    return TaskData(
        train=_joined([_encode(part, model) for part in parts]),
        held_out=encode(held_out, model),
        validate=precision_hook(
            {set_name(source.name): source.validation for source in sources.trained},
            {set_name(source.name): source.validation for source in sources.left_out},
        ),
        describe=_description_hook(held_out, sources.guard.report),
        streams=tuple(
            Stream(len(part.pairs), part.per_epoch, part.shift) for part in parts
        ),
    )


def precision_hook(
    trained: Mapping[str, Pairs], left_out: Mapping[str, Pairs]
) -> ValidationHook:
    """Return a hook that measures the average precision on each set's held-out rows.

    Args:
      trained: validation rows of the sets that are trained on.
      left_out: validation rows of the sets that are not trained on.

    Returns:
      (model, parameters) → `SET/average_precision` of each set, and their mean over
      `trained` as `average_precision`. It is NaN if a logit is NaN or infinite.
    """

    def validate(model: Classifier, params: Mapping[str, Any]) -> dict[str, float]:
        found = {
            name: _average_precision(model, params, pairs)
            for name, pairs in {**trained, **left_out}.items()
        }
        mean = float(np.mean([found[name] for name in trained]))
        named = {f"{name}/{AVERAGE_PRECISION}": value for name, value in found.items()}
        return {AVERAGE_PRECISION: mean} | named

    return validate


def _description_hook(
    held_out: Pairs, guard_report: Mapping[str, Mapping[str, int]]
) -> DescriptionHook:
    """Return a hook that fits a temperature and reports what the guard removed."""
    fit = temperature_hook(held_out)
    report = {name: dict(counts) for name, counts in guard_report.items()}
    return lambda model, params: {**fit(model, params), "guard": report}


def _average_precision(
    model: Classifier, params: Mapping[str, Any], pairs: Pairs
) -> float:
    try:
        logits = classify.predict_logits(model, params, pairs)
    except FloatingPointError:
        return float("nan")  # the run has diverged, which the loop reports
    return float(sklearn_metrics.average_precision_score(pairs.labels, logits))


def _labelled(source: Source, options: SourceOptions) -> list[_Rows]:
    """Return the positives and the negatives of a source, equally many per epoch."""
    positives = len(source.positives)
    if options.positives_per_epoch:
        positives = min(positives, options.positives_per_epoch)
    return [
        _as_rows(pairs, options.label_smoothing)._replace(
            per_epoch=min(positives, len(pairs)), shift=options.shift
        )
        for pairs in (source.positives, source.negatives)
    ]


def _as_rows(pairs: Pairs, smoothing: float = 0.0) -> _Rows:
    """Return training rows of labelled pairs.

    Args:
      pairs: the rows.
      smoothing: label 1 becomes 1 - smoothing / 2, and label 0 smoothing / 2.
    """
    labels = np.asarray(pairs.labels, np.float32) * (1.0 - smoothing) + smoothing / 2
    return _Rows(pairs, labels, weight=1.0, per_epoch=len(pairs), shift=0)


def _softened(rows: _Rows, teacher: Teacher, options: PoolOptions) -> _Rows:
    """Mix the teacher's probabilities into the labels of labelled rows."""
    fraction = options.label_fraction
    if not fraction:
        return rows
    soft = special.expit(teacher.logits(rows.pairs) / options.temperature)
    labels = (1.0 - fraction) * rows.labels + fraction * soft
    return rows._replace(labels=labels.astype(np.float32))


def _pool_rows(
    config: ConfigDict, pool: Pairs, teacher: Teacher, sources: Sources
) -> list[_Rows]:
    """Return the pairs that a teacher labels, and its hard negatives."""
    model, options = make_model(config.model), PoolOptions(**config.pool)
    soft = special.expit(teacher.logits(pool) / options.temperature)
    per_epoch = round(options.per_epoch * len(pool))
    parts = [_Rows(pool, soft.astype(np.float32), options.weight, per_epoch, 0)]
    if options.hard_negatives:
        hard = mine(options, sources, teacher.logits)
        rows = _as_rows(hard, config.data.label_smoothing)
        parts.append(rows._replace(weight=options.hard_weight))
    for part in parts:
        check_lengths(part.pairs, model, "config.pool")
    return parts


def encode(pairs: Pairs, model: Classifier) -> batches.LabelledBatch:
    """Encode labelled pairs as a classifier reads them."""
    return _encode(_as_rows(pairs), model)


def _encode(rows: _Rows, model: Classifier) -> batches.LabelledBatch:
    encoded = batches.encode_labelled(
        rows.pairs.targets,
        rows.pairs.mirnas,
        np.zeros(len(rows.pairs), np.uint8),
        target_length=model.max_target_length,
        mirna_length=model.max_mirna_length,
    )
    weights = np.full(len(rows.pairs), rows.weight, np.float32)
    return encoded._replace(labels=rows.labels, weights=weights)


def _joined(parts: Sequence[batches.LabelledBatch]) -> batches.LabelledBatch:
    columns = (np.concatenate(column) for column in zip(*parts, strict=True))
    return batches.LabelledBatch(*columns)
