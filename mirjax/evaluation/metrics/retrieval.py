"""Metrics of rankings of candidate miRNAs."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float, Shaped

from mirjax.sequences.pairing import SEED
from mirjax.sequences.records import Pairs

DEPTHS = (1, 5, 10)

Scores = Shaped[np.ndarray, "n m"]  # real numbers of any type, the higher the better


def true_ranks(
    scores: Scores, candidates: Sequence[str], true: Sequence[str]
) -> Float[np.ndarray, " n"]:
    """Find the rank of the true miRNA of each row among the candidates.

    >>> true_ranks(np.array([[3, 1, 3]]), ["A", "U", "C"], ["C"])
    array([2.])

    Args:
      scores: of m candidates for n rows.
      candidates: m distinct miRNAs; of two with equal scores the earlier ranks higher.
      true: the miRNA of each row.

    Returns:
      Ranks from 1; infinity if the true miRNA is not a candidate.
    """
    column_of = {mirna: column for column, mirna in enumerate(candidates)}
    ranks = np.full(len(true), np.inf)
    for row, mirna in enumerate(true):
        column = column_of.get(mirna)
        if column is not None:
            own = scores[row, column]
            ahead = np.count_nonzero(scores[row] > own)
            ranks[row] = 1 + ahead + np.count_nonzero(scores[row, :column] == own)
    return ranks


def scores_without_known(
    scores: Scores,
    candidates: Sequence[str],
    pairs: Pairs,
    known: Mapping[str, set[str]],
) -> Float[np.ndarray, "n m"]:
    """Exclude, for each row, the other miRNAs that are known to bind its target.

    A site binds all miRNAs of a family, but a row names only one of them. It is not an
    error if another one ranks first.

    Args:
      scores: of m candidates for n rows.
      candidates: m distinct miRNAs.
      pairs: n rows.
      known: target → the miRNAs known to bind it.

    Returns:
      The scores, with -infinity for excluded candidates.

    References:
      Bordes et al. 2013, Translating Embeddings for Modeling Multi-relational Data
      (the "filtered" setting).
    """
    column_of = {mirna: column for column, mirna in enumerate(candidates)}
    filtered = np.array(scores, np.float64)
    for row, (mirna, target) in enumerate(
        zip(pairs.mirnas, pairs.targets, strict=True)
    ):
        others = known.get(target, set()) - {mirna}
        columns = [column_of[other] for other in others if other in column_of]
        filtered[row, columns] = -np.inf
    return filtered


def retrieval_metrics(
    ranks: Float[np.ndarray, " n"],
    first: Sequence[str],
    true: Sequence[str],
    targets: Sequence[str],
    known: Mapping[str, set[str]],
) -> dict[str, float]:
    """Measure a ranking of candidates.

    Args:
      ranks: rank of the true miRNA of each row, from 1; infinity if it is not a
        candidate.
      first: the candidate of rank 1 of each row.
      true: the miRNA of each row.
      targets: the target of each row.
      known: target → the miRNAs known to bind it; the row's own miRNA is always
        included.

    Returns:
      As fractions of the rows: `top_1`, `top_5` and `top_10`, the true miRNA has at
      most this rank; `top_1_known`, the first candidate is a miRNA known for the
      target; `top_1_seed`, the first has the seed (letters 2-8) of the true miRNA, and
      so is of its family. And `mrr`, the mean of 1 / rank, 0 if the true miRNA is not a
      candidate.

    Raises:
      ValueError: if there are no rows.
    """
    if not len(true):
        raise ValueError("no rows whose miRNA was ranked")
    metrics = {f"top_{depth}": float((ranks <= depth).mean()) for depth in DEPTHS}
    rows = list(zip(first, true, targets, strict=True))
    is_known = [
        found == mirna or found in known.get(target, ())
        for found, mirna, target in rows
    ]
    of_family = [found[SEED] == mirna[SEED] for found, mirna, _ in rows]
    return metrics | {
        "mrr": float((1.0 / ranks).mean()),
        "top_1_known": float(np.mean(is_known)),
        "top_1_seed": float(np.mean(of_family)),
    }
