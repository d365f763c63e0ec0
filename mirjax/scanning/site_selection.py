"""Select sites of a finished table, or one miRNA for each seed family."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pyarrow as pa

from mirjax.sequences.pairing import SEED
from mirjax.sequences.records import SequenceRecord

Group = Literal["mirna", "target"]


def at_least(table: pa.Table, min_score: float) -> pa.Table:
    """Return the sites of a table with at least a given score.

    Args:
      table: of sites, with a column `score`.
      min_score: lowest score.

    Raises:
      ValueError: if the table has no scores.
    """
    if "score" not in table.column_names:
        raise ValueError(
            "--min_score: the table has no scores; it was made without a model"
        )
    return table.filter(pa.array(table["score"].to_numpy() >= min_score))


def best_of_each(table: pa.Table, group: Group, count: int) -> pa.Table:
    """Return the sites with the highest scores of each miRNA or target, in order.

    Args:
      table: of sites, with a column `score`.
      group: what the sites are counted by.
      count: sites of each; of equal scores, the first are kept.

    Raises:
      ValueError: for a count below 1, or if the table has no scores.
    """
    if count < 1:
        raise ValueError(f"--top_k={count} must be at least 1")
    if "score" not in table.column_names:
        raise ValueError(
            "--top_k: the table has no scores; it was made without a model"
        )
    if not table.num_rows:
        return table
    scores = table["score"].to_numpy()
    codes = table[group].combine_chunks().dictionary_encode()
    if isinstance(codes, pa.ChunkedArray):
        codes = codes.combine_chunks()
    groups = codes.indices.to_numpy()
    order = np.lexsort((-scores, groups))
    sizes = np.bincount(groups)
    rank = np.arange(len(order)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return table.take(pa.array(np.sort(order[rank < count])))


def one_of_each_family(
    mirnas: Sequence[SequenceRecord],
) -> tuple[SequenceRecord, ...]:
    """Return one miRNA for each seed family, named by all of its members.

    A family consists of the miRNAs with the same letters 2-8.

    Args:
      mirnas: 5'→3', in order; the first of each family is returned.

    >>> one = SequenceRecord("let-7a", "UGAGGUAGUAGG")
    >>> other = SequenceRecord("let-7b", "UGAGGUAGUUGG")
    >>> one_of_each_family([one, other])[0].name
    'let-7a/let-7b'
    """
    families: dict[str, list[SequenceRecord]] = {}
    for mirna in mirnas:
        families.setdefault(mirna.sequence[SEED], []).append(mirna)
    return tuple(
        SequenceRecord("/".join(one.name for one in family), family[0].sequence)
        for family in families.values()
    )
