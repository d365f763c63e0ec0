"""Name RNA sequences after the equal or most similar miRNA of a database."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from mirjax.blast.database import build_database
from mirjax.blast.hits import Hit
from mirjax.blast.processes import ONE_PER_CORE, Limits
from mirjax.blast.search import search_unique
from mirjax.blast.settings import NAMING, BlastSettings
from mirjax.inputs import Source
from mirjax.sequences import fasta
from mirjax.sequences.bad_records import BadRecords
from mirjax.sequences.records import SequenceRecord


@dataclasses.dataclass(frozen=True)
class Database:
    """Named miRNAs and their BLAST database.

    Attributes:
      mirnas: the records, in the order of their FASTA file.
      folder: the BLAST database, as returned by `database.build_database`.
    """

    mirnas: Sequence[SequenceRecord]
    folder: Path


class Name(NamedTuple):
    """The name of a sequence and the evidence for it.

    Attributes:
      mirna_id: name of a database record.
      evalue: expected number of hits this good by chance; None for a sequence that
        equals the record but is too short for blastn.
      bitscore: the hit's score in bits; None in the same case.
    """

    mirna_id: str
    evalue: float | None
    bitscore: float | None


def load_database(
    fasta_path: Source, bad_records: BadRecords | None = None
) -> Database:
    """Load a FASTA file of miRNAs and build its BLAST database.

    Args:
      fasta_path: the file, which is read once.
      bad_records: what to do with bad records; by default they are refused.

    Returns:
      The miRNAs and their database.

    Raises:
      ValueError: if the file is not nucleotide FASTA.
      BlastError: if BLAST+ is missing, too old, fails or exceeds the time limit.
      OSError: if the cache of databases cannot be written.
    """
    bad_records = bad_records or BadRecords()
    content = fasta.read_once(fasta_path, bad_records)
    folder = build_database(content, bad_records=bad_records)
    return Database(fasta.read_fasta(content), folder)


def name_sequences(
    sequences: Sequence[str],
    database: Database,
    settings: BlastSettings = NAMING,
    limits: Limits = ONE_PER_CORE,
) -> list[Name | None]:
    """Name each sequence after the record that equals it, else after its best hit.

    Args:
      sequences: RNA letters, 5'→3'; an empty one has no name.
      database: the named miRNAs. Of equal records or hits, the first one counts.
      settings: settings of the search. They do not affect which sequences equal a
        record.
      limits: limits of the blastn processes.

    Returns:
      For each sequence its name, or None if nothing in the database is similar.

    Raises:
      BlastError: if BLAST+ is missing, too old, fails or exceeds the time limit.
    """
    own_names: dict[str, str] = {}
    for mirna in database.mirnas:
        own_names.setdefault(mirna.sequence, mirna.name)
    hits = search_unique(sequences, database.folder, settings, limits)
    # A sequence that equals a record takes the E-value and bits of that record. No hit
    # scores higher, so a best hit that covers the sequence without a mismatch has the
    # same values, whichever its subject. The settings may exclude that hit (masking, a
    # longer word, a low E-value); then a search without these restrictions finds it.
    incomplete = [
        number
        for number, (sequence, hit) in enumerate(zip(sequences, hits, strict=True))
        if sequence in own_names and not _is_complete(hit, sequence)
    ]
    unrestricted = dataclasses.replace(
        settings, dust=False, strand="plus", word_size=4, evalue=1e9
    )
    found = search_unique(
        [sequences[number] for number in incomplete],
        database.folder,
        unrestricted,
        limits,
    )
    for number, hit in zip(incomplete, found, strict=True):
        hits[number] = hit if _is_complete(hit, sequences[number]) else None
    return [
        _name(own_names.get(sequence), hit)
        for sequence, hit in zip(sequences, hits, strict=True)
    ]


def _is_complete(hit: Hit | None, sequence: str) -> bool:
    """Return whether a hit matches every letter of a sequence."""
    return hit is not None and (hit.length, hit.mismatches, hit.gap_opens) == (
        len(sequence),
        0,
        0,
    )


def _name(own_name: str | None, hit: Hit | None) -> Name | None:
    if hit is not None:
        return Name(own_name or hit.subject, hit.evalue, hit.bitscore)
    return None if own_name is None else Name(own_name, None, None)
