"""Scanning for sites: alignment proposes, a classifier decides, chance is counted."""

import dataclasses

import numpy as np
import pyarrow as pa
from jaxtyping import Float

from mirjax.scanning.maxima import best_apart
from mirjax.scanning.null import Null
from mirjax.scanning.scored_sites import ScoredSites, SiteScorer, join
from mirjax.scanning.site_table import make_table
from mirjax.scanning.slices import Slice


@dataclasses.dataclass(frozen=True)
class SiteCut:
    """Which sites are reported.

    Attributes:
      chance_per_kb: most chance sites of a miRNA in 1,000 nt; None for any.
      threshold: lowest score; None for any.
      searched: nucleotides of all transcripts of the search, which E-values are for;
        None if that is not known: then there are none.

    Raises:
      ValueError: for a rate that is not above 0, or above one site a nucleotide.
    """

    chance_per_kb: float | None = 0.1
    threshold: float | None = None
    searched: int | None = None

    def __post_init__(self) -> None:
        if self.chance_per_kb is not None and not 0 < self.chance_per_kb <= 1000:
            raise ValueError(
                f"--chance_per_kb={self.chance_per_kb} must be above 0, and at most "
                "1000: one chance site at each nucleotide"
            )


@dataclasses.dataclass(frozen=True, eq=False)
class SitesMode:
    """A `SliceScanner` of the sites that chance rarely gives.

    Attributes:
      scorer: finds and scores candidates.
      nulls: the background of each miRNA; none, and no p-values, if empty.
      cut: which sites are reported.
    """

    scorer: SiteScorer
    nulls: tuple[Null, ...] = ()
    cut: SiteCut = SiteCut()

    def __post_init__(self) -> None:
        if self.nulls and len(self.nulls) != len(self.scorer.mirnas):
            raise ValueError(
                f"{len(self.nulls)} backgrounds of {len(self.scorer.mirnas)} miRNAs"
            )

    def __call__(self, part: Slice) -> pa.Table:
        """Return the sites of a slice, with the columns of `site_table.SCHEMA`."""
        kept, pvalues = [], [np.zeros(0)]
        for sites in self.scorer.score(part):
            chance = self._pvalues(sites)
            passes = np.ones(len(chance), bool)
            if self.nulls and self.cut.chance_per_kb is not None:
                passes &= 1000 * chance <= self.cut.chance_per_kb
            if self.cut.threshold is not None:
                passes &= sites.scores >= self.cut.threshold
            # What does not pass would hide nothing that does: its score is lower.
            sites, chance = sites.take(passes), chance[passes]
            best = best_apart(sites.found, self.scorer.scale(sites.scores))
            kept.append(sites.take(best))
            pvalues.append(chance[best])
        chance = np.concatenate(pvalues)
        return make_table(part, self.scorer, join(kept), chance, self.cut.searched)

    def _pvalues(self, sites: ScoredSites) -> Float[np.ndarray, " sites"]:
        """Return the p-value of each site; NaN without a background."""
        chance = np.full(len(sites.scores), np.nan)
        if not self.nulls:
            return chance
        values = self.scorer.scale(sites.scores)
        # Sites of a miRNA follow one another.
        numbers, firsts = np.unique(sites.found.mirnas, return_index=True)
        ends = [*firsts[1:], len(chance)]
        for number, first, end in zip(numbers, firsts, ends, strict=True):
            chance[first:end] = self.nulls[number].pvalues(values[first:end])
        return chance
