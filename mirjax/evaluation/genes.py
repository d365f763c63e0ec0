"""Measure predicted log2 fold changes of genes, and baselines, on held-out miRNAs."""

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from mirjax.evaluation.baselines.genes import (
    COUNTS,
    LOG_LENGTH,
    classifier_baselines,
    coefficients,
    predict_held_out,
    simple_baselines,
)
from mirjax.evaluation.confounders import measure_confounders
from mirjax.evaluation.gene_flags import GeneOptions
from mirjax.evaluation.gene_set import GeneSet, load_gene_set
from mirjax.evaluation.metrics import repression as metrics
from mirjax.models.loading import load_model
from mirjax.models.trained import TrainedModel, as_classifier
from mirjax.scanning.repression import accessibility, head_file
from mirjax.scanning.repression.features import prepare
from mirjax.scanning.repression.head import tabulate_sites
from mirjax.scanning.repression.head_file import RepressionModel
from mirjax.scanning.repression.seed_sites import CANONICAL

MODEL, AGAINST_OTHERS = "model", "model, against the others"
WITH_LENGTH = "model, with the length"
TOP = 50  # genes with the lowest predictions, drawn as a class
NO_SITE, TOP_CLASS = "none", f"top {TOP}"


@dataclasses.dataclass(frozen=True, eq=False)
class GeneMetrics:
    """The measurements of an evaluation on genes.

    Attributes:
      genes: the evaluated genes.
      predictors: name → its metrics: mean, intervals, and by miRNA.
      distributions: miRNA → class of genes → their fold changes.
      coefficients: change of log2 fold change per site of each canonical type and per
        unit of log length, fitted on all miRNAs; empty for one miRNA.
      confounders: of `confounders.measure_confounders`; empty for one miRNA.
    """

    genes: GeneSet
    predictors: Mapping[str, Mapping[str, Any]]
    distributions: Mapping[str, Mapping[str, metrics.Distribution]]
    coefficients: Sequence[float]
    confounders: Mapping[str, Any]

    def content(self) -> dict[str, Any]:
        """Return the metrics, JSON-like."""
        names = [*CANONICAL, "log length"]
        return {
            **self.genes.describe(),
            "predictors": self.predictors,
            "site_count_coefficients": dict(
                zip(names, self.coefficients, strict=bool(self.coefficients))
            ),
            "confounders": self.confounders,
            "distributions": {
                mirna: {
                    name: {
                        "genes": len(found.log2),
                        "median": found.median,
                        "ks": found.ks,
                        "ks_pvalue": found.ks_pvalue,
                    }
                    for name, found in classes.items()
                }
                for mirna, classes in self.distributions.items()
            },
        }


def load_predictor(name: str) -> RepressionModel | TrainedModel:
    """Load a repression model or a classifier.

    Args:
      name: `head_file.PRETRAINED`, a JSON file, or a classifier as for `load_model`.

    Raises:
      ValueError: if it can be read as neither, or is a generator.
    """
    if name.startswith(head_file.PRETRAINED) or name.endswith(".json"):
        return head_file.read_model(head_file.find_model(name))
    classifier = as_classifier(load_model(pathlib.Path(name)))
    if classifier is None:
        raise ValueError(
            f"--model={name} is a generator; give a classifier, or a repression model "
            f"such as {head_file.PRETRAINED}"
        )
    return classifier


def evaluate_genes(options: GeneOptions) -> GeneMetrics:
    """Load a model and genes, and measure it and all baselines.

    Args:
      options: of the evaluation.

    Raises:
      ValueError: as the readers do.
    """
    model = load_predictor(options.model)
    genes = load_gene_set(options.data, options.mirna, options.utrs)
    return measure_genes(genes, model, passenger=options.passenger)


