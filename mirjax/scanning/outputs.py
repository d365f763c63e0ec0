"""The outputs of a scan, all from the same rows: table, genes, duplex drawings."""

import contextlib
import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

import pyarrow as pa

from mirjax.output import open_output
from mirjax.scanning import genes
from mirjax.scanning.drawing import drawings
from mirjax.scanning.options import TSV
from mirjax.scanning.repression import gene_table
from mirjax.scanning.repression.head_file import RepressionModel
from mirjax.scanning.site_selection import Group, at_least, best_of_each
from mirjax.scanning.tables import Output, Sink, open_table
from mirjax.sequences.records import SequenceRecord

AddColumns: TypeAlias = Callable[[pa.Table], pa.Table]
"""Adds columns to a table of genes; called with all rows of a transcript at once."""

_PAIR = ("mirna", "target")
_PREDICTED = tuple(field for field in gene_table.SCHEMA if field.name not in _PAIR)


@dataclasses.dataclass(frozen=True)
class Cut:
    """The rows of a scan that are written.

    Attributes:
      min_score: lowest score; None for any.
      top_k: sites of each miRNA or target; None for all.
      top_k_of: what `top_k` counts: "mirna" or "target".
    """

    min_score: float | None = None
    top_k: int | None = None
    top_k_of: Group = "mirna"

    def __post_init__(self) -> None:
        if self.top_k is not None and self.top_k < 1:
            raise ValueError(f"--top_k={self.top_k} must be at least 1")


@contextlib.contextmanager
def cutting(outputs: Sequence[Output], cut: Cut) -> Iterator[Sink]:
    """Pass on to outputs the rows that a cut keeps.

    Args:
      outputs: opened when the block begins.
      cut: with `top_k` of each miRNA, the best sites so far are held in memory and
        written at the end.
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
            elif cut.top_k_of == "target":  # all rows of a target are in one table
                write(best_of_each(table, "target", cut.top_k))
            else:
                both = table if best is None else pa.concat_tables([best, table])
                best = best_of_each(both, "mirna", cut.top_k)

        yield take
        if best is not None:
            write(best)


def repression_of(
    transcripts: Iterable[SequenceRecord],
    mirnas: Sequence[SequenceRecord],
    model: RepressionModel,
) -> AddColumns:
    """Return a function that adds predicted repression to genes; see `gene_table`.

    Args:
      transcripts: of the search, read in step with the genes.
      mirnas: of the search.
      model: predicts log2 fold changes from seed sites; pairs without one have empty
        cells.
    """
    rest = iter(transcripts)
    whole = [mirna for mirna in mirnas if len(mirna.sequence) >= gene_table.SHORTEST]

    def add(table: pa.Table) -> pa.Table:
        names = dict.fromkeys(table["target"].to_pylist())
        records = [next(one for one in rest if one.name == name) for name in names]
        predicted = gene_table.predict_table(model, whole, records, fold=False)
        found = {(row["mirna"], row["target"]): row for row in predicted.to_pylist()}
        pairs = zip(*(table[name].to_pylist() for name in _PAIR), strict=True)
        rows = [found.get(pair, {}) for pair in pairs]
        for field in _PREDICTED:
            column = pa.array([row.get(field.name) for row in rows], field.type)
            table = table.append_column(field, column)
        return table

    return add


@contextlib.contextmanager
def open_genes(
    out: str, sort_by: str | None, add_columns: AddColumns | None = None
) -> Iterator[Sink]:
    """Write one row for each miRNA and transcript with a site.

    Args:
      out: the table, tab-separated.
      sort_by: one of `genes.SORTABLE`, for which all rows are held in memory; None for
        the order of the sites.
      add_columns: see `repression_of`; None for none.

    Yields:
      A function that takes sites; those of one transcript come in one call.
    """
    columns = () if add_columns is None else _PREDICTED
    with open_table(out, TSV, pa.schema([*genes.SCHEMA, *columns])) as write:
        held: list[pa.Table] = []
        empty = genes.SCHEMA.empty_table()

        def take(table: pa.Table) -> None:
            rows = pa.concat_tables([empty, *genes.genes_of([table])])
            if add_columns is not None:
                rows = add_columns(rows)
            (write if sort_by is None else held.append)(rows)

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
      transcripts: of the search, read in step with the sites.
      mirnas: sequence of each, 5'→3', by name.
    """
    rest = iter(transcripts)
    with open_output(out) as stream:

        def take(table: pa.Table) -> None:
            for drawing in drawings([table], rest, mirnas):
                stream.write(drawing.encode())

        yield take
