"""An interpretable model of repression: sites add up, and their sum saturates.

A site of type t with features x has the efficacy exp(b_t + w·x). The log2 fold change
of an mRNA is -log2(1 + the sum of its sites' efficacies).

References:
  McGeary et al. 2019, doi 10.1126/science.aav1741: the form of the sum, there with
  measured affinities.
"""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float, Int

from mirjax.scanning.repression import features, site_embedding
from mirjax.scanning.repression.features import Utr
from mirjax.scanning.repression.seed_sites import find_sites, passenger_strand

GUIDE, PASSENGER = 0, 1  # strands of the duplex

_MAX_LOG_EFFICACY = 4.0


@dataclasses.dataclass(frozen=True, eq=False)
class SiteTable:
    """Sites of many pairs of an mRNA and a miRNA, one row per site.

    Attributes:
      pair: number of the pair.
      strand: `GUIDE` or `PASSENGER`: which strand of the duplex the site pairs with.
      kind: number of the type in `seed_sites.TYPES`.
      values: of `features.NAMES`.
    """

    pair: Int[np.ndarray, " sites"]
    strand: Int[np.ndarray, " sites"]
    kind: Int[np.ndarray, " sites"]
    values: Float[np.ndarray, "sites features"]

    def take(self, rows: np.ndarray) -> "SiteTable":
        """Return the given rows."""
        columns = dataclasses.astuple(self)
        return SiteTable(*(column[rows] for column in columns))


def tabulate_sites(
    utrs: Sequence[Utr],
    mirnas: Sequence[str],
    *,
    passenger: bool,
    classify: bool = True,
) -> SiteTable:
    """Find and describe the sites of every miRNA in every 3'UTR.

    Args:
      utrs: 3'UTRs.
      mirnas: sequences of the guide strands, 5'→3', RNA letters.
      passenger: whether to add the sites of their passenger strands.
      classify: whether to compute the features `CLASSIFIER`; NaN otherwise.

    Returns:
      The sites; the number of a pair is 3'UTR × (number of miRNAs) + miRNA.
    """
    strands = [(m, GUIDE, mirna) for m, mirna in enumerate(mirnas)]
    if passenger:
        others = [passenger_strand(mirna) for mirna in mirnas]
        strands += [(m, PASSENGER, other) for m, other in enumerate(others)]
    numbers: list[tuple[int, int, int]] = []
    parts = [np.zeros((0, len(features.NAMES)))]
    places: list[tuple[str, str, int]] = []
    for u, utr in enumerate(utrs):
        for m, strand, sequence in strands:
            sites = find_sites(sequence, utr.sequence)
            is_passenger = strand == PASSENGER
            parts.append(
                features.describe(sequence, utr, sites, passenger=is_passenger)
            )
            numbers += [(u * len(mirnas) + m, strand, site.kind) for site in sites]
            places += [(sequence, utr.sequence, site.start) for site in sites]
    values = np.concatenate(parts)
    if classify:
        columns = [features.NAMES.index(name) for name in features.CLASSIFIER]
        values[:, columns] = site_embedding.classify_sites(places)
    rows = np.array(numbers, np.int64).reshape(-1, 3)
    return SiteTable(rows[:, 0], rows[:, 1], rows[:, 2], values)


@dataclasses.dataclass(frozen=True)
class RepressionHead:
    """Parameters of the model.

    Attributes:
      guide: log efficacy of each type of `seed_sites.TYPES`, of the guide strand.
      passenger: likewise of the passenger strand.
      slopes: feature → change of the log efficacy by one standard deviation.
      centres: feature → its mean over the sites that the model was trained on.
      scales: feature → its standard deviation.
      intervals: (largest prediction, lower, upper), ascending. For predictions up to
        the first number: the 5th and 95th percentile of the observed minus the
        predicted log2 fold change, of left-out miRNAs. The last one is for all larger
        predictions.
    """

    guide: tuple[float, ...]
    passenger: tuple[float, ...]
    slopes: Mapping[str, float]
    centres: Mapping[str, float]
    scales: Mapping[str, float]
    intervals: tuple[tuple[float, float, float], ...] = ()

    @property
    def classifies(self) -> bool:
        """Whether the head uses a feature of `features.CLASSIFIER`."""
        return not self.slopes.keys().isdisjoint(features.CLASSIFIER)

    def log_efficacy(self, sites: SiteTable) -> Float[np.ndarray, " sites"]:
        """Return the natural logarithm of each site's efficacy."""
        base = np.array([self.guide, self.passenger])[sites.strand, sites.kind]
        for name, slope in self.slopes.items():
            column = sites.values[:, features.NAMES.index(name)]
            base = base + slope * (column - self.centres[name]) / self.scales[name]
        return np.minimum(base, _MAX_LOG_EFFICACY)

    def repression(self, sites: SiteTable, pairs: int) -> Float[np.ndarray, " pairs"]:
        """Return the predicted log2 fold change of each pair.

        Args:
          sites: the sites of all pairs.
          pairs: number of pairs.
        """
        efficacy = np.exp(self.log_efficacy(sites))
        return -np.log2(1 + np.bincount(sites.pair, efficacy, pairs))

    def interval(
        self, predicted: Float[np.ndarray, " pairs"]
    ) -> tuple[Float[np.ndarray, " pairs"], Float[np.ndarray, " pairs"]]:
        """Return the interval that 90% of the observed log2 fold changes should be in.

        Raises:
          ValueError: if the head has no intervals.
        """
        if not self.intervals:
            raise ValueError("the head has no intervals: train it on several miRNAs")
        edges, lower, upper = np.array(self.intervals).T
        rows = np.minimum(np.searchsorted(edges, predicted), len(edges) - 1)
        return predicted + lower[rows], predicted + upper[rows]
