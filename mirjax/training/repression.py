"""Train the repression model: one head on all miRNAs, and one for each left out."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float

from mirjax.datasets.transfection import FoldChanges
from mirjax.evaluation.gene_set import GeneSet
from mirjax.scanning.repression import features
from mirjax.scanning.repression.features import prepare
from mirjax.scanning.repression.fitting import Experiment, FitOptions, fit
from mirjax.scanning.repression.head import RepressionHead, tabulate_sites
from mirjax.scanning.repression.head_file import RepressionModel
from mirjax.sequences.pairing import SEED, SEED_6MER

_PERCENTILES = 5, 95  # of the intervals
_BINS = 8  # of predictions, each with its own interval
_LEAST_VARIANCE = 1e-4


def train_repression(
    sets: Sequence[GeneSet], options: FitOptions, *, fold: bool = True
) -> RepressionModel:
    """Train a model.

    Args:
      sets: genes with their fold changes, each set of several transfections.
      options: how to fit.
      fold: whether to compute the accessibility of sites.

    Returns:
      The model. Its intervals are from the errors on left-out miRNAs.
    """
    experiments = [make_experiment(genes, options, fold) for genes in sets]
    everything = [np.ones(len(genes.mirnas), bool) for genes in sets]
    head = fit(experiments, everything, options)
    folds, predicted, observed = {}, [], []
    for number, genes in enumerate(sets):
        for column, mirna in enumerate(genes.mirnas):
            left_out = fit(experiments, other_seeds(sets, mirna), options)
            folds[mirna[SEED]] = left_out
            found = predict(left_out, experiments[number])
            predicted.append(found[:, column])
            observed.append(genes.log2[:, column])
    intervals = _intervals(np.concatenate(predicted), np.concatenate(observed))
    return RepressionModel(
        dataclasses.replace(head, intervals=intervals),
        {s: dataclasses.replace(f, intervals=intervals) for s, f in folds.items()},
        tuple(genes.source for genes in sets),
    )


def make_experiment(genes: GeneSet, options: FitOptions, fold: bool) -> Experiment:
    """Find and describe the sites of a set of genes.

    Args:
      genes: the genes and their fold changes.
      options: of the fit; the features that it does not need may be NaN.
      fold: whether to compute the accessibility of sites.
    """
    utrs = prepare(genes.utrs, fold=fold)
    sites = tabulate_sites(
        utrs,
        genes.mirnas,
        passenger=options.passenger,
        classify=not set(features.CLASSIFIER).isdisjoint(options.features),
    )
    return Experiment(sites, genes.log2, gene_weights(genes.changes))


def other_seeds(
    sets: Sequence[GeneSet], mirna: str
) -> list[Bool[np.ndarray, " mirnas"]]:
    """Return which miRNAs of each set differ from a miRNA in letters 2 to 7.

    A head that is fitted to these alone has seen no site of the miRNA.
    """
    left_out = mirna[SEED_6MER]
    return [np.array([m[SEED_6MER] != left_out for m in s.mirnas]) for s in sets]


def predict(
    head: RepressionHead, experiment: Experiment
) -> Float[np.ndarray, "genes mirnas"]:
    """Return the predicted log2 fold changes of all pairs."""
    shape = experiment.log2.shape
    return head.repression(experiment.sites, experiment.log2.size).reshape(shape)


def gene_weights(changes: FoldChanges) -> Float[np.ndarray, " genes"]:
    """Return the inverse of the variance expected at each gene's expression level.

    Args:
      changes: fold changes; without levels, all weights are 1.
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
