"""The table of sites: position of the best duplex, its type and its pairing."""

import numpy as np
import pyarrow as pa
from jaxtyping import Float, Int64, UInt8

from mirjax.alignment.complementarity import by_bond
from mirjax.alignment.end_scores import longest_span
from mirjax.alignment.paths import best_partners
from mirjax.scanning.drawing import pairing_strings
from mirjax.scanning.scored_sites import ScoredSites, SiteScorer
from mirjax.scanning.seed_mode import names_of, tokens_of
from mirjax.scanning.site_types import SITE_TYPES, canonical_types
from mirjax.scanning.slices import Slice
from mirjax.sequences import alphabet

SCHEMA = pa.schema(
    [
        ("mirna", pa.string()),
        ("target", pa.string()),
        ("start", pa.int64()),  # of the best duplex, from 0
        ("end", pa.int64()),  # not included
        ("score", pa.float64()),  # probability, or alignment score without a model
        ("pvalue", pa.float64()),  # chance sites per nucleotide; see `null`
        ("evalue", pa.float64()),  # chance sites of the miRNA in the whole search
        ("site_type", pa.string()),  # of `site_types`
        ("window_start", pa.int64()),  # of the window that the classifier read
        ("window_end", pa.int64()),
        ("alignment_score", pa.int64()),
        ("duplex", pa.string()),  # pairing string, of `drawing`
    ]
)


def make_table(
    part: Slice,
    scorer: SiteScorer,
    sites: ScoredSites,
    pvalues: Float[np.ndarray, " sites"],
    searched: int | None,
) -> pa.Table:
    """Return the table of some sites of a slice, with the columns of `SCHEMA`.

    Args:
      part: the slice.
      scorer: the scorer that found them.
      sites: in any order; the rows are by transcript, miRNA, start and end.
      pvalues: NaN where there is no background.
      searched: nucleotides of all transcripts of the search, or None.
    """
    found = sites.found
    transcripts = [tokens_of(record) for record in part.records]
    segments, firsts = _segments(transcripts, sites, scorer.longest)
    mirnas = np.zeros((len(scorer.tokens), scorer.longest), np.uint8)
    for row, tokens in zip(mirnas, scorer.tokens, strict=True):
        row[: len(tokens)] = tokens
    before = segments[:, :-1]  # the last letter follows the duplex
    queries = mirnas[found.mirnas]
    partners = best_partners(queries, before, by_bond())
    columns, duplexes = pairing_strings(queries, before, partners)
    types = canonical_types(segments, columns, queries)
    starts = firsts + columns
    order = np.lexsort((found.ends, starts, found.mirnas, found.transcripts))
    lengths = np.array([len(one) for one in transcripts], np.int64)
    window_ends = np.minimum(
        sites.windows + scorer.window_length, lengths[found.transcripts]
    )
    evalues = np.full(len(order), np.nan) if searched is None else searched * pvalues
    table = pa.table(
        [
            names_of([mirna.name for mirna in scorer.mirnas], found.mirnas),
            names_of([record.name for record in part.records], found.transcripts),
            starts,
            found.ends,
            sites.scores,
            pa.array(pvalues, from_pandas=True),  # NaN is null
            pa.array(evalues, from_pandas=True),
            names_of(SITE_TYPES, types),
            sites.windows,
            window_ends,
            found.scores,
            pa.array(duplexes, pa.string()),
        ],
        schema=SCHEMA,
    )
    return table.take(pa.array(order))


def _segments(
    transcripts: list[UInt8[np.ndarray, " _"]], sites: ScoredSites, longest: int
) -> tuple[UInt8[np.ndarray, "sites columns"], Int64[np.ndarray, " sites"]]:
    """Return the letters up to one after the end of each site, and where they start.

    Beyond the ends of the transcript they are PAD.
    """
    span = longest_span(by_bond(), longest)
    nothing = np.full(span, alphabet.PAD, np.uint8)
    pieces = (piece for one in transcripts for piece in (one, nothing))
    joined = np.concatenate([nothing, *pieces])
    lengths = np.array([len(one) for one in transcripts], np.int64)
    offsets = np.cumsum(lengths + span) - lengths
    firsts = sites.found.ends - span
    places = offsets[sites.found.transcripts] + firsts
    return joined[places[:, None] + np.arange(span + 1)], firsts
