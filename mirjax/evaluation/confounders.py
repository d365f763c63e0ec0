"""Confounders of predicted fold changes: a gene's length, level and composition."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from mirjax.evaluation.baselines.genes import predict_held_out
from mirjax.evaluation.gene_set import GeneSet
from mirjax.evaluation.metrics import repression as metrics

_THIRDS = 3


def confounders(genes: GeneSet) -> dict[str, Float[np.ndarray, " genes"]]:
    """Return properties of genes that do not depend on a miRNA.

    Args:
      genes: the genes.

    Returns:
      By name: the log of the 3'UTR's length, its fraction of A and U, and the log2
      level of the mRNA if it is known.
    """
    found = {
        "log length": np.log([len(utr) for utr in genes.utrs]),
        "AU content": np.array(
            [(utr.count("A") + utr.count("U")) / len(utr) for utr in genes.utrs]
        ),
    }
    if genes.changes.log2_level is not None:
        found["log2 level"] = genes.changes.log2_level
    return found


def measure_confounders(
    genes: GeneSet, predicted: Float[np.ndarray, "genes mirnas"]
) -> dict[str, Any]:
    """Measure each confounder alone and with the model, and the model in its thirds.

    Args:
      genes: the genes, of several miRNAs.
      predicted: of the evaluated miRNAs.

    Returns:
      Confounder → mean metrics "alone" and "with the model", both by least squares on
      the other miRNAs, and "model in thirds": metrics of the model among the genes in
      the lowest, middle and highest third of the confounder. Under "shared by miRNAs":
      the fraction of the variance of the model's errors that their first principal
      component explains, and 1 / the number of miRNAs, the value for independent errors
      of equal variance.
    """
    columns = genes.evaluated
    observed = genes.log2[:, columns]
    everyone = list(range(len(columns)))
    found: dict[str, Any] = {}
    for name, values in confounders(genes).items():
        alone = np.broadcast_to(values[:, None, None], (*observed.shape, 1))
        both = np.concatenate([predicted[:, :, None], alone], axis=2)
        ranks = values.argsort(kind="stable").argsort()
        thirds = ranks * _THIRDS // len(ranks)
        found[name] = {
            "alone": _means(predict_held_out(alone, observed, everyone), observed),
            "with the model": _means(
                predict_held_out(both, observed, everyone), observed
            ),
            "model in thirds": [
                _means(predicted[thirds == third], observed[thirds == third])
                for third in range(_THIRDS)
            ],
        }
    errors = observed - predicted
    errors = (errors - errors.mean(axis=0)) / errors.std(axis=0)
    variances = np.linalg.eigvalsh(errors.T @ errors)
    found["shared by miRNAs"] = {
        "first component": float(variances[-1] / variances.sum()),
        "if independent": 1 / len(columns),
    }
    return found


def _means(
    predicted: Float[np.ndarray, "genes mirnas"],
    observed: Float[np.ndarray, "genes mirnas"],
) -> dict[str, float]:
    columns: Sequence[Any] = list(zip(predicted.T, observed.T, strict=True))
    return metrics.mean_over_mirnas([metrics.measure(*column) for column in columns])
