"""Rows of a dataset or a file: loaded, split, and chosen by part and label."""

import dataclasses
import json
import os
import pathlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from absl import logging
from jaxtyping import Int

from mirjax.datasets import catalogue, own_pairs, readers, selection, sources
from mirjax.datasets.formats import CHAKRABORTY
from mirjax.datasets.source_options import SourceOptions, split_names
from mirjax.evaluation.options import OWN, PARTS, TEST, VALIDATION, WHOLE, RowOptions
from mirjax.files import file_sha256
from mirjax.inputs import STREAM
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


def training_data(metadata: Mapping[str, Any], data: str) -> Mapping[str, Any]:
    """Return the section `data` of the config of a model's training; may be empty.

    Args:
      metadata: the model's.
      data: the evaluation data. If this is a moved or copied file of the training data,
        its path replaces the one in the section.
    """
    trained_on: Mapping[str, Any] = metadata.get("data") or {}
    sha256 = trained_on.get("sha256")
    if sha256 and own_pairs.is_file(data):
        path = pathlib.Path(data).absolute()
        if file_sha256(path) == sha256:
            return {**trained_on, "name": str(path)}
    return trained_on


def load_dataset(name: str, trained_on: Mapping[str, Any], negatives: str) -> Table:
    """Load a dataset and split it.

    It is split and labelled as in the model's training if that was on the same dataset,
    otherwise as published. If the training data were cut to their sites and the dataset
    is part of them, its targets are cut, too.

    Args:
      name: of the dataset.
      trained_on: the section `data` of the config of the model's training; may be
        empty.
      negatives: as `RowOptions.negatives`.
    """
    if name in trained_on_sources(trained_on) and not negatives:
        options = SourceOptions.from_saved(trained_on)
        return Table(name, *sources.select_source(name, options), "split of training")
    chosen = dict(trained_on) if trained_on.get("name") == name else {}
    if name in trained_on.get("name", "").split("+"):
        chosen["site_window"] = trained_on.get("site_window", 0)
    if negatives:
        chosen["negatives"] = "" if negatives == OWN else negatives
    chosen["name"] = name
    selected = selection.Selection.from_saved(chosen)
    pairs, split = selection.select(selected)
    return Table(name, pairs, split, selection.describe(selected))


def trained_on_sources(trained_on: Mapping[str, Any]) -> list[str]:
    """Return the sets that a model was trained on, if its training named several."""
    return split_names(trained_on.get("sources", ""))


def load_table(
    options: RowOptions, trained_on: Mapping[str, Any], *, unknown_letters: bool = False
) -> Table:
    """Load the dataset or the file to evaluate on.

    Args:
      options: name the dataset or the file.
      trained_on: as for `load_dataset`.
      unknown_letters: read N and the other IUPAC codes in targets of a file as N.

    Raises:
      ValueError: if it cannot be read, or for an option that it does not take.
    """
    data, path = options.data, os.path.abspath(options.data)
    is_trained_on = path in (trained_on.get("name"), *trained_on_sources(trained_on))
    if is_trained_on or catalogue.is_dataset(data):
        if options.data_format:
            known = "the file that the model was trained on"
            named = f"a dataset (for a file of that name write --data=./{data})"
            raise ValueError(
                f"--data_format={options.data_format} is for other files; {data} is "
                + (known if is_trained_on else named)
            )
        name = path if is_trained_on else data
        return load_dataset(name, trained_on, options.negatives)
    if (config_file := pathlib.Path(data) / "config.json").is_file():
        return _load_run_data(config_file, options.negatives)
    if options.negatives:
        raise ValueError(
            f"--negatives={options.negatives} is for datasets; {data} is not one"
        )
    if data != STREAM and not pathlib.Path(data).exists():
        raise ValueError(
            f"--data: {data!r} is neither a file nor a dataset; the datasets are "
            + ", ".join(catalogue.PAIR_DATASETS)
        )
    pairs = readers.read_pairs(
        data,
        options.data_format,
        bad_records=options.bad_records,
        unknown_letters=unknown_letters,
    )
    if not options.part:
        return Table(data, pairs, None, "")
    if pairs.parts is None:
        raise ValueError(
            f"--split={options.part} is for datasets, for the file that the model was "
            f"trained on and for files with a column split; {data} is evaluated whole"
        )
    split = own_pairs.split_file(data, pairs, own_pairs.COLUMN)
    return Table(data, pairs, split, f"{own_pairs.COLUMN} split")


def load_training_rows(
    name: str, trained_on: Mapping[str, Any], negatives: str
) -> Table:
    """Load the dataset or the file whose training rows the baselines are fitted on.

    Args:
      name: of the dataset, or the path of a file. A file that the model was not trained
        on is taken whole, unless it has a column `split`.
      trained_on: as for `load_dataset`.
      negatives: as `RowOptions.negatives`.
    """
    if not own_pairs.is_file(name):
        return load_dataset(name, trained_on, negatives)
    path = os.path.abspath(name)
    if path == trained_on.get("name"):
        return load_dataset(path, trained_on, negatives)
    pairs = readers.read_pairs(name)
    if pairs.parts is None:
        rows, none = np.arange(len(pairs)), np.arange(0)
        return Table(name, pairs, Split(rows, none, none), "whole file")
    split = own_pairs.split_file(name, pairs, own_pairs.COLUMN)
    return Table(name, pairs, split, f"{own_pairs.COLUMN} split")


def _load_run_data(config_file: pathlib.Path, negatives: str) -> Table:
    """Load the data of a run, split and labelled as in its training."""
    try:
        section = json.loads(config_file.read_text())["data"]
        name = section["name"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"--data: {config_file} does not name the data of the run ({error})"
        ) from error
    return load_dataset(name, section, negatives)


def check_labels(table: Table, data_format: str) -> None:
    """Raise a ValueError for a file whose pairs have no labels; a dataset needs none.

    Args:
      table: the evaluation data of a classifier.
      data_format: the format that was given for the file, if any.
    """
    named = all(map(catalogue.is_dataset, table.name.split("+")))
    # All pairs of that published table are positive.
    if named or data_format == CHAKRABORTY or table.pairs.labels is not None:
        return
    raise ValueError(
        f"{table.name}: the pairs have no labels, and a classifier is not measured "
        "without; add a column label (1: binds, 0: does not), or let mirjax.predict "
        "--pairs print their probabilities"
    )


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
      where: name of the rows in messages.

    Returns:
      The positive rows, and the number of rows left out.

    Raises:
      ValueError: if no row is positive.
    """
    if pairs.labels is None:
        logging.info("%s: pairs without labels, taken as positive", where)
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
      rows: the rows to draw from.
      number: rows to draw; 0, or the number of rows or more, for all.
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
