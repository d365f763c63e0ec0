"""Stages that measure a classifier and its baselines."""

import dataclasses
import pathlib
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mirjax.datasets import registry
from mirjax.evaluation.classifier import ProbabilityCurves, measure_classifier
from mirjax.evaluation.evaluation_set import make_evaluation_set
from mirjax.evaluation.options import TRAIN, ClassifierOptions, RowOptions
from mirjax.inference.classify import predict_probabilities
from mirjax.models.loading import load_model
from mirjax.studies.generators import HELD_OUT, SEEN
from mirjax.studies.settings import Settings
from mirjax.studies.stages import Cache, Outcome, Stage
from mirjax.studies.trainings import Training

_SECONDS = 10.0
_DIGITS = 6  # of a probability
_POINTS = 200  # of a curve, at most
_RELEASED = "mitar2021/weights/miTAR"


@dataclasses.dataclass(frozen=True)
class ClassifierMeasurement(Stage):
    """Measure a classifier on data that it was trained on, or on the held-out part.

    Attributes:
      training: the model.
      part: `SEEN` or `HELD_OUT`.
      settings: of the study.
      negatives: kind of negatives to measure with; "": the same as in training.
    """

    training: Training
    part: str
    settings: Settings
    negatives: str = ""
    expected: float = _SECONDS

    @property
    def title(self) -> str:  # type: ignore[override]
        """What is measured."""
        seed = self.training.overrides["seed"]
        beside = f" beside {self.negatives}" if self.negatives else ""
        return f"measure {self.training.name} seed {seed} {self.part}{beside}"

    @property
    def needs(self) -> Sequence[Stage]:  # type: ignore[override]
        """The model."""
        return (self.training,)

    def _options(self) -> RowOptions:
        settings, seen = self.settings, self.part == SEEN
        return RowOptions(
            data=self.training.config().data.name,
            part=TRAIN if seen else "",
            sample=settings.seen_rows if seen else settings.held_out_rows,
            negatives=self.negatives,
        )

    def inputs(self) -> Mapping[str, Any]:
        """Return the rows."""
        rows = self._options()
        names = ("data", "part", "sample", "negatives")
        return {name: getattr(rows, name) for name in names}

    def run(self, folder: pathlib.Path, cache: Cache) -> Outcome:
        """Measure the model and its baselines."""
        return _measure(cache.folder(self.training), self._options())

    def commands(self, cache: Cache) -> list[str]:
        """Return the command of mirjax.evaluate."""
        return [_command(str(cache.folder(self.training)), self._options())]


@dataclasses.dataclass(frozen=True)
class ReleasedMeasurement(Stage):
    """Measure the released miTAR weights on the held-out rows of a dataset.

    Attributes:
      data: the dataset.
      settings: of the study.
    """

    data: str
    settings: Settings
    expected: float = _SECONDS

    @property
    def title(self) -> str:  # type: ignore[override]
        """What is measured."""
        return f"measure released miTAR on {self.data} {HELD_OUT}"

    def _options(self) -> RowOptions:
        return RowOptions(data=self.data, sample=self.settings.held_out_rows)

    def inputs(self) -> Mapping[str, Any]:
        """Return the rows and the weights; both files have a fixed SHA-256."""
        return {"data": self.data, "sample": self.settings.held_out_rows}

    def run(self, folder: pathlib.Path, cache: Cache) -> Outcome:
        """Measure the weights and the baselines."""
        return _measure(registry.path(_RELEASED), self._options())

    def commands(self, cache: Cache) -> list[str]:
        """Return the command of mirjax.evaluate; miTAR.h5 is `_RELEASED`."""
        return [_command("miTAR.h5", self._options()) + " --out=OUT"]


def _measure(model: pathlib.Path, rows: RowOptions) -> dict[str, Any]:
    """Measure a model; its probabilities are stored for the intervals."""
    trained = load_model(model)
    evaluation_set = make_evaluation_set(trained, rows)
    found = measure_classifier(trained, evaluation_set, ClassifierOptions())
    probabilities = predict_probabilities(trained, evaluation_set.held_out)
    return {
        "rows": evaluation_set.describe(),
        "model": found.model,
        "baselines": dict(found.baselines),
        "labels": np.asarray(evaluation_set.held_out.labels).tolist(),
        "probabilities": np.round(probabilities, _DIGITS).tolist(),
        "curves": _curves(found.curves),
        "warning": found.warning,
    }


def _curves(curves: ProbabilityCurves) -> dict[str, Any]:
    """Return curves, JSON-like, with few enough points to draw."""
    precision_recall = {}
    for name, curve in curves.precision_recall.items():
        step = max(1, -(-len(curve.recall) // _POINTS))
        precision_recall[name] = {
            "precision": np.round(curve.precision[::step], _DIGITS).tolist(),
            "recall": np.round(curve.recall[::step], _DIGITS).tolist(),
            "average_precision": curve.average_precision,
        }
    calibration = {
        name: np.asarray(values, float).tolist()
        for name, values in curves.calibration._asdict().items()
    }
    return {
        "calibration": calibration,
        "precision_recall": precision_recall,
        "positive_fraction": curves.positive_fraction,
    }


def _command(model: str, rows: RowOptions) -> str:
    arguments = [f"--model={model}", f"--data={rows.data}"]
    for flag, value in (
        ("split", rows.part),
        ("rows", rows.sample),
        ("negatives", rows.negatives),
    ):
        if value:
            arguments.append(f"--{flag}={value}")
    return shlex.join(["python", "-m", "mirjax.evaluate", *arguments])
