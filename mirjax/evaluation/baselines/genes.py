"""Baselines of repression: log2 fold changes of genes from counts of sites.

Each baseline has a few numbers for each gene and miRNA. They are combined by least
squares, fitted on the other miRNAs: no miRNA's own fold changes are used to predict
them.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float

from mirjax.alignment import complementarity
from mirjax.evaluation.gene_set import GeneSet
from mirjax.models.trained import TrainedModel
from mirjax.scanning.repression.seed_sites import CANONICAL, find_sites
from mirjax.scanning.repression.site_embedding import window_around
from mirjax.sequences.records import Pairs

COUNTS, LOG_LENGTH = "site counts", "length"

Numbers = Float[np.ndarray, "genes mirnas numbers"]


def simple_baselines(genes: GeneSet) -> dict[str, Numbers]:
    """Return the numbers of each baseline that needs no model.

    Args:
      genes: the genes and miRNAs.

    Returns:
      By name: "site counts", the number of sites of each canonical type and the log of
      the 3'UTR's length; "best site", the type of the strongest site; "length", the log
      length alone; "complementarity", the score of the best seed-weighted alignment.
      For several miRNAs also "site counts, against the others": the counts minus their
      mean over the other miRNAs.
    """
    counts = genes.site_counts.astype(np.float64)
    length = np.log([len(utr) for utr in genes.utrs])
    length = np.broadcast_to(length[:, None, None], (*counts.shape[:2], 1))
    first = np.cumsum(counts > 0, axis=2) == 1
    best = (first & (counts > 0)).astype(np.float64)
    sites = np.concatenate([counts, length], axis=2)
    scores = complementarity.score_all(genes.utrs, genes.mirnas)
    found = {
        COUNTS: sites,
        "best site": best,
        LOG_LENGTH: length,
        "complementarity": scores.astype(np.float64)[:, :, None],
    }
    others = counts.shape[1] - 1
    if others:
        mean = (counts.sum(axis=1, keepdims=True) - counts) / others
        found[f"{COUNTS}, against the others"] = np.concatenate(
            [counts - mean, length], axis=2
        )
    return found


def classifier_baselines(genes: GeneSet, trained: TrainedModel) -> dict[str, Numbers]:
    """Return the best and the summed probability of a classifier at canonical sites.

    Args:
      genes: the genes and miRNAs.
      trained: the classifier; it reads a window centred on the site.
    """
    from mirjax.inference.classify import predict_logits

    width = trained.model.max_target_length
    places, mirnas, targets = [], [], []
    for gene, column in genes.pairs():
        utr, mirna = genes.utrs[gene], genes.mirnas[column]
        for site in find_sites(mirna, utr):
            if site.kind < len(CANONICAL):
                places.append((gene, column))
                mirnas.append(mirna[: trained.model.max_mirna_length])
                targets.append(window_around(utr, site.start, width))
    shape = (*genes.log2.shape, 1)
    best, total = np.zeros(shape), np.zeros(shape)
    if places:
        logits = predict_logits(trained.model, trained.params, Pairs(mirnas, targets))
        rows, columns = np.array(places).T
        probabilities = 1 / (1 + np.exp(-logits))
        np.maximum.at(best, (rows, columns, 0), probabilities)
        np.add.at(total, (rows, columns, 0), probabilities)
    return {"best probability": best, "summed probability": total}


def predict_held_out(
    numbers: Numbers, log2: Float[np.ndarray, "genes mirnas"], columns: Sequence[int]
) -> Float[np.ndarray, "genes columns"]:
    """Predict each miRNA by least squares over the other ones.

    Args:
      numbers: of a baseline.
      log2: observed log2 fold changes.
      columns: the miRNAs to fit on, and to predict.

    Returns:
      Predicted log2 fold changes, one column for each of `columns`.
    """
    found = []
    for column in columns:
        others = [other for other in columns if other != column]
        weights, constant = least_squares(numbers[:, others], log2[:, others])
        found.append(numbers[:, column] @ weights + constant)
    return np.stack(found, axis=1)


def least_squares(
    numbers: Numbers, log2: Float[np.ndarray, "genes mirnas"]
) -> tuple[Float[np.ndarray, " numbers"], float]:
    """Fit log2 fold changes by numbers; return the coefficients and the intercept."""
    rows = numbers.reshape(-1, numbers.shape[-1])
    observed = log2.ravel()
    centre = rows.mean(axis=0)
    weights = np.linalg.lstsq(rows - centre, observed - observed.mean(), rcond=None)[0]
    return weights, float(observed.mean() - centre @ weights)


def coefficients(baselines: Mapping[str, Numbers], genes: GeneSet) -> list[float]:
    """Return the coefficients of the sites of each type, fitted on all miRNAs."""
    columns = genes.evaluated
    weights, _ = least_squares(baselines[COUNTS][:, columns], genes.log2[:, columns])
    return weights.tolist()
