"""Pairs of one's own to score with a classifier: from a table or two FASTA files."""

import os
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from jaxtyping import Int

from mirjax.datasets import readers
from mirjax.models import loading
from mirjax.models.interfaces import Classifier, Generator, PairModel
from mirjax.models.trained import TrainedModel
from mirjax.sequences import alphabet, fasta
from mirjax.sequences.records import Pairs

_MOST_NAMED = 10  # of the rows that do not fit a model


def load_classifier(path: str | os.PathLike[str]) -> TrainedModel:
    """Load a trained model that scores pairs.

    Args:
      path: a workdir, a model file or a published `.h5`.

    Raises:
      ValueError: if there is none, or it is no classifier.
    """
    trained = loading.load_model(path)
    # A generator has all members of a classifier.
    if isinstance(trained.model, Generator) or not isinstance(
        trained.model, Classifier
    ):
        raise ValueError(
            f"--model: {path} holds a {type(trained.model).__name__}, which scores no "
            "pairs: give a classifier such as miTAR, or give --targets and --db alone"
        )
    return trained


def read_pairs_fasta(
    mirnas: str | os.PathLike[str], targets: str | os.PathLike[str]
) -> Pairs:
    """Read pairs from two FASTA files of equally many records.

    Args:
      mirnas: miRNAs, 5'→3'.
      targets: the target of each miRNA, 5'→3', in the same order.

    Returns:
      The pairs; `genes` are the names of the targets.

    Raises:
      ValueError: if a file cannot be read, or the numbers of records differ.
    """
    left, right = fasta.read_fasta(mirnas), fasta.read_fasta(targets)
    if len(left) != len(right):
        raise ValueError(
            f"{mirnas} has {len(left)} records, but {targets} has {len(right)}: "
            "the first record of the one is paired with the first of the other, and so "
            "on; give equally many"
        )
    return Pairs(
        mirnas=[record.sequence for record in left],
        targets=[record.sequence for record in right],
        mirna_names=[record.name for record in left],
        genes=[record.name for record in right],
    )


def read_pairs_table(path: str | os.PathLike[str]) -> Pairs:
    """Read a table of pairs; see `readers.read_pairs`."""
    return readers.read_pairs(path)


def check_fit(
    pairs: Pairs, model: PairModel, data: str, numbers: Int[np.ndarray, " n"]
) -> None:
    """Check that a model can read every row.

    Args:
      pairs: n rows.
      model: a classifier or a generator.
      data: where the rows come from, for messages.
      numbers: the number of each row there, from 1.

    Raises:
      ValueError: if a sequence is too short or too long; it names the first such rows.
    """
    misfits = dict(_misfits(pairs, model))
    if not misfits:
        return
    first = sorted(misfits)[:_MOST_NAMED]
    listed = "; ".join(f"row {numbers[row]}: {misfits[row]}" for row in first)
    more = "; …" if len(misfits) > len(first) else ""
    raise ValueError(
        f"{data} {listed}{more}; {len(misfits):,} of {len(pairs):,} rows do not fit: "
        "copy the others to a file, or choose other data or another model"
    )


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
            yield row, f"{found}, but the model takes {least} to {most}"


def _name(pairs: Pairs, row: int) -> str:
    """Return the names of a row in brackets, if there are any."""
    columns = [column for column in (pairs.mirna_names, pairs.genes) if column]
    return f" ({', '.join(column[row] for column in columns)})" if columns else ""
