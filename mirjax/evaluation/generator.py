"""Every figure of a model that generates miRNAs."""

import functools
import math
import pathlib
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from absl import logging

from mirjax.blast.database import build_database
from mirjax.blast.search import search_unique
from mirjax.blast.settings import PUBLISHED
from mirjax.datasets import batches
from mirjax.evaluation import ranking_metrics
from mirjax.evaluation.metrics import sequence
from mirjax.evaluation.metrics.sequence import Metrics
from mirjax.inference import greedy
from mirjax.inference.decoders import emitted, make_decoder
from mirjax.inference.options import BEAM, CONSTRAINED, GREEDY
from mirjax.inference.teacher_forced import evaluate_teacher_forced
from mirjax.models import losses
from mirjax.models.trained import TrainedModel
from mirjax.sequences import alphabet, fasta
from mirjax.sequences.records import Pairs, SequenceRecord
from mirjax.xla import compiler_options

RANKING, DATABASE, COMBINED = "ranking", "database", "combined"
DECODERS = (BEAM, CONSTRAINED, RANKING, DATABASE, COMBINED)  # beside greedy decoding
EVALUES = (0.01, 0.005, 0.001)  # at which the published study counts hits

_MAX_BATCH = 512  # rows


def teacher_forced_metrics(
    trained: TrainedModel, pairs: Pairs, *, l2: float = 0.0
) -> dict[str, float]:
    """Score each next letter, given the true letters before it.

    Args:
      trained: a generator.
      pairs: rows that fit it.
      l2: factor of the penalty in the model's training loss.

    Returns:
      `loss` (cross-entropy and penalty) and `cross_entropy`, in nats a position, and
      `token_accuracy_masked` and `token_accuracy_keras`; see `losses.mean_metrics`.

    Raises:
      ValueError: for a row that does not fit; it names the row.
      FloatingPointError: if the loss is not a number.
    """
    rows = _encode(trained, pairs)
    batch_size = min(_MAX_BATCH, 1 << (len(pairs) - 1).bit_length())
    evaluate_batch = jax.jit(
        functools.partial(losses.evaluate_batch, trained.model),
        compiler_options=compiler_options(),
    )
    figures = evaluate_teacher_forced(
        evaluate_batch, trained.params, batches.fill_batches(rows, batch_size), l2
    )
    if not math.isfinite(figures["loss"]):
        raise FloatingPointError(
            f"the model's loss is {figures['loss']}: its parameters are damaged or its "
            "training diverged; train it again"
        )
    return figures


def decode(
    trained: TrainedModel, pairs: Pairs, decoder: str = GREEDY, **options: Any
) -> list[str]:
    """Return the model's answer for each target, 5'→3'.

    Args:
      trained: a generator.
      pairs: rows that fit it.
      decoder: as `decoders.make_decoder` takes it.
      **options: likewise.
    """
    answer = make_decoder(decoder, trained.model, trained.params, **options)
    decoded = answer(np.asarray(_encode(trained, pairs).targets))
    return alphabet.decode(decoded.tokens)


def attention_maps(
    trained: TrainedModel, targets: Sequence[str]
) -> list[tuple[str, np.ndarray]]:
    """Decode targets greedily, and find what was looked at for each letter.

    Args:
      trained: a generator that has `attention_weights`.
      targets: sites that fit it, 5'→3'.

    Returns:
      Of each target the answer, 5'→3', and the attention [letters of the answer, of the
      target] while each letter was chosen, the mean of all layers and heads.
    """
    model = trained.model
    tokens = alphabet.encode(targets, model.max_target_length)
    decoded = greedy.decode(model, trained.params, tokens).tokens
    weights = model.apply(
        {"params": trained.params},
        jnp.asarray(tokens),
        losses.shift_right(decoded),
        method="attention_weights",
    )
    mean = np.asarray(weights.mean(axis=(0, 2)))
    return [
        (answer, mean[row, : len(answer), : len(target)])
        for row, (answer, target) in enumerate(
            zip(alphabet.decode(decoded), targets, strict=True)
        )
    ]


def blast_metrics(
    decoded: Sequence[str], true: Sequence[str], database: Sequence[SequenceRecord]
) -> dict[str, float]:
    """Search answers in the database, with the published settings, and score the hits.

    Args:
      decoded: answers, 5'→3'.
      true: the miRNA of each row.
      database: named miRNAs.

    Returns:
      What `sequence.best_hit_identity` returns, for hits of E-value 0.1 at most.

    Raises:
      BlastError: if BLAST+ is missing or fails.
    """
    with tempfile.TemporaryDirectory(prefix="mirjax-evaluate-") as folder:
        path = pathlib.Path(folder) / "database.fa"
        fasta.write_fasta(path, database)
        hits = search_unique(decoded, build_database(path), PUBLISHED)
    names_of: defaultdict[str, set[str]] = defaultdict(set)
    for record in database:
        names_of[record.sequence].add(record.name)
    return sequence.best_hit_identity(decoded, hits, true, names_of, thresholds=EVALUES)


