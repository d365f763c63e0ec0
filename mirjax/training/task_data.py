"""The rows that a config trains and validates on, encoded, and their metrics."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from ml_collections import ConfigDict

from mirjax.datasets import batches, selection
from mirjax.datasets.augmentation import augment_duplexes
from mirjax.evaluation.evaluation_set import positive_rows
from mirjax.evaluation.metrics import sequence
from mirjax.inference import greedy
from mirjax.inference.pairs import fitting_rows
from mirjax.models import make_model
from mirjax.models.interfaces import Generator, PairModel
from mirjax.sequences import alphabet
from mirjax.sequences.bad_records import SKIP, BadRecords
from mirjax.sequences.records import Pairs, Split
from mirjax.training import mixture
from mirjax.training.initial import pin_initial
from mirjax.training.task_rows import (
    TaskData,
    ValidationHook,
    check_lengths,
    temperature_hook,
)


def pin_config(config: ConfigDict) -> ConfigDict:
    """Put the absolute paths and SHA-256 of the files that a config names into it.

    Args:
      config: its section `data` may name a file or a dataset, or several sources; its
        key `train.init_from` a model. The split of a file is put in, too.

    Returns:
      The config itself if it names only datasets, otherwise a copy.

    Raises:
      ValueError: if a file cannot be read.
    """
    config = pin_initial(config)
    if mixture.SOURCES in config.data:
        return mixture.pin_files(config)
    pinned = selection.pin(selection.Selection(**config.data))
    if not pinned.sha256:
        return config
    copy = config.copy_and_resolve_references()
    with copy.unlocked():
        for key in ("name", "split", "sha256"):
            copy.data[key] = getattr(pinned, key)
    return copy


def load_data(config: ConfigDict) -> TaskData:
    """Load and encode the rows of a config.

    Args:
      config: `model`, `data`, `seed`, and the keys of `train` that concern rows.

    Raises:
      ValueError: for data that cannot be loaded or do not fit the model.
    """
    if mixture.SOURCES in config.data:
        return mixture.load_mixture(config)
    model = make_model(config.model)
    generates = isinstance(model, Generator)
    if config.train.duplex_augmentation and not generates:
        raise ValueError(
            f"{config.train.duplex_augmentation=} is for generators, and "
            f"{config.model.name} is a classifier; set it to 0"
        )
    chosen = selection.Selection(**config.data)
    bad_records = chosen.bad_records()
    pairs, split = selection.select(chosen, bad_records)
    name = f"{chosen.name} ({selection.describe(chosen)})"
    used = np.concatenate([split.train, split.validation])
    if generates and pairs.labels is not None:
        used = used[pairs.labels[used] == 1]
    if bad_records.choice == SKIP:
        split = _leave_out_misfits(pairs, split, used, model, bad_records)
    else:
        longest = model.max_target_length
        remedy = f"leave such targets out by config.data.max_target_length={longest}"
        check_lengths(
            pairs.take(used), model, name, target_remedy=f"{remedy}, or shorten them"
        )
    encode = _for_generator if generates else _for_classifier
    names = (f"{name}, training rows", f"{name}, held-out rows")
    data = encode(config, model, pairs, split, names)
    return data._replace(skipped=tuple(bad_records.skipped))


def _leave_out_misfits(
    pairs: Pairs,
    split: Split,
    used: np.ndarray,
    model: PairModel,
    bad_records: BadRecords,
) -> Split:
    """Leave rows that a model cannot read out of training and validation."""
    lines = used + 1 if pairs.lines is None else pairs.lines[used]
    word = "row" if pairs.lines is None else "line"
    labels = [f"{word} {line}" for line in lines]
    kept = fitting_rows(pairs.take(used), model, "training data", labels, bad_records)
    unfit = np.delete(used, kept)
    train, validation = (
        rows[~np.isin(rows, unfit)] for rows in (split.train, split.validation)
    )
    return Split(train, validation, split.test)


def _for_generator(
    config: ConfigDict,
    model: PairModel,
    pairs: Pairs,
    split: Split,
    names: tuple[str, str],
) -> TaskData:
    """Encode positive pairs, and training rows augmented from them.

    Held-out rows are decoded at each evaluation.
    """
    parts = [
        pairs.take(positive_rows(pairs, rows, name)[0])
        for rows, name in zip((split.train, split.validation), names, strict=True)
    ]
    augmented = augment_duplexes(
        parts[0], config.train.duplex_augmentation, config.seed
    )
    columns = [
        (
            [*parts[0].targets, *augmented.targets],
            [*parts[0].mirnas, *augmented.mirnas],
        ),
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
    config: ConfigDict,
    model: PairModel,
    pairs: Pairs,
    split: Split,
    names: tuple[str, str],
) -> TaskData:
    """Encode labelled pairs; a temperature is fitted when a model is exported."""
    encoded, parts = [], []
    for rows, name in zip((split.train, split.validation), names, strict=True):
        part = pairs.take(rows)
        labels = _checked_labels(part, name, config.data.negatives)
        parts.append(part)
        encoded.append(
            batches.encode_labelled(
                part.targets,
                part.mirnas,
                labels,
                target_length=model.max_target_length,
                mirna_length=model.max_mirna_length,
            )
        )
    describe = temperature_hook(parts[1])
    return TaskData(encoded[0], encoded[1], describe=describe)


def _checked_labels(part: Pairs, name: str, negatives: str) -> np.ndarray:
    """Return a part's labels if a classifier can be trained on them."""
    if part.labels is not None:
        labels = sorted(set(part.labels.tolist()))
        if len(labels) == 2 or (labels and negatives == selection.NO_NEGATIVES):
            return part.labels
    if not len(part):
        raise ValueError(
            f"{name}: there are no rows; choose another config.data.split or "
            "config.data.seed, or give more pairs"
        )
    found = "no labels" if part.labels is None else f"only label {labels[0]}"
    raise ValueError(
        f"{name}: {found}, and a classifier needs rows labelled 1 and rows labelled 0; "
        "generate negatives by config.data.negatives=frequency, or name other data by "
        "config.data.name"
    )


def decoding_hook(
    train: Pairs, held_out: Pairs, targets: np.ndarray, num_rows: int
) -> ValidationHook:
    """Return a hook that decodes held-out targets and scores the predictions.

    Args:
      train: training pairs, which are known pairs of real miRNAs.
      held_out: its first rows are decoded.
      targets: their tokens.
      num_rows: number of rows to decode.
    """
    rows = range(min(num_rows, len(held_out)))
    sample = held_out.take(rows)
    known = sequence.known_mirnas(train)
    for target, mirnas in sequence.known_mirnas(held_out).items():
        known[target] = known.get(target, set()) | mirnas
    real = set(train.mirnas) | set(held_out.mirnas)

    def validate(model: Generator, params: Mapping[str, Any]) -> dict[str, float]:
        decoded = greedy.decode(model, params, targets[: len(rows)])
        return sequence.sequence_metrics(
            alphabet.decode(decoded.tokens), sample.mirnas, sample.targets, known, real
        )

    return validate
