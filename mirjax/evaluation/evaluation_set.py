"""Which rows a model is evaluated on, and which its baselines are fitted on."""

import dataclasses
import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from absl import logging

from mirjax.datasets import catalogue, readers, registry, selection
from mirjax.datasets.negatives import KINDS
from mirjax.sequences import alphabet
from mirjax.sequences.records import Pairs, Split

PARTS = ("train", "validation", "test")
WHOLE = "all"  # the part that a file is
OWN = "own"
# What becomes of the rows labelled 0: what `selection.select` takes, or the dataset's.
NEGATIVES = (*KINDS, selection.NO_NEGATIVES, OWN)
DATASETS = catalogue.PAIR_DATASETS


@dataclasses.dataclass(frozen=True, eq=False)
class Rows:
    """Rows to evaluate on, and the training rows beside them.

    Attributes:
      data: the dataset's name, or the file.
      part: one of `PARTS`, or `WHOLE`.
      protocol: how the dataset was divided, in words; empty for a file.
      held_out: the pairs to evaluate on.
      numbers: place of each in the dataset, from 1 (a file's header is not counted).
      available: how many there were before all but the first ones were left out.
      dropped: rows labelled 0 that were left out, as they are for a generator.
      train: the pairs to fit the baselines on.
      fitted_on: where those come from, in words.
    """

    data: str
    part: str
    protocol: str
    held_out: Pairs
    numbers: np.ndarray
    available: int
    dropped: int
    train: Pairs
    fitted_on: str

    def describe(self) -> str:
        """Say which rows are evaluated."""
        if self.protocol:
            where = f"{self.data}, {self.part} rows ({self.protocol})"
        else:
            where = f"{self.data}, whole file"
        count = len(self.held_out)
        if count < self.available:
            return f"{where}, the first {count:,} of {self.available:,}"
        return f"{where}, {count:,} rows"


def select_rows(
    data: str,
    *,
    part: str = "",
    data_format: str = "",
    trained_on: Mapping[str, Any] | None = None,
    train_data: str = "",
    first: int = 0,
    labelled: bool = False,
    negatives: str = "",
) -> Rows:
    """Choose the rows to evaluate on, and the training rows for the baselines.

    A named dataset is split as it was for the model's training where that was on the
    same dataset, and else as it was published; its targets are cut where the model was
    trained on it, alone or with others, with its targets cut. A file is read whole. The
    baselines are fitted on the training part of `train_data`, else of the named
    dataset, else of what the model was trained on: the first of these which there is.

    Args:
      data: a dataset's name, or a file.
      part: one of `PARTS`, of a named dataset; by default test where there are test
        rows, else validation.
      data_format: as `readers.read_pairs` takes it, of a file.
      trained_on: fields of `selection.Selection`, those of the model's training.
      train_data: a dataset's name.
      first: how many of the rows to evaluate on, from the first; 0 for all.
      labelled: keep the rows labelled 0, and label 1 every row of data without labels.
      negatives: one of `NEGATIVES`, of a named dataset, with `labelled`. By default as
        for the model's training, where that was on the same dataset.

    Returns:
      The rows; those labelled 0 are left out unless `labelled`.

    Raises:
      ValueError: if the data cannot be read, there is no such part, nothing is left, or
        nothing is known to fit the baselines on.
    """
    if first < 0:
        raise ValueError(f"--rows={first}: give 0 for all rows, or how many")
    split = None
    if data in registry.NAMES:
        if data_format:
            raise ValueError(
                f"--data_format={data_format} is for files; {data} is a dataset (for a "
                f"file of that name write --data=./{data})"
            )
        pairs, split, protocol = _named(data, trained_on, negatives)
        part = part or ("test" if len(split.test) else "validation")
        numbers = _part(data, protocol, split, part)
    else:
        if negatives:
            raise ValueError(f"--negatives={negatives} is for datasets; {data} is none")
        pairs, protocol = _file(data, part, data_format), ""
        part, numbers = WHOLE, np.arange(len(pairs))
    dropped = 0
    if not labelled:
        numbers, dropped = positive_rows(pairs, numbers, f"{data} ({part})")

    source = train_data or (data if split is not None and len(split.train) else "")
    if not source and trained_on:
        source = trained_on["name"]
    if not source:
        raise ValueError(
            "the baselines have nothing to be fitted on: the model file does not say "
            f"what it was trained on, and {data} has no training rows; name a dataset "
            "by --train_data, such as --train_data=chakraborty2019"
        )
    if split is not None and source == data:
        train_pairs, train_split, train_protocol = pairs, split, protocol
    else:
        train_pairs, train_split, train_protocol = _named(source, trained_on, negatives)
    fitted_on = f"{source} (train, {train_protocol})"
    train_rows = _part(source, train_protocol, train_split, "train")
    if not labelled:
        train_rows, _ = positive_rows(train_pairs, train_rows, fitted_on)

    choose = _labelled if labelled else Pairs.take
    kept = numbers[:first] if first else numbers
    return Rows(
        data=data,
        part=part,
        protocol=protocol,
        held_out=choose(pairs, kept),
        numbers=kept + 1,
        available=len(numbers),
        dropped=dropped,
        train=choose(train_pairs, train_rows),
        fitted_on=fitted_on,
    )


