"""Measure a generator and its baselines."""

import dataclasses
import functools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np
from absl import logging

from mirjax.datasets import batches
from mirjax.evaluation import ranking_metrics
from mirjax.evaluation.attention_maps import AttentionMap, first_maps
from mirjax.evaluation.baselines.generator import generator_baselines
from mirjax.evaluation.blast_metrics import blast_metrics
from mirjax.evaluation.evaluation_set import EvaluationSet
from mirjax.evaluation.metrics.sequence import Metrics, matches_by_length
from mirjax.evaluation.options import COMBINED, DATABASE, RANKING, GeneratorOptions
from mirjax.evaluation.set_metrics import NEW_TARGETS, join_metrics, prediction_metrics
from mirjax.inference.decoders import emitted, make_decoder
from mirjax.inference.finite import check_log_probs
from mirjax.inference.options import BEAM, CONSTRAINED, GREEDY
from mirjax.inference.teacher_forced import evaluate_teacher_forced
from mirjax.models import losses
from mirjax.models.interfaces import AttentionGenerator
from mirjax.models.trained import TrainedModel
from mirjax.sequences import alphabet
from mirjax.xla import compiler_options

_MAX_BATCH = 512  # rows


@dataclasses.dataclass(frozen=True)
class GeneratorResults:
    """The measurements of a generator.

    Attributes:
      options: of the evaluation.
      model: metrics of the model: teacher-forced, of the greedy predictions, of their
        BLAST hits, and of the ranking of the training miRNAs.
      decoders: metrics of the other decoders, by name: `beam`, `constrained` (a beam
        among the miRNAs of the database), `ranking_combined` (training miRNAs ranked
        by log P and complementarity) and `ranking_database` (miRNAs of the database
        ranked by log P).
      baselines: metrics of each baseline; none without training rows.
      new_targets_baselines: the same, on the rows whose target is in no training pair;
        empty if there are none. `model` and `decoders` hold them as `new_targets`.
      attention_maps: of the first targets, if the model has attention.
    """

    options: GeneratorOptions
    model: Metrics
    decoders: Mapping[str, Metrics]
    baselines: Mapping[str, Metrics]
    new_targets_baselines: Mapping[str, Metrics]
    attention_maps: Sequence[AttentionMap]


def measure_generator(
    trained: TrainedModel,
    evaluation_set: EvaluationSet,
    options: GeneratorOptions,
) -> GeneratorResults:
    """Measure a generator and its baselines.

    Args:
      trained: the model.
      evaluation_set: positive pairs to measure on.
      options: what to measure.

    Raises:
      FloatingPointError: if the loss is NaN or infinite.
      BlastError: if BLAST+ is needed and missing, or fails.
    """
    logging.info(
        "computing the loss of %d miRNAs, given the true previous letters",
        len(evaluation_set.held_out),
    )
    model: Metrics = dict(
        teacher_forced_metrics(trained, evaluation_set, l2=options.l2)
    )
    model |= _greedy_metrics(trained, evaluation_set, options.with_blast)
    beams = _beam_metrics(trained, evaluation_set, options)
    ranked, rankings = _ranking_metrics(trained, evaluation_set, options.decoders)

    logging.info("measuring the baselines")
    has_training_rows = len(evaluation_set.train) > 0
    baselines = generator_baselines(evaluation_set) if has_training_rows else {}
    of_new_targets = {
        name: metrics.pop(NEW_TARGETS)
        for name, metrics in baselines.items()
        if NEW_TARGETS in metrics
    }
    maps: Sequence[AttentionMap] = ()
    if isinstance(trained.model, AttentionGenerator):
        maps = first_maps(trained, evaluation_set.held_out)
    return GeneratorResults(
        options=options,
        model=join_metrics(model, ranked),
        decoders=beams | rankings,
        baselines=baselines,
        new_targets_baselines=of_new_targets,
        attention_maps=maps,
    )


