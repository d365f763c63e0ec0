"""Train the repression model: one head on all miRNAs, and one for each left out."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from mirjax.datasets.transfection import FoldChanges
from mirjax.evaluation.gene_set import GeneSet
from mirjax.scanning.repression.features import prepare
from mirjax.scanning.repression.fitting import Experiment, FitOptions, fit
from mirjax.scanning.repression.head import tabulate_sites
from mirjax.scanning.repression.head_file import RepressionModel
from mirjax.sequences.pairing import SEED

_PERCENTILES = 5, 95  # of the intervals
_BINS = 8  # of predictions, each with its own interval
_LEAST_VARIANCE = 1e-4


def train_repression(
    sets: Sequence[GeneSet], options: FitOptions, *, fold: bool = True
) -> RepressionModel:
    """Train a model.

    Args:
      sets: genes and the fold changes after several transfections each.
      options: how to fit.
      fold: whether to compute the accessibility of sites.

    Returns:
      The model. Its intervals are of the left-out miRNAs.
    """
    experiments = []
    for genes in sets:
        utrs = prepare(genes.utrs, fold=fold)
        sites = tabulate_sites(utrs, genes.mirnas, passenger=options.passenger)
        weights = gene_weights(genes.changes)
        experiments.append(Experiment(sites, genes.log2, weights))
    everything = [np.ones(len(genes.mirnas), bool) for genes in sets]
    head = fit(experiments, everything, options)
    folds, predicted, observed = {}, [], []
    for number, genes in enumerate(sets):
        for column in range(len(genes.mirnas)):
            used = [mask.copy() for mask in everything]
            used[number][column] = False
            left_out = fit(experiments, used, options)
            folds[genes.mirnas[column][SEED]] = left_out
            sites = experiments[number].sites
            shape = genes.log2.shape
            found = left_out.repression(sites, shape[0] * shape[1]).reshape(shape)
            predicted.append(found[:, column])
            observed.append(genes.log2[:, column])
    intervals = _intervals(np.concatenate(predicted), np.concatenate(observed))
    return RepressionModel(
        dataclasses.replace(head, intervals=intervals),
        {s: dataclasses.replace(f, intervals=intervals) for s, f in folds.items()},
        tuple(genes.source for genes in sets),
    )


def gene_weights(changes: FoldChanges) -> Float[np.ndarray, " genes"]:
    """Return the inverse variance that genes of this expression level have.

    Args:
      changes: fold changes; without levels, all genes weigh the same.
    """
    if changes.log2_level is None:
        return np.ones(len(changes.genes))
    variance = np.maximum(changes.log2.var(axis=1), _LEAST_VARIANCE)
    curve = np.polynomial.Polynomial.fit(changes.log2_level, np.log(variance), 2)
    return np.exp(-curve(changes.log2_level))


def _intervals(
    predicted: Float[np.ndarray, " pairs"], observed: Float[np.ndarray, " pairs"]
) -> tuple[tuple[float, float, float], ...]:
    """Return (largest prediction, 5th, 95th percentile of the error) of each bin."""
    errors = observed - predicted
    edges = np.unique(np.quantile(predicted, np.linspace(0, 1, _BINS + 1)[1:]))
    bins = np.searchsorted(edges, predicted)
    rows = []
    for number, edge in enumerate(edges):
        low, high = np.percentile(errors[bins == number], _PERCENTILES)
        rows.append((float(edge), float(low), float(high)))
    return tuple(rows)
