"""What is reported of a model."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from mirjax.evaluation.evaluation_set import Rows

Metrics = Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class Report:
    """The figures of an evaluation.

    Attributes:
      results: figures of the model, and what they depend on.
      baselines: predictor that takes a shortcut → its figures.
      notes: lines to print below the table.
      columns: more predictors to print → their figures.
    """

    results: Metrics
    baselines: Mapping[str, Metrics]
    notes: Sequence[str]
    columns: Mapping[str, Metrics] = dataclasses.field(default_factory=dict)


def on_training_data(rows: Rows, trained_on: Mapping[str, Any]) -> bool:
    """Tell whether rows are of the dataset on which the model was trained.

    Only then do the baselines belong among the curves of its training.

    Args:
      rows: what the model is evaluated on.
      trained_on: the config of the model's training data; empty if it is not known.
    """
    return bool(rows.protocol) and rows.data == trained_on.get("name")