def teacher_forced_metrics(
    trained: TrainedModel, evaluation_set: EvaluationSet, *, l2: float = 0.0
) -> dict[str, float]:
    """Measure the prediction of each letter, given the true letters before it.

    Args:
      trained: a generator.
      evaluation_set: rows to measure on.
      l2: factor of the L2 penalty in the model's training loss.

    Returns:
      `loss` (cross-entropy and penalty) and `cross_entropy`, in nats per position, and
      `token_accuracy_masked` and `token_accuracy_keras`; see `losses.mean_metrics`.

    Raises:
      FloatingPointError: if the loss is NaN or infinite.
    """
    num_rows = len(evaluation_set.held_out)
    batch_size = min(_MAX_BATCH, 1 << (num_rows - 1).bit_length())
    evaluate_batch = jax.jit(
        functools.partial(losses.evaluate_batch, trained.model),
        compiler_options=compiler_options(),
    )
    filled = batches.fill_batches(evaluation_set.tokens, batch_size)
    metrics = evaluate_teacher_forced(evaluate_batch, trained.params, filled, l2)
    if not math.isfinite(metrics["loss"]):
        raise FloatingPointError(
            f"the model's loss is {metrics['loss']}: its parameters are damaged or its "
            "training diverged; train it again"
        )
    return metrics


def decode(
    trained: TrainedModel,
    evaluation_set: EvaluationSet,
    decoder: str = GREEDY,
    **options: Any,
) -> list[str]:
    """Return the predicted miRNA of each target, 5'→3'.

    Args:
      trained: a generator.
      evaluation_set: rows to decode.
      decoder: one of `inference.options.DECODERS`.
      **options: as for `decoders.make_decoder`.

    Raises:
      FloatingPointError: if a log-probability is NaN.
    """
    logging.info("decoding %d targets: %s", len(evaluation_set.held_out), decoder)
    run = make_decoder(decoder, trained.model, trained.params, **options)
    decoded = run(np.asarray(evaluation_set.tokens.targets))
    check_log_probs(decoded.log_probs)
    return alphabet.decode(decoded.tokens)


def _greedy_metrics(
    trained: TrainedModel, evaluation_set: EvaluationSet, with_blast: bool
) -> Metrics:
    """Measure the greedy predictions: all, by length, and by their BLAST hits."""
    predictions = decode(trained, evaluation_set)
    metrics = prediction_metrics(evaluation_set, predictions)
    held_out = evaluation_set.held_out
    for name, column in (
        ("by_target_length", held_out.targets),
        ("by_mirna_length", held_out.mirnas),
    ):
        metrics[name] = matches_by_length(predictions, held_out.mirnas, column)
    if with_blast:
        logging.info("searching %d distinct miRNAs by BLAST", len(set(predictions)))
        metrics |= blast_metrics(predictions, held_out.mirnas, evaluation_set.database)
    return metrics


def _beam_metrics(
    trained: TrainedModel, evaluation_set: EvaluationSet, options: GeneratorOptions
) -> dict[str, Metrics]:
    """Measure the requested beam searches, by name."""
    found = {}
    for name in (BEAM, CONSTRAINED):
        if name in options.decoders:
            predictions = decode(
                trained,
                evaluation_set,
                name,
                allowed=evaluation_set.database,
                width=options.beam_width,
            )
            found[name] = prediction_metrics(evaluation_set, predictions)
    return found


def _ranking_metrics(
    trained: TrainedModel, evaluation_set: EvaluationSet, wanted: Sequence[str]
) -> tuple[Metrics, dict[str, Metrics]]:
    """Measure the requested rankings.

    Returns:
      Metrics of the ranking of the training miRNAs by log P, and by name those of the
      other rankings.
    """
    candidates = evaluation_set.train_mirnas
    by_log_prob: Metrics = {}
    others: dict[str, Metrics] = {}
    if not candidates:
        logging.info("no training miRNAs to rank")
    elif COMBINED in wanted:
        logging.info("ranking %d training miRNAs, fused scores", len(candidates))
        by_log_prob, others["ranking_combined"] = ranking_metrics.fused_ranking_metrics(
            trained, evaluation_set
        )
    elif RANKING in wanted:
        logging.info("ranking %d training miRNAs", len(candidates))
        by_log_prob = ranking_metrics.ranking_metrics(
            trained, evaluation_set, candidates
        )
    if DATABASE in wanted:
        allowed = emitted(evaluation_set.database, evaluation_set.max_mirna_length)
        logging.info("ranking %d miRNAs of the database", len(allowed))
        others["ranking_database"] = ranking_metrics.ranking_metrics(
            trained, evaluation_set, allowed
        )
    return by_log_prob, others
