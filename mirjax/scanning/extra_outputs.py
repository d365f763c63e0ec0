"""Optional outputs of a scan, besides its table: genes and drawings of duplexes."""

import contextlib
from collections.abc import Callable, Mapping
from typing import Any

from absl import flags

from mirjax.scanning.drawing import draw
from mirjax.scanning.outputs import open_duplexes, open_genes, repression_of
from mirjax.scanning.repression.head_file import PRETRAINED, find_model, read_model
from mirjax.scanning.search import Search
from mirjax.scanning.tables import Output
from mirjax.scanning.transcripts import Transcripts


def extra_outputs(
    flag_values: flags.FlagValues,
    stack: contextlib.ExitStack,
    search: Search | None,
    transcripts: Transcripts | None,
) -> list[Output]:
    """Return the outputs for genes and drawings of duplexes.

    Args:
      flag_values: of mirjax.scan.
      stack: closes the files that are read in step with the scan.
      search: None if the rows come from an earlier scan. Then no transcripts are read,
        no duplexes are drawn, and genes have no predicted repression.
      transcripts: of the search; None without one.
    """
    outputs: list[Output] = []
    is_read = search is not None and transcripts is not None
    is_file = transcripts is not None and not transcripts.is_read_once
    if flag_values.genes:
        predict = None
        if is_read and is_file and flag_values.repression:
            assert search is not None and transcripts is not None
            again = stack.enter_context(transcripts.reopened())
            model = read_model(find_model(PRETRAINED))
            predict = repression_of(again, search.mirnas, model)
        by = flag_values.sort_genes
        outputs.append(open_genes(flag_values.genes, by, predict))
    if flag_values.duplexes and is_read:
        assert search is not None and transcripts is not None
        again = stack.enter_context(transcripts.reopened())
        sequences = {each.name: each.sequence for each in search.mirnas}
        outputs.append(open_duplexes(flag_values.duplexes, again, sequences))
    return outputs


def duplex_drawer(
    search: Search, transcripts: Transcripts
) -> Callable[[Mapping[str, Any]], str]:
    """Return a function that draws the duplex of a row of the table, in three lines.

    It reads the transcripts again for each site, since a page shows only a few sites.
    """
    mirnas = {each.name: each.sequence for each in search.mirnas}

    def drawn(row: Mapping[str, Any]) -> str:
        with transcripts.reopened() as again:
            sequence = next(one.sequence for one in again if one.name == row["target"])
        start, end, mirna = row["start"], row["end"], mirnas[row["mirna"]]
        after = sequence[end : end + len(mirna)]
        lines = draw(sequence[start:end], mirna, row["duplex"], after)
        return "\n".join(line.rstrip() for line in lines)

    return drawn
