"""Pairs of one's own to score with a classifier: from a table or two FASTA files."""

import os
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from jaxtyping import Int

from mirjax.datasets import readers
from mirjax.inputs import input_name
from mirjax.models import loading
from mirjax.models.interfaces import (
    Classifier,
    PairModel,
    reads_unknown_letters,
)
from mirjax.models.trained import TrainedModel, as_classifier
from mirjax.sequences import alphabet, fasta
from mirjax.sequences.bad_records import BadRecords
from mirjax.sequences.records import Pairs


def load_classifier(path: str | os.PathLike[str]) -> TrainedModel[Classifier]:
    """Load a trained model that scores pairs.

    Args:
      path: a workdir, a model file or a published `.h5` or `.pt`.

    Raises:
      ValueError: if there is none, or it is not a classifier.
    """
    trained = loading.load_model(path)
    classifier = as_classifier(trained)
    if classifier is None:
        raise ValueError(
            f"--model: {path} holds a {type(trained.model).__name__}, which scores no "
            "pairs: give a classifier such as miTAR, or give --targets and --db alone"
        )
    return classifier


def read_table(
    path: str | os.PathLike[str], model: PairModel, bad_records: BadRecords
) -> Pairs:
    """Read the pairs of a table that a model can score.

    Args:
      path: see `readers.read_pairs`.
      model: a classifier.
      bad_records: what to do with rows that cannot be read or do not suit the model.

    Raises:
      ValueError: as `readers.read_pairs` and `fitting_rows` do.
    """
    pairs = readers.read_pairs(
        path, bad_records=bad_records, unknown_letters=reads_unknown_letters(model)
    )
    labels = [f"line {line}" for line in np.asarray(pairs.lines)]
    fits = fitting_rows(pairs, model, input_name(path), labels, bad_records)
    return pairs.take(fits)


def read_fasta_pairs(
    mirnas: str | os.PathLike[str],
    targets: str | os.PathLike[str],
    model: PairModel,
    bad_records: BadRecords,
) -> Pairs:
    """Read the pairs of two FASTA files of equally many records.

    Args:
      mirnas: miRNAs, 5'→3'.
      targets: the target of each miRNA, 5'→3', in the same order.
      model: a classifier.
      bad_records: what to do with pairs that do not suit the model. Records that cannot
        be read are refused, since leaving them out would change the pairing of the
        others.

    Returns:
      The pairs; `genes` are the names of the targets.

    Raises:
      ValueError: if a file cannot be read, the numbers of records differ, or as
        `fitting_rows` does.
    """
    left = fasta.read_fasta(mirnas)
    right = fasta.read_fasta(targets, unknown_letters=reads_unknown_letters(model))
    if len(left) != len(right):
        raise ValueError(
            f"{mirnas} has {len(left)} records, but {targets} has {len(right)}: "
            "the first record of the one is paired with the first of the other, and so "
            "on; give equally many"
        )
    pairs = Pairs(
        mirnas=[record.sequence for record in left],
        targets=[record.sequence for record in right],
        mirna_names=[record.name for record in left],
        genes=[record.name for record in right],
    )
    labels = [f"pair {number}" for number in range(1, len(pairs) + 1)]
    return pairs.take(
        fitting_rows(pairs, model, f"{mirnas} and {targets}", labels, bad_records)
    )


def fitting_rows(
    pairs: Pairs,
    model: PairModel,
    data: str,
    labels: Sequence[str],
    bad_records: BadRecords,
) -> Int[np.ndarray, " fits"]:
    """Return the numbers of the rows that a model can read; the others are bad records.

    Args:
      pairs: n rows.
      model: a classifier or a generator.
      data: where the rows come from, for messages.
      labels: name of each row in messages, such as "line 3".
      bad_records: what to do with a row that has a sequence too short or too long.

    Raises:
      ValueError: if such rows are refused, or no row remains.
    """
    misfits = dict(_misfits(pairs, model))
    bad_records.report(
        data,
        [(labels[row], misfits[row]) for row in sorted(misfits)],
        len(pairs),
        "rows do not suit the model",
    )
    return np.delete(np.arange(len(pairs)), list(misfits))


def _misfits(pairs: Pairs, model: PairModel) -> Iterator[tuple[int, str]]:
    """Return the rows that a model cannot read, and why."""
    columns: Iterable[tuple[str, Sequence[str], int, int]] = (
        ("miRNA", pairs.mirnas, 1, model.max_mirna_length),
        ("target", pairs.targets, model.min_target_length, model.max_target_length),
    )
    for what, sequences, least, most in columns:
        lengths = alphabet.lengths(sequences)
        for row in np.flatnonzero((lengths < least) | (lengths > most)).tolist():
            found = f"{what} of {lengths[row]} nt{_name(pairs, row)}"
            yield row, f"{found}, the model takes {least} to {most}"


def _name(pairs: Pairs, row: int) -> str:
    """Return the names of a row in brackets, if there are any."""
    columns = [column for column in (pairs.mirna_names, pairs.genes) if column]
    return f" ({', '.join(column[row] for column in columns)})" if columns else ""
