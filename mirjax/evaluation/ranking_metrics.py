"""Metrics of a generator that ranks candidate miRNAs, alone or with complementarity."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from mirjax.evaluation.evaluation_set import EvaluationSet
from mirjax.evaluation.metrics.retrieval import scores_without_known, true_ranks
from mirjax.evaluation.metrics.sequence import Metrics
from mirjax.evaluation.score_fusion import can_fuse, fuse_scores
from mirjax.evaluation.set_metrics import rank_metrics
from mirjax.inference import ranking
from mirjax.models.trained import TrainedModel


def ranking_metrics(
    trained: TrainedModel, evaluation_set: EvaluationSet, candidates: Sequence[str]
) -> Metrics:
    """Rank candidates by log P(miRNA | target), exactly.

    Args:
      trained: a generator.
      evaluation_set: rows to measure on.
      candidates: distinct miRNAs that the model can emit.

    Returns:
      The metrics of `set_metrics.rank_metrics`.
    """
    found = ranking.rank_true(
        trained.model,
        trained.params,
        np.asarray(evaluation_set.tokens.targets),
        evaluation_set.held_out.mirnas,
        candidates,
    )
    first = [candidates[index] for index in found.first]
    return rank_metrics(evaluation_set, found.ranks, first)


def fused_ranking_metrics(
    trained: TrainedModel, evaluation_set: EvaluationSet
) -> tuple[Metrics, Metrics]:
    """Rank the training miRNAs by log P(miRNA | target), and with complementarity.

    Args:
      trained: a generator that can emit every training miRNA.
      evaluation_set: rows to measure on.

    Returns:
      The metrics of `set_metrics.rank_metrics`, and `top_1_filtered`: the true miRNA
      ranks first when the other miRNAs known for its target are excluded. Two sets of
      metrics: of the ranking by log P; and of the ranking by log P and both
      complementarity scores, weighted as in `score_fusion.fuse_scores`. The second is
      empty if no weights can be fitted, since too few true miRNAs are training miRNAs.
    """
    candidates = evaluation_set.train_mirnas
    log_probs = ranking.rank(
        trained.model,
        trained.params,
        np.asarray(evaluation_set.tokens.targets),
        candidates,
    )
    index_of = {mirna: index for index, mirna in enumerate(candidates)}
    true = [index_of.get(mirna, -1) for mirna in evaluation_set.held_out.mirnas]
    targets = evaluation_set.held_out.targets
    alone = _score_metrics(evaluation_set, log_probs)
    if not can_fuse(true, targets):
        return alone, {}
    kinds = [
        log_probs,
        evaluation_set.complementarity,
        evaluation_set.anchored_complementarity,
    ]
    fused = fuse_scores(np.stack(kinds).astype(np.float64), true, targets)
    return alone, _score_metrics(evaluation_set, fused)


def _score_metrics(
    evaluation_set: EvaluationSet, scores: Float[np.ndarray, "n m"]
) -> Metrics:
    """Measure the ranking of the training miRNAs by scores."""
    candidates = evaluation_set.train_mirnas
    held_out = evaluation_set.held_out
    ranks = true_ranks(scores, candidates, held_out.mirnas)
    first = [candidates[index] for index in scores.argmax(axis=1)]
    metrics = rank_metrics(evaluation_set, ranks, first)
    filtered = scores_without_known(scores, candidates, held_out, evaluation_set.known)
    filtered_ranks = true_ranks(filtered, candidates, held_out.mirnas)
    return metrics | {"top_1_filtered": float((filtered_ranks == 1).mean())}