def _labelled(pairs: Pairs, rows: np.ndarray) -> Pairs:
    """Return the given rows, labelled 1 where the data have no labels."""
    taken = pairs.take(rows)
    if taken.labels is not None:
        return taken
    return dataclasses.replace(taken, labels=np.ones(len(taken), np.uint8))


def check_fit(rows: Rows, model: Any) -> None:
    """Raise a ValueError that names the first row which a model cannot take.

    Args:
      rows: what `select_rows` gave.
      model: of `min_target_length`, `max_target_length` and `max_mirna_length` nt.
    """
    shortest = model.min_target_length
    for what, sequences, least, most in (
        ("target", rows.held_out.targets, shortest, model.max_target_length),
        ("miRNA", rows.held_out.mirnas, 1, model.max_mirna_length),
    ):
        lengths = alphabet.lengths(sequences)
        misfits = np.flatnonzero((lengths < least) | (lengths > most))
        if len(misfits):
            row = misfits[0]
            raise ValueError(
                f"{rows.data} row {rows.numbers[row]}: {what} of {lengths[row]} nt, "
                f"but the model takes {least} to {most}; {len(misfits):,} of "
                f"{len(lengths):,} rows do not fit: copy the others to a CSV file and "
                "evaluate on that (--data=FILE), or choose other data"
            )


def _named(
    name: str, trained_on: Mapping[str, Any] | None, negatives: str
) -> tuple[Pairs, Split, str]:
    """Load a dataset and split it, as for the training if that was on the same."""
    trained_on = trained_on or {}
    chosen = dict(trained_on) if trained_on.get("name") == name else {}
    if name in trained_on.get("name", "").split("+"):  # as a part, it was cut too
        chosen["site_window"] = trained_on.get("site_window", 0)
    if negatives:
        chosen["negatives"] = "" if negatives == OWN else negatives
    chosen["name"] = name
    chosen_rows = selection.Selection.from_saved(chosen)
    pairs, split = selection.select(chosen_rows)
    return pairs, split, selection.describe(chosen_rows)


def _file(path: str, part: str, data_format: str) -> Pairs:
    """Read a file whole."""
    if not pathlib.Path(path).exists():
        raise ValueError(
            f"--data: {path!r} is neither a file nor a dataset; the datasets are "
            + ", ".join(DATASETS)
        )
    if part:
        raise ValueError(
            f"--split={part} is for datasets; the file {path} is evaluated whole"
        )
    return readers.read_pairs(path, data_format)


def _part(name: str, protocol: str, split: Split, part: str) -> np.ndarray:
    """Return a part's rows, of which there must be some."""
    rows: np.ndarray = getattr(split, part)
    if not len(rows):
        others = [f"--split={other}" for other in PARTS if len(getattr(split, other))]
        raise ValueError(
            f"dataset {name} has no {part} rows by the {protocol}, only those of "
            + ", ".join(others)
        )
    return rows


def positive_rows(pairs: Pairs, rows: np.ndarray, where: str) -> tuple[np.ndarray, int]:
    """Leave out the rows labelled 0, and log how many they were.

    Args:
      pairs: a dataset.
      rows: some of its rows.
      where: what to call them in a message.

    Returns:
      The other rows, and how many were left out.

    Raises:
      ValueError: if none are left.
    """
    binding = rows if pairs.labels is None else rows[pairs.labels[rows] == 1]
    dropped = len(rows) - len(binding)
    if dropped:
        logging.info(
            "%s: %d of %d rows labelled 0 (no binding) left out: a generator learns "
            "and answers which miRNA does bind",
            where,
            dropped,
            len(rows),
        )
    if not len(binding):
        problem = "every row is labelled 0" if dropped else "there are no rows"
        raise ValueError(f"{where}: {problem}; name another dataset or another split")
    return binding, dropped
