"""An experiment of the study, and the rows of its table."""

import dataclasses
import functools
import json
import pathlib
import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from sklearn import metrics as sklearn_metrics

from mirjax.studies.intervals import Interval, fraction_interval, row_interval
from mirjax.studies.settings import Settings
from mirjax.studies.stages import Outcome, Stage

REPORTED, MODEL, BASELINE, LENGTHS = ("reported", "model", "baseline", "lengths")
"""Kinds of rows."""

Row = dict[str, Any]
Outcomes = Mapping[str, Outcome]

_REPORTED_FILE = pathlib.Path(__file__).with_name("reported.json")
# Metrics that are means over rows of values from 0 to 1.
_COUNTED = (
    "accuracy",
    "exact_match",
    "known_match",
    "seed_match",
    "token_accuracy_keras",
    "token_accuracy_masked",
    "blast_hit_share",
    "blast_name_match",
    "top_1",
    "top_10",
)
# Metrics of the ranking of labelled rows: (labels, probabilities) → metric.
_ORDERED = {
    "average_precision": sklearn_metrics.average_precision_score,
    "auroc": sklearn_metrics.roc_auc_score,
}
_MOST_ORDERED_DRAWS = 200  # each sorts all rows


@dataclasses.dataclass(frozen=True)
class Content:
    """The content of an experiment's result.

    Attributes:
      rows: of its table, see `metric_row`.
      values: single numbers that its text needs, by name.
      pictures: data of its pictures, by name; JSON-like.
      notes: remarks shown with its table.
    """

    rows: Sequence[Row]
    values: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    pictures: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    notes: Sequence[str] = ()


@dataclasses.dataclass(frozen=True)
class Experiment:
    """An experiment: its question, its stages, and the content made from them.

    Attributes:
      name: "T1" to "T9".
      title: in a few words.
      question: that it answers.
      stages: settings → its stages by name; those of a recipe's seeds are named
        "…/SEED".
      content: (settings, outcomes of the stages by name) → its content.
    """

    name: str
    title: str
    question: str
    stages: Callable[[Settings], Mapping[str, Stage]]
    content: Callable[[Settings, Outcomes], Content]


@functools.cache
def reported_values() -> Mapping[str, Sequence[Mapping[str, Any]]]:
    """Return the reported values: experiment → values, each with its source."""
    found: dict[str, Any] = json.loads(_REPORTED_FILE.read_text(encoding="utf-8"))
    return found


def of_seeds(outcomes: Outcomes, name: str) -> list[Outcome]:
    """Return the outcomes that are named "NAME/SEED", in the order of the seeds."""
    return [
        outcome for key, outcome in outcomes.items() if key.rpartition("/")[0] == name
    ]


def reported_rows(name: str, settings: Settings) -> list[Row]:
    """Return a row for each reported value of an experiment."""
    return [
        {
            "predictor": "reported",
            "kind": REPORTED,
            "data": settings.datasets[reported["role"]],
            "metric": reported["metric"],
            "reported": reported["value"],
            "note": reported.get("note", ""),
            "source": reported["source"],
        }
        for reported in reported_values()[name]
    ]


@dataclasses.dataclass(frozen=True)
class Predictor:
    """A row's predictor.

    Attributes:
      name: in the table.
      data: the data of its metrics.
      kind: `MODEL` or `BASELINE`.
    """

    name: str
    data: str
    kind: str = MODEL


def metric_row(
    settings: Settings,
    predictor: Predictor,
    metric: str,
    seen: Sequence[Outcome],
    held_out: Sequence[Outcome],
) -> Row:
    """Return the row of a predictor: a metric on rows seen in training, and held out.

    Args:
      settings: of the study.
      predictor: whose row it is.
      metric: a key of the measurements.
      seen: one outcome per seed, or none. `model` holds the metrics; `labels` and
        `probabilities`, if present, give intervals of metrics that are not fractions.
      held_out: likewise.

    Returns:
      `seen` and `held_out`, means over seeds; for each, where defined, `…_interval`,
      `…_by_seed` and `…_rows`; and `seeds`, the number of seeds.
    """
    row: Row = {
        "predictor": predictor.name,
        "kind": predictor.kind,
        "data": predictor.data,
        "metric": metric,
        "seeds": len(held_out) if predictor.kind == MODEL else None,
    }
    for part, outcomes in (("seen", seen), ("held_out", held_out)):
        values = [outcome["model"].get(metric) for outcome in outcomes]
        if not values or None in values:
            continue
        row[part] = statistics.fmean(values)
        row[f"{part}_by_seed"] = values
        row[f"{part}_rows"] = int(outcomes[0]["model"]["n"])
        interval = _interval(settings, metric, values, outcomes)
        if interval is not None:
            row[f"{part}_interval"] = list(interval)
    return row


def baseline_rows(
    settings: Settings,
    data: str,
    metric: str,
    names: Mapping[str, str],
    measured: tuple[Outcome | None, Outcome],
) -> list[Row]:
    """Return the rows of the baselines that were measured together with a model.

    Args:
      settings: of the study.
      data: the data of their metrics.
      metric: a key of the measurements.
      names: baseline → its name in the table.
      measured: on rows seen in training, if any, and on held-out rows.
    """
    seen, held_out = (
        {} if outcome is None else outcome["baselines"] for outcome in measured
    )
    return [
        metric_row(
            settings,
            Predictor(title, data, BASELINE),
            metric,
            [{"model": seen[name]}] if name in seen else [],
            [{"model": held_out[name]}],
        )
        for name, title in names.items()
        if name in held_out
    ]


def _interval(
    settings: Settings,
    metric: str,
    values: Sequence[float],
    outcomes: Sequence[Outcome],
) -> Interval | None:
    """Return a 95% interval over seeds and rows; None for a metric without one."""
    if metric.startswith("blast_hit_share") or metric in _COUNTED:
        rows = int(outcomes[0]["model"]["n"])
        return fraction_interval(values, rows, draws=settings.draws)
    if metric in _ORDERED and all("labels" in outcome for outcome in outcomes):
        return row_interval(
            _ORDERED[metric],
            np.array(outcomes[0]["labels"]),
            np.array([outcome["probabilities"] for outcome in outcomes]),
            draws=min(settings.draws, _MOST_ORDERED_DRAWS),
        )
    return None
