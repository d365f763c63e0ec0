"""The evaluation set: the rows that a model and its baselines are evaluated on."""

import dataclasses
import functools
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from absl import logging
from jaxtyping import Bool, Int, Int16

from mirjax.alignment import complementarity
from mirjax.datasets import batches, catalogue, registry
from mirjax.evaluation.metrics.sequence import known_mirnas
from mirjax.evaluation.options import TRAIN, RowOptions
from mirjax.evaluation.row_selection import (
    Table,
    check_labels,
    labelled_pairs,
    load_table,
    load_training_rows,
    part_rows,
    positive_rows,
    sample_rows,
    trained_on_sources,
    training_data,
)
from mirjax.inference.pairs import fitting_rows
from mirjax.models.interfaces import Generator, PairModel, reads_unknown_letters
from mirjax.models.trained import TrainedModel
from mirjax.sequences.records import Pairs, SequenceRecord


@dataclasses.dataclass(frozen=True)
class Source:
    """Where the rows of an evaluation set come from.

    Attributes:
      data: the dataset's name, or the file.
      part: one of `options.PARTS`, or `options.WHOLE`.
      protocol: how the dataset is split and labelled, in words; empty for a file.
      available: number of rows of the part; the evaluation set may hold a sample of
        them.
      dropped: number of negative rows, on which a generator is not evaluated.
      fitted_on: which rows the baselines are fitted on, in words; empty if there are
        none.
      is_training_data: whether the model was trained on the same dataset. Only then are
        the metrics of the baselines comparable with those logged during training.
      seed: of the random sample.
      path: absolute path of the file; empty for a dataset.
    """

    data: str
    part: str
    protocol: str
    available: int
    dropped: int
    fitted_on: str
    is_training_data: bool
    seed: int = 0
    path: str = ""


@dataclasses.dataclass(frozen=True, eq=False)
class EvaluationSet:
    """Rows to evaluate on, rows to fit baselines on, and values derived from them.

    Derived values that several metrics need are properties, computed on first use.

    Attributes:
      held_out: n pairs to evaluate on. They fit the model.
      train: pairs to fit the baselines on; there may be none.
      source: origin of the rows.
      database: named miRNAs, for a generator.
      database_name: the file or dataset that holds them.
      max_target_length: letters of a target that the model takes, in nt.
      max_mirna_length: letters of a miRNA that the model takes or emits, in nt.
    """

    held_out: Pairs
    train: Pairs
    source: Source
    database: Sequence[SequenceRecord] = ()
    database_name: str = ""
    max_target_length: int = 0
    max_mirna_length: int = 0

    def describe(self) -> str:
        """Describe the evaluated rows."""
        source = self.source
        if source.protocol:
            where = f"{source.data}, {source.part} rows ({source.protocol})"
        else:
            where = f"{source.data}, whole file"
        count = len(self.held_out)
        if count < source.available:
            sample = f"a random sample of {count:,} of {source.available:,}"
            return f"{where}, {sample} (seed {source.seed})"
        return f"{where}, {count:,} rows"

    @functools.cached_property
    def tokens(self) -> batches.Batch:
        """Tokens of the held-out pairs, as a generator takes them."""
        return batches.encode_pairs(
            self.held_out.targets,
            self.held_out.mirnas,
            target_length=self.max_target_length,
            mirna_length=self.max_mirna_length,
        )

    @functools.cached_property
    def known(self) -> Mapping[str, set[str]]:
        """Target → every miRNA of a positive pair with it, of both sets."""
        return known_mirnas(self.train, self.held_out)

    @functools.cached_property
    def is_new_target(self) -> Bool[np.ndarray, " n"]:
        """Whether each held-out target is in no training pair; needs training pairs."""
        if not len(self.train):
            return np.zeros(len(self.held_out), bool)
        seen = set(self.train.targets)
        return np.array([target not in seen for target in self.held_out.targets], bool)

    @functools.cached_property
    def train_mirnas(self) -> Sequence[str]:
        """The m distinct training miRNAs, in order: the candidates of a ranking."""
        return list(dict.fromkeys(self.train.mirnas))

    @functools.cached_property
    def database_mirnas(self) -> Sequence[str]:
        """The distinct sequences of the database, in order."""
        return list(dict.fromkeys(record.sequence for record in self.database))

    @functools.cached_property
    def complementarity(self) -> Int16[np.ndarray, "n m"]:
        """Score of each held-out target with each of `train_mirnas`."""
        return complementarity.score_all(list(self.held_out.targets), self.train_mirnas)

    @functools.cached_property
    def anchored_complementarity(self) -> Int16[np.ndarray, "n m"]:
        """The same, with the miRNA's 5' end anchored at the site's 3' end."""
        return complementarity.score_all(
            list(self.held_out.targets), self.train_mirnas, anchored=True
        )


