"""Predicted repression of every transcript with a site, one row per miRNA."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from mirjax.scanning.repression.features import prepare
from mirjax.scanning.repression.head import tabulate_sites
from mirjax.scanning.repression.head_file import RepressionModel
from mirjax.sequences.records import SequenceRecord

SHORTEST = 8  # letters of a miRNA whose sites can be typed

SCHEMA = pa.schema(
    [
        ("mirna", pa.string()),
        ("target", pa.string()),
        ("repression", pa.float64()),
        ("repression_low", pa.float64()),
        ("repression_high", pa.float64()),
    ]
)


def predict_table(
    model: RepressionModel,
    mirnas: Sequence[SequenceRecord],
    transcripts: Sequence[SequenceRecord],
    *,
    fold: bool = True,
) -> pa.Table:
    """Predict the repression of each transcript with a seed site by each miRNA.

    Args:
      model: a trained model; its head for new miRNAs is used for all.
      mirnas: names and sequences, 5'→3', RNA letters, at least 8 nt.
      transcripts: 3'UTRs.
      fold: whether to compute the accessibility of sites, which needs ViennaRNA.

    Returns:
      A table of `SCHEMA`: predicted log2 fold changes and the interval in which nine of
      ten observed ones are expected; by transcript, then by miRNA.
    """
    utrs = prepare([transcript.sequence for transcript in transcripts], fold=fold)
    sequences = [mirna.sequence for mirna in mirnas]
    classify = model.head.classifies
    sites = tabulate_sites(utrs, sequences, passenger=False, classify=classify)
    predicted = model.head.repression(sites, len(utrs) * len(mirnas))
    pairs = np.unique(sites.pair)
    low, high = model.head.interval(predicted[pairs])
    columns = [
        [mirnas[pair % len(mirnas)].name for pair in pairs],
        [transcripts[pair // len(mirnas)].name for pair in pairs],
        predicted[pairs],
        low,
        high,
    ]
    return pa.table(columns, schema=SCHEMA)
