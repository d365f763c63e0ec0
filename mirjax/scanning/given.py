"""Sequences in the forms that the Python interface accepts."""

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias, TypeGuard, cast

import pandas as pd

from mirjax.scanning.mirnas import load_mirnas
from mirjax.sequences import alphabet, fasta
from mirjax.sequences.records import SequenceRecord

Sequences: TypeAlias = (
    str | os.PathLike[str] | Sequence[str] | Mapping[str, str] | pd.Series
)
"""A sequence, several of them, or a FASTA file.

A mapping or a series names its sequences by its keys or its index; others are numbered.
"""

_LETTERS = {*alphabet.LETTERS, "T", *alphabet.IUPAC_CODES}


def is_file(sequences: object) -> TypeGuard[str | os.PathLike[str]]:
    """Return whether the argument is a file: a path, or text that is not RNA.

    >>> is_file("ACGU"), is_file("utrs.fa"), is_file(["ACGU"])
    (False, True, False)

    Args:
      sequences: in any of the accepted forms.
    """
    if isinstance(sequences, str):
        return not set(sequences.upper()) <= _LETTERS or not sequences
    return isinstance(sequences, os.PathLike)


def records(sequences: Sequences) -> list[SequenceRecord]:
    """Return sequences as records with names.

    >>> records({"a": "acgt"})
    [SequenceRecord(name='a', sequence='acgt')]

    Args:
      sequences: in any of the accepted forms; a file is read whole.

    Raises:
      ValueError: if two have the same name, one is not text, or a file cannot be read.
    """
    if is_file(sequences):
        return fasta.read_fasta(sequences, unknown_letters=True)
    if isinstance(sequences, str):
        return _named([("1", sequences)])
    if isinstance(sequences, pd.Series | Mapping):
        return _named(sequences.items())
    return _named(enumerate(cast(Iterable[Any], sequences), 1))


def mirna_records(mirnas: Sequences) -> list[SequenceRecord]:
    """Return miRNAs: sequences, a FASTA file, a dataset, or names in miRBase.

    Args:
      mirnas: in any of the accepted forms.

    Raises:
      ValueError: as `records` and `load_mirnas` do.
    """
    if is_file(mirnas):
        return load_mirnas(os.fspath(mirnas))
    return [read_letters(each) for each in records(mirnas)]


def read_letters(
    record: SequenceRecord, *, unknown_letters: bool = False
) -> SequenceRecord:
    """Return a record in RNA letters; see `alphabet.normalise`."""
    letters = alphabet.normalise(
        record.sequence, name=record.name, unknown_letters=unknown_letters
    )
    return SequenceRecord(record.name, letters)


def paired(
    mirnas: Sequences, targets: Sequences
) -> tuple[list[SequenceRecord], list[SequenceRecord]]:
    """Return the miRNA and the target of each pair.

    Args:
      mirnas: n miRNAs, or a dataset or names of n miRNAs, or one for all targets.
      targets: n targets, or one for all miRNAs.

    Raises:
      ValueError: if their numbers differ, or as `records` does.
    """
    left = mirna_records(mirnas)
    right = records(targets)
    if len(left) == 1:
        left = left * len(right)
    elif len(right) == 1:
        right = right * len(left)
    if len(left) != len(right):
        raise ValueError(
            f"{len(left)} miRNAs and {len(right)} targets: give equally many, or one"
        )
    return left, right


def frame_columns(
    frame: pd.DataFrame, targets: object
) -> tuple[list[SequenceRecord], list[SequenceRecord]]:
    """Return the miRNA and the target of each row of a frame.

    Args:
      frame: with the columns mirna and target.
      targets: must be None, since the frame holds the targets.

    Raises:
      ValueError: if a column is missing or a value is not text.
    """
    if targets is not None:
        raise ValueError("a frame of pairs holds the targets; leave targets out")
    for name in ("mirna", "target"):
        if name not in frame:
            raise ValueError(
                f"the frame has no column {name}: name the columns mirna and target"
            )
    left, right = (
        _named((f"row {number}", text) for number, text in enumerate(frame[name], 1))
        for name in ("mirna", "target")
    )
    return left, right


def _named(items: Iterable[tuple[Any, Any]]) -> list[SequenceRecord]:
    """Return records of names and sequences."""
    found: dict[str, SequenceRecord] = {}
    for key, sequence in items:
        name = str(key)
        if not isinstance(sequence, str):
            raise ValueError(f"sequence {name}: {sequence!r} is not text")
        if name in found:
            raise ValueError(f"{name}: two sequences have this name")
        found[name] = SequenceRecord(name, sequence)
    return list(found.values())
