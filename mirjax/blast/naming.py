"""Name RNA sequences after the database miRNAs they are, or are most like."""

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from mirjax.blast import blastn as blast
from mirjax.blast import search as confirm
from mirjax.blast.database import open_database
from mirjax.datasets import registry
from mirjax.sequences import fasta
from mirjax.sequences.records import SequenceRecord

# With blastn's low-complexity filter 3 of the 2,656 human miRNAs of miRBase 22 do not
# find themselves. It is there for chance hits in long sequences; these have 20 letters.
SETTINGS = dataclasses.replace(blast.DEFAULT, dust=False)


@dataclasses.dataclass(frozen=True)
class Database:
    """Named miRNAs, ready to be searched.

    Attributes:
      mirnas: the records, in the order of their FASTA file.
      folder: their BLAST database, as `blast.build_database` returns it.
    """

    mirnas: Sequence[SequenceRecord]
    folder: Path


class Name(NamedTuple):
    """What a sequence is called.

    Attributes:
      mirna_id: name of a database record.
      evalue: expected number of hits this good by chance; None for a sequence that is
        the record's but too short for blastn.
      bitscore: the hit's score in bits; None likewise.
    """

    mirna_id: str
    evalue: float | None
    bitscore: float | None


def load_database(name: str) -> Database:
    """Load a FASTA file or dataset of miRNAs and build its BLAST database.

    Args:
      name: a FASTA file, or else a dataset of the registry such as mirbase/hsa.

    Raises:
      ValueError: if it is neither, or the file is not nucleotide FASTA.
      blast.BlastError: if BLAST+ is missing, too old, fails or takes too long.
      OSError: if the cache of databases cannot be written.
    """
    folder = open_database(name)
    if os.path.exists(name):
        return Database(fasta.read_fasta(name), folder)
    return Database(registry.load_fasta(name), folder)


def name_sequences(
    sequences: Sequence[str],
    database: Database,
    settings: blast.BlastSettings = SETTINGS,
    *,
    num_threads: int = 1,
) -> list[Name | None]:
    """Name each sequence after the record that it equals, else after its best hit.

    Args:
      sequences: RNA letters, 5'→3'; an empty one has no name.
      database: where to look. Of equal records, or equal hits, the first counts.
      settings: what blastn is told. A sequence that equals a record is named whatever
        they say.
      num_threads: blastn processes at a time.

    Returns:
      For each sequence its name, or None where the database holds nothing like it.

    Raises:
      ValueError: for a bad argument.
      blast.BlastError: if BLAST+ is missing, too old, fails or takes too long.
    """
    own_names: dict[str, str] = {}
    for mirna in database.mirnas:
        own_names.setdefault(mirna.sequence, mirna.name)
    hits = confirm.search_unique(
        sequences, database.folder, settings, workers=num_threads
    )
    # No hit scores higher than a record that equals the query, so a best hit that is
    # whole has that record's E-value and bits, whichever its subject. Where there is
    # none (the settings may filter it, or find it too short) a search that forbids
    # nothing gives them.
    lost = [
        number
        for number, (sequence, hit) in enumerate(zip(sequences, hits, strict=True))
        if sequence in own_names and not _is_whole(hit, sequence)
    ]
    lenient = dataclasses.replace(
        settings, dust=False, strand="plus", word_size=4, evalue=1e9
    )
    found = confirm.search_unique(
        [sequences[number] for number in lost],
        database.folder,
        lenient,
        workers=num_threads,
    )
    for number, hit in zip(lost, found, strict=True):
        hits[number] = hit if _is_whole(hit, sequences[number]) else None
    return [
        _name(own_names.get(sequence), hit)
        for sequence, hit in zip(sequences, hits, strict=True)
    ]


def _is_whole(hit: blast.Hit | None, sequence: str) -> bool:
    """Whether a hit matches all of a sequence, letter by letter."""
    return hit is not None and (hit.length, hit.mismatches, hit.gap_opens) == (
        len(sequence),
        0,
        0,
    )


def _name(own_name: str | None, hit: blast.Hit | None) -> Name | None:
    if hit is not None:
        return Name(own_name or hit.subject, hit.evalue, hit.bitscore)
    return None if own_name is None else Name(own_name, None, None)