def make_evaluation_set(trained: TrainedModel, options: RowOptions) -> EvaluationSet:
    """Load and check the evaluation set of a model; no device is touched.

    A dataset that the model was trained on is split as in its training, other datasets
    as published. The same holds for the file that the model was trained on; another
    file is used whole. A generator is evaluated on positive pairs only. For a
    classifier, a dataset without labels counts as positive, and a file without labels
    is refused.

    Args:
      trained: the model.
      options: the choice of rows.

    Raises:
      ValueError: if data cannot be read, a part has no rows, or a row does not fit the
        model.
    """
    generates = isinstance(trained.model, Generator)
    trained_on = training_data(trained.metadata, options.data)
    table = load_table(
        options, trained_on, unknown_letters=reads_unknown_letters(trained.model)
    )
    part = options.part or table.default_part
    if not generates:
        check_labels(table, options.data_format)
    rows, dropped = _choose(table, part, f"{table.name} ({part})", generates)
    train, fitted_on = _load_train(table, options, trained_on, generates)
    kept = sample_rows(rows, options.sample, options.seed)
    take = Pairs.take if generates else labelled_pairs
    held_out = _fitting(take(table.pairs, kept), kept, table, trained.model, options)
    source = Source(
        data=table.name,
        part=part,
        protocol=table.protocol,
        available=len(rows) - len(kept) + len(held_out),
        dropped=dropped,
        fitted_on=fitted_on,
        is_training_data=bool(table.protocol)
        and table.name in (trained_on.get("name"), *trained_on_sources(trained_on)),
        seed=options.seed,
        path="" if catalogue.is_dataset(table.name) else os.path.abspath(table.name),
    )
    database_name = ""
    if generates:
        database_name = options.database or _default_database(source, trained_on)
    evaluation_set = EvaluationSet(
        held_out=held_out,
        train=train,
        source=source,
        database=_load_database(database_name, options),
        database_name=database_name,
        max_target_length=trained.model.max_target_length,
        max_mirna_length=trained.model.max_mirna_length,
    )
    logging.info(
        "%s; the baselines are fitted on %s",
        evaluation_set.describe(),
        fitted_on or "no rows: those that need training rows are left out",
    )
    return evaluation_set


def _choose(
    table: Table, part: str, where: str, positives_only: bool
) -> tuple[Int[np.ndarray, " rows"], int]:
    """Return the rows of a part, and how many negative rows were left out."""
    rows = part_rows(table, part)
    return positive_rows(table.pairs, rows, where) if positives_only else (rows, 0)


def _load_train(
    table: Table,
    options: RowOptions,
    trained_on: Mapping[str, Any],
    generates: bool,
) -> tuple[Pairs, str]:
    """Return the rows that the baselines are fitted on, with a description, if any."""
    name = options.train_data or (table.name if table.has_training_rows else "")
    name = name or trained_on.get("name", "")
    if not name:
        return Pairs([], []), ""
    if table.split is None or name != table.name:
        table = load_training_rows(name, trained_on, options.negatives)
    fitted_on = f"{table.name} ({TRAIN}, {table.protocol})"
    rows, _ = _choose(table, TRAIN, fitted_on, generates)
    take = Pairs.take if generates else labelled_pairs
    return take(table.pairs, rows), fitted_on


def _fitting(
    pairs: Pairs,
    rows: Int[np.ndarray, " n"],
    table: Table,
    model: PairModel,
    options: RowOptions,
) -> Pairs:
    """Return the rows of a table whose pairs suit a model."""
    labels = _row_labels(table, rows)
    fits = fitting_rows(pairs, model, table.name, labels, options.bad_records)
    return pairs.take(fits)


def _row_labels(table: Table, rows: Int[np.ndarray, " n"]) -> list[str]:
    """Return names of rows for messages: their lines in a file, or their numbers."""
    lines = table.pairs.lines
    if lines is None or catalogue.is_dataset(table.name):
        return [f"row {row + 1}" for row in rows]
    return [f"line {line}" for line in lines[rows]]


def _load_database(name: str, options: RowOptions) -> Sequence[SequenceRecord]:
    """Load the named miRNAs of a generator's evaluation; none for a classifier."""
    if not name:
        return ()
    return registry.load_fasta(name, bad_records=options.bad_records)


def _default_database(source: Source, trained_on: Mapping[str, Any]) -> str:
    """Return the default database of named miRNAs for the data."""
    name = source.data if source.protocol else trained_on.get("name")
    return catalogue.SIMULATED if name == catalogue.SIMULATED else catalogue.HUMAN
