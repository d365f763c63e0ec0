"""Metrics of predicted miRNAs by BLAST searches in a database of named miRNAs."""

import pathlib
import tempfile
from collections import defaultdict
from collections.abc import Sequence

from mirjax.blast.database import build_database
from mirjax.blast.search import search_unique
from mirjax.blast.settings import PUBLISHED
from mirjax.evaluation.metrics.sequence import best_hit_identity
from mirjax.sequences import fasta
from mirjax.sequences.records import SequenceRecord

EVALUES = (0.01, 0.005, 0.001)  # thresholds of the published study


def blast_metrics(
    predictions: Sequence[str], true: Sequence[str], database: Sequence[SequenceRecord]
) -> dict[str, float]:
    """Search predictions in a database with the published settings, and score the hits.

    Args:
      predictions: predicted miRNA of each row, 5'→3'.
      true: the miRNA of each row.
      database: named miRNAs.

    Returns:
      The metrics of `sequence.best_hit_identity`, for hits of E-value 0.1 at most.

    Raises:
      BlastError: if BLAST+ is missing or fails.
    """
    with tempfile.TemporaryDirectory(prefix="mirjax-evaluate-") as folder:
        path = pathlib.Path(folder) / "database.fa"
        fasta.write_fasta(path, database)
        hits = search_unique(predictions, build_database(path), PUBLISHED)
    names_of: defaultdict[str, set[str]] = defaultdict(set)
    for record in database:
        names_of[record.sequence].add(record.name)
    return best_hit_identity(predictions, hits, true, names_of, thresholds=EVALUES)
