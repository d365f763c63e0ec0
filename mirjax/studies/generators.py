"""Stages that measure a generator, and baselines on the same rows."""

import dataclasses
import pathlib
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mirjax.alignment import complementarity
from mirjax.evaluation.attention_maps import AttentionMap
from mirjax.evaluation.blast_metrics import blast_metrics
from mirjax.evaluation.evaluation_set import EvaluationSet, make_evaluation_set
from mirjax.evaluation.generator import measure_generator
from mirjax.evaluation.options import TRAIN, GeneratorOptions, RowOptions
from mirjax.evaluation.set_metrics import prediction_metrics
from mirjax.models.loading import load_model
from mirjax.studies.duplex import Duplex, fold
from mirjax.studies.recipes import GENERATORS, train_generator
from mirjax.studies.settings import Settings
from mirjax.studies.stages import Cache, Outcome, Stage
from mirjax.studies.trainings import Training

SEEN, HELD_OUT = "seen", "held out"  # rows of the training, and rows that are not

_DRAW = 0  # seed of the random predictions
_MAPS = 3  # attention maps that are stored
_SECONDS = 20.0
_DIGITS = 4  # of an attention weight


def _rows(settings: Settings, training: Training, part: str) -> RowOptions:
    """Return the rows of a part of a model's training data."""
    return RowOptions(
        data=training.config().data.name,
        part=TRAIN if part == SEEN else "",
        sample=settings.seen_rows if part == SEEN else settings.held_out_rows,
    )


@dataclasses.dataclass(frozen=True)
class Measurement(Stage):
    """Measure a generator on data that it was trained on, or on the held-out part.

    Attributes:
      training: the model.
      part: `SEEN` or `HELD_OUT`.
      settings: of the study.
    """

    training: Training
    part: str
    settings: Settings
    expected: float = _SECONDS

    @property
    def title(self) -> str:  # type: ignore[override]
        """What is measured."""
        seed = self.training.overrides["seed"]
        return f"measure {self.training.name} seed {seed} {self.part}"

    @property
    def needs(self) -> Sequence[Stage]:  # type: ignore[override]
        """The model."""
        return (self.training,)

    def inputs(self) -> Mapping[str, Any]:
        """Return the rows and the decoders."""
        rows = _rows(self.settings, self.training, self.part)
        return {
            "data": rows.data,
            "part": rows.part,
            "sample": rows.sample,
            "decoders": list(self.settings.decoders),
        }

    def run(self, folder: pathlib.Path, cache: Cache) -> Outcome:
        """Measure the model and its baselines; store some attention maps, if any."""
        trained = load_model(cache.folder(self.training))
        rows = _rows(self.settings, self.training, self.part)
        evaluation_set = make_evaluation_set(trained, rows)
        options = GeneratorOptions(decoders=tuple(self.settings.decoders))
        found = measure_generator(trained, evaluation_set, options)
        return {
            "rows": evaluation_set.describe(),
            "model": found.model,
            "decoders": dict(found.decoders),
            "baselines": dict(found.baselines),
            "duplexes": [
                _duplex(each) for each in found.attention_maps if each.prediction
            ][:_MAPS],
        }

    def commands(self, cache: Cache) -> list[str]:
        """Return the command of mirjax.evaluate."""
        rows = _rows(self.settings, self.training, self.part)
        arguments = [f"--model={cache.folder(self.training)}", f"--data={rows.data}"]
        if rows.part:
            arguments.append(f"--split={rows.part}")
        if rows.sample:
            arguments.append(f"--rows={rows.sample}")
        decoders = ",".join(self.settings.decoders)
        command = ["python", "-m", "mirjax.evaluate", *arguments]
        return [shlex.join([*command, f"--decoders={decoders}"])]


def _duplex(found: AttentionMap) -> dict[str, Any]:
    """Return a predicted duplex, JSON-like, with its attention and its drawing."""
    drawn: Duplex = fold(found.prediction, found.target)
    weights = np.round(found.weights.astype(float), _DIGITS).tolist()
    return {
        "target": found.target,
        "mirna": found.prediction,
        "true": found.true,
        "weights": weights,
        "drawing": drawn.drawing,
        "energy": drawn.energy,
    }


@dataclasses.dataclass(frozen=True)
class WithoutModel(Stage):
    """Measure baselines that need no trained model, on the rows of a measurement.

    Attributes:
      measurement: of a model; the baselines use its rows and its training rows.
    """

    measurement: Measurement
    expected: float = _SECONDS

    @property
    def title(self) -> str:  # type: ignore[override]
        """What is measured."""
        training = self.measurement.training
        return f"measure no model {training.name} {self.measurement.part}"

    @property
    def needs(self) -> Sequence[Stage]:  # type: ignore[override]
        """The model, for the lengths that it takes."""
        return (self.measurement.training,)

    def inputs(self) -> Mapping[str, Any]:
        """Return the rows."""
        return {**self.measurement.inputs(), "draw": _DRAW}

    def run(self, folder: pathlib.Path, cache: Cache) -> Outcome:
        """Measure the baselines, and the fraction of rows that are in training, too."""
        training = self.measurement.training
        rows = _rows(self.measurement.settings, training, self.measurement.part)
        evaluation_set = make_evaluation_set(load_model(cache.folder(training)), rows)
        true = evaluation_set.held_out.mirnas
        known = set(evaluation_set.train_mirnas)
        return {
            "rows": evaluation_set.describe(),
            "known_mirnas": float(np.mean([mirna in known for mirna in true])),
            "known_targets": float(1 - evaluation_set.is_new_target.mean()),
            "predictors": {
                name: prediction_metrics(evaluation_set, predictions)
                | blast_metrics(predictions, true, evaluation_set.database)
                for name, predictions in _predictions(evaluation_set).items()
            },
        }


def _predictions(evaluation_set: EvaluationSet) -> dict[str, list[str]]:
    """Return a prediction of each row, by the name of the predictor."""
    rng = np.random.default_rng(_DRAW)
    true, train = list(evaluation_set.held_out.mirnas), evaluation_set.train.mirnas
    database = list(evaluation_set.database_mirnas)
    most_frequent = max(sorted(set(train)), key=list(train).count)
    scores = complementarity.score_all(
        list(evaluation_set.held_out.targets), database, anchored=True
    )
    return {
        "most frequent miRNA, for every target": [most_frequent] * len(true),
        "any miRNA of the database": list(rng.choice(database, len(true))),
        "letters of the true miRNA, shuffled": [
            "".join(rng.permutation(list(mirna))) for mirna in true
        ],
        "complementarity, anchored, whole database": [
            database[column] for column in scores.argmax(axis=1)
        ],
    }


def measure(settings: Settings, name: str, part: str) -> dict[int, Measurement]:
    """Return the stages that measure a recipe, by seed.

    Args:
      settings: of the study.
      name: a key of `GENERATORS`.
      part: `SEEN` or `HELD_OUT`.
    """
    assert name in GENERATORS, name
    return {
        seed: Measurement(train_generator(settings, name, seed), part, settings)
        for seed in settings.seeds_of(name)
    }


def measure_without_model(settings: Settings, name: str, part: str) -> WithoutModel:
    """Return the stage that measures baselines on the rows of a recipe."""
    first = next(iter(measure(settings, name, part).values()))
    return WithoutModel(first)
