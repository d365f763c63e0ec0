"""Rows of a dataset or a file: loaded, split, and chosen by part and label."""

import dataclasses
import pathlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from absl import logging
from jaxtyping import Int

from mirjax.datasets import catalogue, readers, selection
from mirjax.evaluation.options import OWN, PARTS, TEST, VALIDATION, WHOLE, RowOptions
from mirjax.sequences.records import Pairs, Split


class Table(NamedTuple):
    """A dataset and its split, or a file.

    Attributes:
      name: of the dataset, or the path of the file.
      pairs: all pairs.
      split: of the dataset; None for a file, which is not split.
      protocol: how the dataset is split and labelled, in words; empty for a file.
    """

    name: str
    pairs: Pairs
    split: Split | None
    protocol: str

    @property
    def default_part(self) -> str:
        """The part to evaluate on if none is given."""
        if self.split is None:
            return WHOLE
        return TEST if len(self.split.test) else VALIDATION

    @property
    def has_training_rows(self) -> bool:
        """Whether baselines can be fitted on it."""
        return self.split is not None and bool(len(self.split.train))


def load_dataset(name: str, trained_on: Mapping[str, Any], negatives: str) -> Table:
    """Load a dataset and split it.

    It is split and labelled as for the model's training if that was on the same
    dataset, otherwise as published. Its targets are cut to their sites if those of the
    training data were, and the dataset is the training data or a part of it.

    Args:
      name: of the dataset.
      trained_on: the section `data` of the config of the model's training, or nothing.
      negatives: as `RowOptions.negatives`.
    """
    chosen = dict(trained_on) if trained_on.get("name") == name else {}
    if name in trained_on.get("name", "").split("+"):
        chosen["site_window"] = trained_on.get("site_window", 0)
    if negatives:
        chosen["negatives"] = "" if negatives == OWN else negatives
    chosen["name"] = name
    selected = selection.Selection.from_saved(chosen)
    pairs, split = selection.select(selected)
    return Table(name, pairs, split, selection.describe(selected))


def load_table(options: RowOptions, trained_on: Mapping[str, Any]) -> Table:
    """Load the dataset or the file to evaluate on.

    Args:
      options: which one.
      trained_on: as for `load_dataset`.

    Raises:
      ValueError: if it cannot be read, or for an option that it does not take.
    """
    data = options.data
    if data in catalogue.NAMES:
        if options.data_format:
            raise ValueError(
                f"--data_format={options.data_format} is for files; {data} is a "
                f"dataset (for a file of that name write --data=./{data})"
            )
        return load_dataset(data, trained_on, options.negatives)
    if options.negatives:
        raise ValueError(
            f"--negatives={options.negatives} is for datasets; {data} is not one"
        )
    if not pathlib.Path(data).exists():
        raise ValueError(
            f"--data: {data!r} is neither a file nor a dataset; the datasets are "
            + ", ".join(catalogue.PAIR_DATASETS)
        )
    if options.part:
        raise ValueError(
            f"--split={options.part} is for datasets; the file {data} is evaluated "
            "whole"
        )
    return Table(data, readers.read_pairs(data, options.data_format), None, "")


def part_rows(table: Table, part: str) -> Int[np.ndarray, " rows"]:
    """Return the row numbers of a part, from 0.

    Args:
      table: a dataset or a file.
      part: one of `PARTS`, or `WHOLE` for a file.

    Raises:
      ValueError: if the part has no rows.
    """
    if table.split is None:
        return np.arange(len(table.pairs))
    rows: np.ndarray = getattr(table.split, part)
    if not len(rows):
        others = [
            f"--split={other}" for other in PARTS if len(getattr(table.split, other))
        ]
        raise ValueError(
            f"dataset {table.name} has no {part} rows by the {table.protocol}, only "
            "those of " + ", ".join(others)
        )
    return rows


def positive_rows(
    pairs: Pairs, rows: Int[np.ndarray, " rows"], where: str
) -> tuple[Int[np.ndarray, " positives"], int]:
    """Leave out negative rows, and log how many there were.

    Args:
      pairs: a dataset.
      rows: some of its rows.
      where: what to call them in a message.

    Returns:
      The positive rows, and the number of rows left out.

    Raises:
      ValueError: if no row is positive.
    """
    positive = rows if pairs.labels is None else rows[pairs.labels[rows] == 1]
    dropped = len(rows) - len(positive)
    if dropped:
        logging.info(
            "%s: %d of %d rows labelled 0 (negative) left out: a generator is trained "
            "and measured on positive pairs",
            where,
            dropped,
            len(rows),
        )
    if not len(positive):
        problem = "every row is labelled 0" if dropped else "there are no rows"
        raise ValueError(f"{where}: {problem}; name another dataset or another split")
    return positive, dropped


def sample_rows(
    rows: Int[np.ndarray, " rows"], number: int, seed: int
) -> Int[np.ndarray, " sample"]:
    """Draw a random sample without replacement; its rows stay in order.

    Args:
      rows: what to draw from.
      number: rows to draw; 0, or as many as there are, for all.
      seed: equal seeds draw equal samples.
    """
    if not 0 < number < len(rows):
        return rows
    drawn = np.random.default_rng(seed).choice(len(rows), number, replace=False)
    return rows[np.sort(drawn)]


def labelled_pairs(pairs: Pairs, rows: Int[np.ndarray, " rows"]) -> Pairs:
    """Return the given rows; those of data without labels get label 1."""
    taken = pairs.take(rows)
    if taken.labels is not None:
        return taken
    return dataclasses.replace(taken, labels=np.ones(len(taken), np.uint8))
