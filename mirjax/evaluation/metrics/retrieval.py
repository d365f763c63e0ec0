"""How well a ranking of candidate miRNAs finds the one that binds each target."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float

from mirjax.alignment.complementarity import SEED
from mirjax.sequences.records import Pairs

DEPTHS = (1, 5, 10)


def true_ranks(
    scores: np.ndarray, candidates: Sequence[str], true: Sequence[str]
) -> Float[np.ndarray, " n"]:
    """Find where the true miRNA of each row stands among the candidates.

    Args:
      scores: [n, m], the higher the better.
      candidates: m distinct miRNAs; of two with one score the earlier stands first.
      true: n miRNAs.

    Returns:
      Ranks from 1; infinity where the true miRNA is no candidate.
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
    scores: np.ndarray,
    candidates: Sequence[str],
    pairs: Pairs,
    known: Mapping[str, set[str]],
) -> Float[np.ndarray, "n m"]:
    """Leave out, of each row, the other miRNAs that are known to bind its target.

    A site binds all of a family, and a row names one: the others are no mistakes.

    Args:
      scores: [n, m], the higher the better.
      candidates: m distinct miRNAs.
      pairs: n rows.
      known: target → every miRNA known for it.

    Returns:
      The scores, with -infinity for what is left out.

    References:
      Bordes et al. 2013, Translating Embeddings for Modeling Multi-relational Data
      (the "filtered" setting).
    """
    column_of = {mirna: column for column, mirna in enumerate(candidates)}
    rivals = np.array(scores, np.float64)
    for row, (mirna, target) in enumerate(
        zip(pairs.mirnas, pairs.targets, strict=True)
    ):
        others = known.get(target, set()) - {mirna}
        rivals[
            row, [column_of[other] for other in others if other in column_of]
        ] = -np.inf
    return rivals


def retrieval_metrics(
    ranks: Float[np.ndarray, " n"],
    first: Sequence[str],
    true: Sequence[str],
    targets: Sequence[str],
    known: Mapping[str, set[str]],
) -> dict[str, float]:
    """Score a ranking of candidates.

    Args:
      ranks: of the true miRNA of n rows, from 1; infinity where it is no candidate.
      first: the candidate that stands first, of each row.
      true: the miRNA of each row.
      targets: the target of each row.
      known: target → every miRNA known for it; the row's own miRNA always counts.

    Returns:
      As shares of the rows: `top_1`, `top_5` and `top_10`, the true miRNA is among the
      first so many; `top_1_known`, the first is any miRNA known for that target;
      `top_1_seed`, it has the true miRNA's seed (letters 2-8), as its family does. And
      `mrr`, the mean of 1 / rank, 0 where the true miRNA is no candidate.

    Raises:
      ValueError: if there are no rows.
    """
    if not len(true):
        raise ValueError("no rows whose miRNA was ranked")
    figures = {f"top_{depth}": float((ranks <= depth).mean()) for depth in DEPTHS}
    rows = list(zip(first, true, targets, strict=True))
    is_known = [
        found == mirna or found in known.get(target, ())
        for found, mirna, target in rows
    ]
    of_family = [found[SEED] == mirna[SEED] for found, mirna, _ in rows]
    return figures | {
        "mrr": float((1.0 / ranks).mean()),
        "top_1_known": float(np.mean(is_known)),
        "top_1_seed": float(np.mean(of_family)),
    }
