"""Scan for sites: alignment proposes candidates, a classifier scores them."""

import dataclasses

import numpy as np
import pyarrow as pa
from jaxtyping import Float

from mirjax.scanning.background import Background
from mirjax.scanning.candidates import FAST
from mirjax.scanning.engines.interface import Engine
from mirjax.scanning.null import Null
from mirjax.scanning.scored_sites import ScoredSites, SiteScorer, join
from mirjax.scanning.site_options import SiteOptions
from mirjax.scanning.site_table import make_table
from mirjax.scanning.slices import Slice
from mirjax.sequences.records import SequenceRecord


@dataclasses.dataclass(frozen=True, eq=False)
class SitesMode:
    """A `SliceScanner` of sites with low p-values.

    Attributes:
      scorer: finds and scores candidates.
      nulls: the null distribution of each miRNA; empty for no p-values.
      options: which sites are reported.
      searched: nucleotides of all transcripts of the search, for E-values; None for no
        E-values.
    """

    scorer: SiteScorer
    nulls: tuple[Null, ...] = ()
    options: SiteOptions = SiteOptions()
    searched: int | None = None

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
            if self.nulls and self.options.chance_per_kb is not None:
                passes &= 1000 * chance <= self.options.chance_per_kb
            if self.options.threshold is not None:
                passes &= sites.scores >= self.options.threshold
            kept.append(sites.take(passes))
            pvalues.append(chance[passes])
        chance = np.concatenate(pvalues)
        return make_table(part, self.scorer, join(kept), chance, self.searched)

    def _pvalues(self, sites: ScoredSites) -> Float[np.ndarray, " sites"]:
        """Return the p-value of each site; NaN without a background."""
        chance = np.full(len(sites.scores), np.nan)
        if not self.nulls or not len(chance):
            return chance
        values = self.scorer.scale(sites.scores)
        # Sites of a miRNA follow one another.
        numbers, firsts = np.unique(sites.found.mirnas, return_index=True)
        ends = [*firsts[1:], len(chance)]
        for number, first, end in zip(numbers, firsts, ends, strict=True):
            chance[first:end] = self.nulls[number].pvalues(values[first:end])
        return chance


def make_scanner(
    mirnas: tuple[SequenceRecord, ...],
    engine: Engine | None,
    background: Background,
    options: SiteOptions,
    searched: int | None = None,
) -> SitesMode:
    """Draw the background of a search, and return its scanner.

    Args:
      mirnas: 5'→3'.
      engine: the classifier with the same miRNAs, or None for alignment scores.
      background: shuffled transcripts.
      options: of the search.
      searched: nucleotides of all its transcripts; None for no E-values.

    Raises:
      ValueError: for transcripts without a letter.
    """
    rule = background.rule(options.candidates, mirnas)
    screen = None
    if engine is not None and options.candidates == FAST:
        screen = background.screen(mirnas, rule)
    scorer = SiteScorer(mirnas, rule, engine, screen)
    return SitesMode(scorer, background.draw(scorer), options, searched)
