"""What a scan writes, from the same rows: the table, genes, drawings of duplexes."""

import contextlib
import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager

import pyarrow as pa

from mirjax.output import open_output
from mirjax.scanning import genes
from mirjax.scanning.drawing import drawings
from mirjax.scanning.site_selection import Group, at_least, best_of_each
from mirjax.scanning.tables import TSV, Sink, open_table
from mirjax.sequences.records import SequenceRecord

Output = AbstractContextManager[Sink]


@dataclasses.dataclass(frozen=True)
class Cut:
    """Which rows of a scan are written.

    Attributes:
      min_score: lowest score; None for any.
      top_k: sites of each miRNA or target; None for all.
      top_k_of: which of the two.
    """

    min_score: float | None = None
    top_k: int | None = None
    top_k_of: Group = "mirna"

    def __post_init__(self) -> None:
        if self.top_k is not None and self.top_k < 1:
            raise ValueError(f"--top_k={self.top_k} must be at least 1")


@contextlib.contextmanager
def cutting(outputs: Sequence[Output], cut: Cut) -> Iterator[Sink]:
    """Give outputs the rows that a cut leaves.

    Args:
      outputs: opened with the block.
      cut: the best sites of each miRNA are known at the end alone: until then they are
        held in memory, and no others.
    """
    with contextlib.ExitStack() as stack:
        sinks = [stack.enter_context(output) for output in outputs]
        best: pa.Table | None = None

        def write(table: pa.Table) -> None:
            for sink in sinks:
                sink(table)

        def take(table: pa.Table) -> None:
            nonlocal best
            if cut.min_score is not None:
                table = at_least(table, cut.min_score)
            if cut.top_k is None:
                write(table)
            elif cut.top_k_of == "target":  # all rows of a target come together
                write(best_of_each(table, "target", cut.top_k))
            else:
                both = table if best is None else pa.concat_tables([best, table])
                best = best_of_each(both, "mirna", cut.top_k)

        yield take
        if best is not None:
            write(best)


@contextlib.contextmanager
def open_genes(out: str, sort_by: str | None) -> Iterator[Sink]:
    """Write one row for each miRNA and transcript with a site.

    Args:
      out: the table, tab-separated.
      sort_by: one of `genes.SORTABLE`, for which all rows are held in memory; None for
        the order of the sites.

    Yields:
      A function that takes sites, all of a transcript at once.
    """
    with open_table(out, TSV, genes.SCHEMA) as write:
        held: list[pa.Table] = []

        def take(table: pa.Table) -> None:
            for added in genes.genes_of([table]):
                (write if sort_by is None else held.append)(added)

        yield take
        if sort_by is not None and held:
            write(genes.sort_genes(pa.concat_tables(held), sort_by))


@contextlib.contextmanager
def open_duplexes(
    out: str, transcripts: Iterable[SequenceRecord], mirnas: Mapping[str, str]
) -> Iterator[Sink]:
    """Draw the duplex of every site.

    Args:
      out: the text.
      transcripts: of the search, read along with the sites.
      mirnas: sequence of each, 5'→3', by name.
    """
    rest = iter(transcripts)
    with open_output(out) as stream:

        def take(table: pa.Table) -> None:
            for drawing in drawings([table], rest, mirnas):
                stream.write(drawing.encode())

        yield take
