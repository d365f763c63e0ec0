"""3'UTRs of genes, from several files in order of preference."""

import pathlib
from collections.abc import Sequence

from mirjax.sequences.fasta import read_fasta

START = 40  # letters after the stop codon that identify isoforms of a gene


def read_utrs(paths: Sequence[str | pathlib.Path]) -> dict[str, str]:
    """Read 3'UTRs, each in the isoform of the first file that has one.

    Two 3'UTRs that begin with the same `START` letters follow the same stop codon: they
    are isoforms of one gene with different 3' ends. A 3'UTR that is shorter, or has an
    unknown letter there, is compared by its name only.

    Args:
      paths: FASTA files, the preferred one first.

    Returns:
      Name → sequence, 5'→3', RNA letters and N. A name that is in several files has the
      sequence of the first.

    Raises:
      OSError, ValueError: as `read_fasta` does.
    """
    found: dict[str, str] = {}
    isoforms: dict[str, str] = {}  # first letters → 3'UTR of an earlier file
    for path in paths:
        records = list(read_fasta(path, unknown_letters=True))
        for record in records:
            isoform = isoforms.get(record.sequence[:START], record.sequence)
            found.setdefault(record.name, isoform)
        for record in records:
            start = record.sequence[:START]
            if len(start) == START and "N" not in start:
                isoforms.setdefault(start, record.sequence)
    return found
