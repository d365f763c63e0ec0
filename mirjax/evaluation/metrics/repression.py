"""Metrics of predicted log2 fold changes after transfection of a miRNA."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float
from scipy import stats
from sklearn.metrics import average_precision_score

REPRESSED = -0.5  # log2 fold change; genes below it are the most repressed
METRICS = ("pearson_r", "r2", "spearman_rho", "average_precision")
LEVEL = 0.95  # confidence level of the bootstrap intervals
RESAMPLES = 1_000  # of miRNAs
GENE_RESAMPLES = 200  # fewer, since all metrics are computed for every draw

_UNDEFINED = float("nan")


class Distribution(NamedTuple):
    """Fold changes of one class of genes.

    Attributes:
      log2: sorted log2 fold changes.
      median: of them.
      ks: Kolmogorov-Smirnov statistic against genes without a site.
      ks_pvalue: of the two-sided test.
    """

    log2: Float[np.ndarray, " genes"]
    median: float
    ks: float
    ks_pvalue: float


def measure(
    predicted: Float[np.ndarray, " genes"], observed: Float[np.ndarray, " genes"]
) -> dict[str, float]:
    """Measure the predictions for one miRNA.

    Args:
      predicted: log2 fold changes, or any score that increases with them.
      observed: log2 fold changes.

    Returns:
      Pearson's r and its square, Spearman's rho, and the average precision (the area
      under the precision-recall curve) for genes below `REPRESSED`. A constant
      predictor has r, r2 and rho 0; average precision is NaN for a miRNA that represses
      no gene below `REPRESSED`.
    """
    is_repressed = observed < REPRESSED
    r = _correlation(predicted, observed)
    rho = _correlation(stats.rankdata(predicted), stats.rankdata(observed))
    precision = _UNDEFINED
    if is_repressed.any():
        precision = float(average_precision_score(is_repressed, -predicted))
    return dict(zip(METRICS, (r, r * r, rho, precision), strict=True))


def _correlation(
    first: Float[np.ndarray, " genes"], second: Float[np.ndarray, " genes"]
) -> float:
    """Return Pearson's r; 0 if one of the two is constant."""
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return 0.0
    first, second = first - first.mean(), second - second.mean()
    return float(first @ second / np.sqrt((first @ first) * (second @ second)))


def mean_over_mirnas(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return the mean of each metric, over the miRNAs that have it."""
    means = {}
    for name in METRICS:
        values = np.array([row[name] for row in rows])
        known = values[~np.isnan(values)]
        means[name] = float(known.mean()) if known.size else _UNDEFINED
    return means


def bootstrap_over_mirnas(
    rows: Sequence[Mapping[str, float]], seed: int = 0
) -> dict[str, list[float]]:
    """Return the 95% interval of each mean when miRNAs are drawn with replacement.

    Args:
      rows: the metrics of each miRNA.
      seed: of the draws.
    """
    rng = np.random.default_rng(seed)
    draws = rng.integers(0, len(rows), (RESAMPLES, len(rows)))
    return _intervals([mean_over_mirnas([rows[i] for i in draw]) for draw in draws])


def bootstrap_over_genes(
    predicted: Float[np.ndarray, "genes mirnas"],
    observed: Float[np.ndarray, "genes mirnas"],
    *,
    resamples: int = 0,
    seed: int = 0,
) -> dict[str, list[float]]:
    """Return the 95% interval of each mean when genes are drawn with replacement.

    Args:
      predicted: of each gene and miRNA.
      observed: log2 fold changes.
      resamples: number of draws; 0 for `GENE_RESAMPLES`.
      seed: of the draws; a gene is drawn with all its miRNAs.
    """
    rng = np.random.default_rng(seed)
    means = []
    for _ in range(resamples or GENE_RESAMPLES):
        drawn = rng.integers(0, len(observed), len(observed))
        columns = zip(predicted[drawn].T, observed[drawn].T, strict=True)
        means.append(mean_over_mirnas([measure(*column) for column in columns]))
    return _intervals(means)


def distributions(
    observed: Float[np.ndarray, " genes"],
    classes: Mapping[str, Bool[np.ndarray, " genes"]],
    without: Bool[np.ndarray, " genes"],
) -> dict[str, Distribution]:
    """Compare the fold changes of classes of genes with those of genes without a site.

    Args:
      observed: log2 fold changes of one miRNA.
      classes: name → whether each gene is a member; empty classes are left out.
      without: genes without a site.

    Returns:
      The distribution of each class, in their order.
    """
    found, none = {}, observed[without]
    for name, members in classes.items():
        log2 = np.sort(observed[members])
        if not log2.size:
            continue
        ks = pvalue = _UNDEFINED
        if none.size:
            ks, pvalue = map(float, stats.ks_2samp(log2, none))
        found[name] = Distribution(log2, float(np.median(log2)), ks, pvalue)
    return found


def _intervals(means: Sequence[Mapping[str, float]]) -> dict[str, list[float]]:
    edges = [100 * (1 - LEVEL) / 2, 100 * (1 + LEVEL) / 2]
    found = {}
    for name in METRICS:
        values = np.array([mean[name] for mean in means])
        known = values[~np.isnan(values)]
        found[name] = np.percentile(known, edges).tolist() if known.size else []
    return found