def measure_genes(
    genes: GeneSet,
    model: RepressionModel | TrainedModel,
    *,
    passenger: bool = True,
) -> GeneMetrics:
    """Measure a model and all baselines.

    Args:
      genes: the genes, after transfection of several miRNAs or of one.
      model: a repression model, where each miRNA is predicted by a head trained without
        it; or a classifier, whose probabilities at canonical sites are used.
      passenger: whether the passenger strand was loaded too.
    """
    predicted: dict[str, Float[np.ndarray, "genes mirnas"]] = {}
    numbers = simple_baselines(genes)
    if isinstance(model, RepressionModel):
        predicted |= predict_repression(genes, model, passenger=passenger)
    else:
        numbers = {**classifier_baselines(genes, model), **numbers}
    columns = genes.evaluated
    several = len(columns) > 1
    if several and MODEL in predicted:
        predicted[WITH_LENGTH] = _with_length(
            predicted[MODEL], numbers[LOG_LENGTH], genes
        )
    for name, values in numbers.items():
        if several:
            predicted[name] = predict_held_out(values, genes.log2, columns)
        elif values.shape[2] == 1:  # nothing to fit: a higher value, more repression
            sign = 1.0 if name == LOG_LENGTH else -1.0
            predicted[name] = sign * values[:, columns, 0]
        else:
            weights = np.array(REFERENCE[name])
            predicted[name] = values[:, columns] @ weights
    observed = genes.log2[:, columns]
    names = [genes.changes.mirnas[column] for column in columns]
    first = next(iter(predicted.values()))
    return GeneMetrics(
        genes,
        {name: _metrics(p, observed, names) for name, p in predicted.items()},
        {
            name: _distributions(genes, column, first[:, row])
            for row, (name, column) in enumerate(zip(names, columns, strict=True))
        },
        coefficients(numbers, genes) if several else [],
        measure_confounders(genes, first) if several else {},
    )


# log2 fold change by site type (and log length), fitted on HeLa: for a single miRNA
# there are no others to fit on.
REFERENCE: Mapping[str, Sequence[float]] = {
    COUNTS: (-0.338, -0.189, -0.109, -0.030, 0.042),
    "best site": (-0.40, -0.20, -0.12, -0.02),
}


def predict_repression(
    genes: GeneSet, model: RepressionModel, *, passenger: bool
) -> dict[str, Float[np.ndarray, "genes mirnas"]]:
    """Predict the log2 fold changes of the evaluated miRNAs, each by its held-out head.

    Args:
      genes: the genes.
      model: the model.
      passenger: whether sites of the passenger strand are used.

    Returns:
      `MODEL`: the prediction for the miRNA. For several miRNAs also `AGAINST_OTHERS`:
        the prediction minus the mean of the same head's predictions for the other
        miRNAs, since fold changes are measured against the other transfections.
    """
    columns = genes.evaluated
    utrs = prepare(genes.utrs, fold=accessibility.is_available())
    sites = tabulate_sites(
        utrs, genes.mirnas, passenger=passenger, classify=model.head.classifies
    )
    plain, against = [], []
    for column in columns:
        head = model.held_out(genes.mirnas[column])
        found = head.repression(sites, genes.log2.size).reshape(genes.log2.shape)
        plain.append(found[:, column])
        if len(genes.mirnas) > 1:
            others = np.delete(found, column, axis=1)
            against.append(found[:, column] - others.mean(axis=1))
    predicted = {MODEL: np.stack(plain, axis=1)}
    if against:
        predicted[AGAINST_OTHERS] = np.stack(against, axis=1)
    return predicted


def _with_length(
    predicted: Float[np.ndarray, "genes mirnas"],
    length: Float[np.ndarray, "genes all_mirnas 1"],
    genes: GeneSet,
) -> Float[np.ndarray, "genes mirnas"]:
    """Return predictions that are combined with the log length of the 3'UTR.

    The baseline of site counts uses the length, too, as a measure of the repression by
      the other transfections. Both coefficients are fitted on the other miRNAs.
    """
    columns = genes.evaluated
    numbers = np.concatenate([predicted[:, :, None], length[:, columns]], axis=2)
    return predict_held_out(numbers, genes.log2[:, columns], range(len(columns)))


def _metrics(
    predicted: Float[np.ndarray, "genes mirnas"],
    observed: Float[np.ndarray, "genes mirnas"],
    names: Sequence[str],
) -> dict[str, Any]:
    rows = [
        metrics.measure(*pair) for pair in zip(predicted.T, observed.T, strict=True)
    ]
    return {
        "mean": metrics.mean_over_mirnas(rows),
        "interval_over_mirnas": metrics.bootstrap_over_mirnas(rows),
        "interval_over_genes": metrics.bootstrap_over_genes(predicted, observed),
        "mirnas": dict(zip(names, rows, strict=True)),
    }


def _distributions(
    genes: GeneSet, column: int, predicted: Float[np.ndarray, " genes"]
) -> dict[str, metrics.Distribution]:
    """Return the fold changes of genes by their strongest site, and of the top ones."""
    counts = genes.site_counts[:, column]
    strongest = np.where(counts.any(axis=1), (counts > 0).argmax(axis=1), -1)
    classes = {name: strongest == n for n, name in enumerate(CANONICAL)}
    top = np.zeros(len(counts), bool)
    top[np.argsort(predicted, kind="stable")[:TOP]] = True
    classes = {TOP_CLASS: top, **classes, NO_SITE: strongest == -1}
    observed = genes.log2[:, column]
    return metrics.distributions(observed, classes, strongest == -1)
