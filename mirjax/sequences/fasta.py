"""Read and write FASTA files of RNA or DNA sequences, 5'→3'."""

import io
import os
import pathlib
from collections.abc import Sequence

from Bio.SeqIO.FastaIO import SimpleFastaParser

from mirjax.files import atomic_write
from mirjax.inputs import read_text
from mirjax.sequences import alphabet
from mirjax.sequences.records import SequenceRecord


def read_fasta(path: str | os.PathLike[str]) -> list[SequenceRecord]:
    """Read a FASTA file of RNA or DNA sequences, 5'→3'.

    Args:
      path: the file. A record's name is the first word of its title line.

    Returns:
      The records in file order, in RNA letters.

    Raises:
      ValueError: if the file is missing, empty or not FASTA, or a record has no name, a
        name already used, no sequence, or a letter other than A, C, G, T and U.
    """
    text = read_text(path)
    if not text.lstrip().startswith(">"):
        raise ValueError(
            f"{path}: not a FASTA file, its first line lacks a leading '>'"
        )
    records: dict[str, SequenceRecord] = {}
    for number, (title, sequence) in enumerate(SimpleFastaParser(io.StringIO(text)), 1):
        name = title.split(maxsplit=1)[0] if title.strip() else ""
        if not name:
            raise ValueError(f"{path} record {number}: no name after '>'; add one")
        if name in records:
            raise ValueError(
                f"{path} record {name}: second record of that name; rename one"
            )
        letters = alphabet.normalise(sequence, name=f"{path} record {name}")
        records[name] = SequenceRecord(name, letters)
    return list(records.values())


def write_fasta(
    path: str | os.PathLike[str], records: Sequence[SequenceRecord]
) -> None:
    """Write records as FASTA, whole or not at all.

    Args:
      path: the file to write; an existing one is replaced.
      records: what to write, one title line and one sequence line each.
    """
    with atomic_write(pathlib.Path(path)) as unfinished:
        text = "".join(f">{r.name}\n{r.sequence}\n" for r in records)
        unfinished.write_text(text, encoding="utf-8")
