"""Where a generator, and what is combined with it, puts the true miRNA of a target."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Bool, Float

from mirjax.alignment import complementarity
from mirjax.evaluation.metrics.retrieval import (
    retrieval_metrics,
    scores_without_known,
    true_ranks,
)
from mirjax.evaluation.metrics.sequence import Metrics, with_new_targets
from mirjax.evaluation.score_fusion import combine
from mirjax.inference import ranking
from mirjax.models.trained import TrainedModel
from mirjax.sequences import alphabet
from mirjax.sequences.records import Pairs


def ranking_metrics(
    trained: TrainedModel,
    held_out: Pairs,
    known: Mapping[str, set[str]],
    new: Bool[np.ndarray, " n"],
    candidates: Sequence[str],
) -> Metrics:
    """Rank candidates by log P(miRNA | target), exactly.

    Args:
      trained: a generator.
      held_out: n rows that fit it.
      known: target → every miRNA known for it.
      new: which rows have a target that is not in the training data.
      candidates: distinct miRNAs that the model can emit.

    Returns:
      The figures of `retrieval.retrieval_metrics`, and of the new targets alone.
    """
    found = ranking.rank_true(
        trained.model,
        trained.params,
        _tokens(trained, held_out),
        held_out.mirnas,
        candidates,
    )
    first = [candidates[number] for number in found.first]
    return _measure(found.ranks, first, held_out, known, new)


def fused_metrics(
    trained: TrainedModel,
    held_out: Pairs,
    known: Mapping[str, set[str]],
    new: Bool[np.ndarray, " n"],
    candidates: Sequence[str],
) -> tuple[Metrics, Metrics]:
    """Rank candidates by log P(miRNA | target), alone and with complementarity.

    Args:
      trained: a generator.
      held_out: n rows that fit it.
      known: target → every miRNA known for it.
      new: which rows have a target that is not in the training data.
      candidates: distinct miRNAs that the model can emit.

    Returns:
      Two times the figures of `ranking_metrics`, and `top_1_filtered`: the true miRNA
      is first when the other miRNAs known for its target are left out. First by log P;
      then by it and both scores of `complementarity.score_all`, as
      `combination.combine` weighs them: none where no weights can be fitted, since the
      true miRNAs are no candidates.
    """
    targets = list(held_out.targets)
    log_probs = ranking.rank(
        trained.model, trained.params, _tokens(trained, held_out), candidates
    )
    numbers = {mirna: number for number, mirna in enumerate(candidates)}
    true = [numbers.get(mirna, -1) for mirna in held_out.mirnas]
    kinds = [
        log_probs,
        complementarity.score_all(targets, candidates),
        complementarity.score_all(targets, candidates, anchored=True),
    ]

    def measure(scores: Float[np.ndarray, "n m"]) -> Metrics:
        ranks = true_ranks(scores, candidates, held_out.mirnas)
        first = [candidates[number] for number in scores.argmax(axis=1)]
        rivals = scores_without_known(scores, candidates, held_out, known)
        filtered = true_ranks(rivals, candidates, held_out.mirnas)
        figures = _measure(ranks, first, held_out, known, new)
        return figures | {"top_1_filtered": float((filtered == 1).mean())}

    try:
        combined = combine(np.stack(kinds).astype(np.float64), true, targets)
    except ValueError:
        return measure(log_probs), {}
    return measure(log_probs), measure(combined)


def _measure(
    ranks: Float[np.ndarray, " n"],
    first: Sequence[str],
    held_out: Pairs,
    known: Mapping[str, set[str]],
    new: Bool[np.ndarray, " n"],
) -> Metrics:
    def metrics_of(rows: np.ndarray) -> Metrics:
        part = held_out.take(rows)
        answers = [first[row] for row in rows]
        return retrieval_metrics(ranks[rows], answers, part.mirnas, part.targets, known)

    return with_new_targets(metrics_of, new)


def _tokens(trained: TrainedModel, pairs: Pairs) -> np.ndarray:
    return alphabet.encode(pairs.targets, trained.model.max_target_length)