def evaluate_generator(
    trained: TrainedModel,
    held_out: Pairs,
    train: Pairs,
    database: Sequence[SequenceRecord],
    *,
    l2: float = 0.0,
    with_blast: bool = True,
    decoders: Sequence[str] = DECODERS,
    beam_width: int = 8,
) -> dict[str, Metrics]:
    """Measure everything about a generator.

    Args:
      trained: the model.
      held_out: pairs to measure on, all of which bind and fit the model.
      train: its training pairs, which add to the miRNAs known for a target.
      database: real miRNAs.
      l2: factor of the penalty in the model's training loss.
      with_blast: whether to search the answers in the database by BLAST.
      decoders: what else than greedy decoding to measure, of `DECODERS`.
      beam_width: of the beam searches.

    Returns:
      `model`: the figures of `teacher_forced_metrics`; of the greedy answers, those of
      `sequence.sequence_metrics`, `by_target_length` and `by_mirna_length` (those of
      `sequence.matches_by_length`) and, if wanted, `blast_metrics`; and, if wanted,
      those of the ranking of the training miRNAs. By name, those of each other decoder:
      `beam`, `constrained` (a beam along the trie of the database), `ranking_database`
      (of the miRNAs of the database) and `ranking_combined` (of the training miRNAs, by
      log P and complementarity; see `ranking_metrics.fused_metrics`). In each,
      `new_targets` has the figures of the rows whose target is in no training pair, if
      there are any.

    Raises:
      ValueError: for a row that does not fit; it names the row.
      FloatingPointError: if the loss is not a number.
      BlastError: if BLAST+ is missing or fails.
    """
    logging.info("scoring %d miRNAs letter by letter", len(held_out))
    figures: Metrics = dict(teacher_forced_metrics(trained, held_out, l2=l2))
    known = sequence.known_mirnas(
        Pairs([*train.mirnas, *held_out.mirnas], [*train.targets, *held_out.targets])
    )
    new = sequence.new_targets(held_out, train)
    real = list(dict.fromkeys(record.sequence for record in database))

    def measure(answers: Sequence[str]) -> Metrics:
        def metrics_of(rows: np.ndarray) -> Metrics:
            part = held_out.take(rows)
            chosen = [answers[row] for row in rows]
            return sequence.sequence_metrics(
                chosen, part.mirnas, part.targets, known, real
            )

        return sequence.with_new_targets(metrics_of, new)

    logging.info("decoding %d targets", len(held_out))
    decoded = decode(trained, held_out)
    figures |= measure(decoded)
    for name, column in (
        ("by_target_length", held_out.targets),
        ("by_mirna_length", held_out.mirnas),
    ):
        figures[name] = sequence.matches_by_length(decoded, held_out.mirnas, column)
    if with_blast:
        logging.info("searching %d distinct answers by BLAST", len(set(decoded)))
        figures |= blast_metrics(decoded, held_out.mirnas, database)
    others: dict[str, Metrics] = {}
    for name in (BEAM, CONSTRAINED):
        if name in decoders:
            logging.info("decoding %d targets: %s", len(held_out), name)
            answers = decode(trained, held_out, name, allowed=real, width=beam_width)
            others[name] = measure(answers)
    seen = list(dict.fromkeys(train.mirnas))
    ranked: Metrics = {}
    if COMBINED in decoders:
        logging.info("ranking %d training miRNAs, with complementarity", len(seen))
        ranked, combined = ranking_metrics.fused_metrics(
            trained, held_out, known, new, seen
        )
        others["ranking_combined"] = combined
    elif RANKING in decoders:
        logging.info("ranking %d training miRNAs", len(seen))
        ranked = ranking_metrics.ranking_metrics(trained, held_out, known, new, seen)
    if of_new := ranked.pop("new_targets", {}):
        figures["new_targets"] |= of_new
    figures |= ranked
    if DATABASE in decoders:
        allowed = emitted(real, trained.model.max_mirna_length)
        logging.info("ranking %d miRNAs of the database", len(allowed))
        others["ranking_database"] = ranking_metrics.ranking_metrics(
            trained, held_out, known, new, allowed
        )
    return {"model": figures, **others}


def _encode(trained: TrainedModel, pairs: Pairs) -> batches.Batch:
    return batches.encode_pairs(
        pairs.targets,
        pairs.mirnas,
        target_length=trained.model.max_target_length,
        mirna_length=trained.model.max_mirna_length,
    )
