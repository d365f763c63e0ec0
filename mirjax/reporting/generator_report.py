"""Measure a model that generates miRNAs, and draw its answers and its history."""

import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from absl import logging

from mirjax.blast.programs import find_blast
from mirjax.datasets import registry
from mirjax.evaluation import generator
from mirjax.evaluation.baselines import generator as generator_baselines
from mirjax.evaluation.evaluation_set import Rows
from mirjax.evaluation.metrics import sequence
from mirjax.models import trained as exported
from mirjax.models.interfaces import AttentionGenerator
from mirjax.models.trained import TrainedModel
from mirjax.reporting import plots
from mirjax.reporting.attention_plot import Duplex, attention
from mirjax.reporting.report import Metrics, Report, on_training_data
from mirjax.training import workdir

HUMAN, SIMULATED = "mirbase/hsa", "simulated"  # databases by default
_DUPLEXES = 4  # drawn


def report_generator(
    trained: TrainedModel,
    rows: Rows,
    folder: pathlib.Path,
    *,
    history: Sequence[Mapping[str, float]] = (),
    database: str = "",
    l2: float = 0.0,
    with_blast: bool = True,
    decoders: Sequence[str] = generator.DECODERS,
    beam_width: int = 8,
) -> Report:
    """Measure a generator beside its baselines.

    Args:
      trained: the model.
      rows: to measure on; they fit the model.
      folder: where `predictions.png` and `lengths.png` go, `attention.png` if the
        model has attention, and `curves.png` if there is a history; it is made once
        everything given is known to be right.
      history: rows of the run's `metrics.jsonl`.
      database: real miRNAs, a FASTA file or dataset; by default those of `rows`.
      l2: factor of the penalty in the model's training loss.
      with_blast: whether to search the answers in the database by BLAST.
      decoders: as `generator.evaluate_generator` takes them.
      beam_width: likewise.

    Returns:
      The metrics of `generator.evaluate_generator` and of the baselines,
      `database`, `l2`, `beam_width`, `decoders`: the figures by decoder, and
      `new_targets_baselines`: those of the baselines on targets in no training pair.

    Raises:
      ValueError: if the database cannot be read.
      FloatingPointError: if the loss is not a number.
      BlastError: if BLAST+ is missing or fails.
    """
    trained_on = trained.metadata.get("data") or {}
    if not database:
        known_data = rows.data if rows.protocol else trained_on.get("name")
        database = SIMULATED if known_data == SIMULATED else HUMAN
    records = registry.load_fasta(database)
    if with_blast:
        find_blast()
    folder.mkdir(parents=True, exist_ok=True)
    by_decoder = generator.evaluate_generator(
        trained,
        rows.held_out,
        rows.train,
        records,
        l2=l2,
        with_blast=with_blast,
        decoders=decoders,
        beam_width=beam_width,
    )
    figures = by_decoder.pop("model")
    logging.info("measuring the baselines")
    new = sequence.new_targets(rows.held_out, rows.train)
    baselines, of_new_targets = (
        generator_baselines.generator_baselines(
            rows.train,
            part,
            [record.sequence for record in records],
            length=trained.model.max_mirna_length + 1,
        )
        if len(part)
        else {}
        for part in (rows.held_out, rows.held_out.take(np.flatnonzero(new)))
    )
    plots.answers(figures, baselines, folder / "predictions.png", title=rows.describe())
    plots.matches_by_length(
        {"target": figures["by_target_length"], "miRNA": figures["by_mirna_length"]},
        folder / "lengths.png",
        title=f"Greedy answers: {rows.describe()}",
    )
    if isinstance(trained.model, AttentionGenerator):
        _draw_attention(trained, rows, folder / "attention.png")
    if history:
        shown = baselines if on_training_data(rows, trained_on) else {}
        _draw_history(history, folder / "curves.png", rows, shown)
    return Report(
        results={
            "database": database,
            "l2": l2,
            **figures,
            "beam_width": beam_width,
            "decoders": by_decoder,
            "new_targets_baselines": of_new_targets,
        },
        baselines=baselines,
        notes=[f"database {database}; beams of {beam_width}"],
        columns=by_decoder,
    )


def l2_factor(model: pathlib.Path, metadata: Mapping[str, Any]) -> float:
    """Find the penalty's factor: in the model's file, or its run's config beside it.

    Args:
      model: a workdir or a model file.
      metadata: the model's.

    Returns:
      The factor; 0 where none is known.
    """
    if "l2" in metadata:
        return float(metadata["l2"])
    folder = model.parent if model.name == exported.FILE_NAME else model
    try:
        config = json.loads((folder / workdir.CONFIG_FILE).read_text())
        return float(config["train"]["l2"])
    except (OSError, ValueError, KeyError, TypeError):
        logging.info("%s: no L2 factor is known; loss is cross-entropy alone", model)
        return 0.0


def _draw_attention(trained: TrainedModel, rows: Rows, path: pathlib.Path) -> None:
    """Draw what the decoder looks at, of the first different targets."""
    true = dict(zip(rows.held_out.targets, rows.held_out.mirnas, strict=True))
    targets = list(true)[:_DUPLEXES]
    duplexes = []
    for target, (answer, weights) in zip(
        targets, generator.attention_maps(trained, targets), strict=True
    ):
        if not answer:  # nothing was looked at
            continue
        verdict = (
            "the true miRNA" if answer == true[target] else f"true: {true[target]}"
        )
        duplexes.append(Duplex(target, answer, weights, f"{answer} ({verdict})"))
    title = f"Attention, mean of layers and heads: {rows.describe()}"
    if duplexes:
        attention(duplexes, path, title=title)


def _draw_history(
    history: Sequence[Mapping[str, float]],
    path: pathlib.Path,
    rows: Rows,
    baselines: Mapping[str, Metrics],
) -> None:
    """Draw the training curves, with the baselines if there are any."""
    if not baselines:
        plots.training_curves(history, path)
        return
    plots.training_curves(
        history,
        path,
        blind_accuracy=baselines["prefix_only"]["token_accuracy_masked"],
        retrieval_match={
            name: baselines[name]["exact_match"]
            for name in ("complementarity", "complementarity_anchored")
        },
        title=f"Broken lines: baselines on {rows.describe()}",
    )
