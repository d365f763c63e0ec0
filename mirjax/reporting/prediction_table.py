"""Tables of predictions: decoded miRNAs of sites, and probabilities of pairs."""

import io
from collections.abc import Iterable, Sequence

import numpy as np
from jaxtyping import Float

from mirjax.inference.prediction import Prediction
from mirjax.sequences.records import Pairs

SITE_COLUMNS = (
    "target",
    "start",
    "end",
    "mirna_seq",
    "log_prob",
    "mirna_id",
    "evalue",
    "bitscore",
    "status",
)
NONE = "."


def write_sites(
    file: io.TextIOBase, predictions: Iterable[Prediction]
) -> tuple[int, int]:
    """Write the predicted miRNAs of sites as a tab-separated table.

    Args:
      file: file to write to.
      predictions: one per row.

    Returns:
      The numbers of known and of novel miRNAs.
    """
    num_known = num_novel = 0
    print(*SITE_COLUMNS, sep="\t", file=file)
    for row in predictions:
        mirna_id = evalue = bitscore = NONE
        if row.name is not None:
            mirna_id = row.name.mirna_id
            if row.name.evalue is not None:
                evalue, bitscore = f"{row.name.evalue:.3g}", f"{row.name.bitscore:.1f}"
        is_known = row.name is not None
        num_known += is_known
        num_novel += not is_known
        print(
            row.target,
            row.start,
            row.end,
            row.mirna or NONE,
            f"{row.log_prob:.4f}",
            mirna_id,
            evalue,
            bitscore,
            "known" if is_known else "novel",
            sep="\t",
            file=file,
        )
    return num_known, num_novel


def write_pairs(
    file: io.TextIOBase,
    pairs: Pairs,
    probabilities: Float[np.ndarray, " n"],
    spread: Float[np.ndarray, " n"] | None = None,
) -> None:
    """Write the probabilities of pairs as a tab-separated table.

    Args:
      file: file to write to.
      pairs: n rows. Their names are written if there are any.
      probabilities: of each row.
      spread: standard deviation of each row's probabilities over the members of the
        model; None for a model without members, which has no such column.
    """
    columns: dict[str, Sequence[str]] = {}
    if pairs.mirna_names is not None:
        columns["mirna_name"] = pairs.mirna_names
    if pairs.genes is not None:
        columns["gene"] = pairs.genes
    columns |= {"mirna": pairs.mirnas, "target": pairs.targets}
    columns["probability"] = [f"{probability:.6g}" for probability in probabilities]
    if spread is not None:
        columns["spread"] = [f"{each:.3g}" for each in spread]
    print(*columns, sep="\t", file=file)
    for row in zip(*columns.values(), strict=True):
        print(*row, sep="\t", file=file)
