"""The report of a generator: plots, tables and notes."""

import pathlib
from collections.abc import Mapping, Sequence

from mirjax.evaluation.attention_maps import AttentionMap
from mirjax.evaluation.evaluation_set import EvaluationSet
from mirjax.evaluation.generator import GeneratorResults
from mirjax.reporting import curves, plots
from mirjax.reporting.attention_plot import Duplex, attention
from mirjax.reporting.drawing import Row
from mirjax.reporting.report import Metrics, Report


def report_generator(
    results: GeneratorResults,
    evaluation_set: EvaluationSet,
    folder: pathlib.Path,
    history: Sequence[Row] = (),
) -> Report:
    """Draw the plots of a generator, and return its report.

    Args:
      results: the measurements.
      evaluation_set: the rows of the measurements.
      folder: where `predictions.png` and `lengths.png` are written, `attention.png` if
        there are attention maps, and `curves.png` if there is a history.
      history: rows of `metrics.jsonl` of the model's training.
    """
    _draw(results, evaluation_set, folder, history)
    options, database = results.options, evaluation_set.database_name
    return Report(
        metrics={
            "database": database,
            "l2": options.l2,
            **results.model,
            "beam_width": options.beam_width,
            "decoders": results.decoders,
            "new_targets_baselines": results.new_targets_baselines,
        },
        baselines=results.baselines,
        notes=[f"database {database}; beams of {options.beam_width}"],
        decoders=results.decoders,
    )


def _draw(
    results: GeneratorResults,
    evaluation_set: EvaluationSet,
    folder: pathlib.Path,
    history: Sequence[Row],
) -> None:
    rows, model = evaluation_set.describe(), results.model
    plots.predictions(model, results.baselines, folder / "predictions.png", title=rows)
    plots.matches_by_length(
        {"target": model["by_target_length"], "miRNA": model["by_mirna_length"]},
        folder / "lengths.png",
        title=f"Greedy predictions: {rows}",
    )
    if duplexes := _duplexes(results.attention_maps):
        title = f"Attention, mean of layers and heads: {rows}"
        attention(duplexes, folder / "attention.png", title=title)
    if history:
        path = folder / "curves.png"
        if evaluation_set.source.is_training_data:
            _draw_with_baselines(history, path, results.baselines, rows)
        else:
            curves.training_curves(history, path)


def _duplexes(maps: Sequence[AttentionMap]) -> list[Duplex]:
    """Return the panels to draw; an empty prediction has none."""
    duplexes = []
    for each in maps:
        if each.prediction:
            is_right = each.prediction == each.true
            truth = "the true miRNA" if is_right else f"true: {each.true}"
            title = f"{each.prediction} ({truth})"
            duplexes.append(Duplex(each.target, each.prediction, each.weights, title))
    return duplexes


def _draw_with_baselines(
    history: Sequence[Row],
    path: pathlib.Path,
    baselines: Mapping[str, Metrics],
    rows: str,
) -> None:
    """Draw the training curves, with the baselines as dashed lines."""
    curves.training_curves(
        history,
        path,
        prefix_only_accuracy=baselines["prefix_only"]["token_accuracy_masked"],
        retrieval_match={
            name: baselines[name]["exact_match"]
            for name in ("complementarity", "complementarity_anchored")
        },
        title=f"Dashed lines: baselines on {rows}",
    )
