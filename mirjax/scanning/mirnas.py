"""Load the miRNAs of a scan: from a FASTA file, a dataset, or by name."""

import os
from collections.abc import Sequence

from mirjax.datasets import registry
from mirjax.datasets.catalogue import MIRBASE, is_dataset, list_fasta_datasets
from mirjax.inputs import STREAM
from mirjax.models.interfaces import PairModel
from mirjax.sequences.bad_records import BadRecords
from mirjax.sequences.records import SequenceRecord
from mirjax.spelling import suggest

HUMAN = "hsa"
_FLAG = "--mirnas"


def load_mirnas(
    given: str, bad_records: BadRecords | None = None
) -> list[SequenceRecord]:
    """Load the miRNAs that --mirnas gives, 5'→3'.

    Args:
      given: a FASTA file, plain or gzipped, or - for standard input; a dataset such as
        mirbase/hsa; or names in miRBase, such as hsa-miR-21-5p,hsa-let-7a-5p. Names
        without a species are human.
      bad_records: what to do with records that cannot be read; by default they are
        refused, all in one message.

    Returns:
      The miRNAs, in the order of the file or of the names.

    Raises:
      ValueError: if there is no such file, dataset or name, with the nearest name; or
        as `fasta.read_fasta` does.
    """
    if given == STREAM or is_dataset(given) or os.path.exists(given):
        return registry.load_fasta(given, flag=_FLAG, bad_records=bad_records)
    if not given or os.sep in given or given.endswith((".fa", ".fasta", ".gz", ".fna")):
        raise ValueError(
            f"{_FLAG}={given} is neither a file nor a dataset of sequences "
            f"({list_fasta_datasets()}), nor names of miRNAs"
        )
    return _load_named([name.strip() for name in given.split(",")])


def check_lengths(
    mirnas: Sequence[SequenceRecord],
    model: PairModel,
    bad_records: BadRecords,
    source: str,
) -> list[SequenceRecord]:
    """Return the miRNAs that a model can read; the others are bad records.

    Args:
      mirnas: the miRNAs.
      model: the model.
      bad_records: what to do with those that are too long.
      source: where they come from, for messages.

    Raises:
      ValueError: if some are refused, or none remains.
    """
    longest = model.max_mirna_length
    bad = [
        (each.name, f"{len(each.sequence)} nt, the model takes 1 to {longest}")
        for each in mirnas
        if len(each.sequence) > longest
    ]
    bad_records.report(source, bad, len(mirnas), "miRNAs do not suit the model")
    return [each for each in mirnas if len(each.sequence) <= longest]


def _load_named(names: Sequence[str]) -> list[SequenceRecord]:
    """Load miRNAs of miRBase by their names."""
    known: dict[str, dict[str, SequenceRecord]] = {}
    found: dict[str, SequenceRecord] = {}
    for name in names:
        if not name:
            raise ValueError(f"{_FLAG}: an empty name between commas")
        species, full = _species(name)
        if species not in known:
            records = registry.load_fasta(f"{MIRBASE}{species}", flag=_FLAG)
            known[species] = {record.name: record for record in records}
        if full not in known[species]:
            raise ValueError(
                f"{_FLAG}: {name} is neither a file nor a dataset, and "
                f"{MIRBASE}{species} has no miRNA of that name"
                + (suggest(full, known[species]) or f"; see {MIRBASE}{species}")
            )
        if full in found:
            raise ValueError(f"{_FLAG}: {name} is named twice")
        found[full] = known[species][full]
    return list(found.values())


def _species(name: str) -> tuple[str, str]:
    """Return the species of a miRNA and its full name, such as hsa and hsa-miR-21-5p.

    A species' code has three or four lower-case letters; "mir" and "let" are not codes.
    """
    code, dash, _ = name.partition("-")
    if code.lower() in ("mir", "let") or not (dash and 3 <= len(code) <= 4):
        return HUMAN, f"{HUMAN}-{name}"
    return code.lower(), name
