"""T2 and T3: classifiers trained without negatives, and with generated ones."""

from collections.abc import Mapping
from typing import Any

from mirjax.datasets.negative_kinds import NO_NEGATIVES
from mirjax.studies.classifiers import ClassifierMeasurement
from mirjax.studies.experiment import (
    Content,
    Experiment,
    Outcomes,
    Predictor,
    Row,
    baseline_rows,
    metric_row,
    of_seeds,
    reported_rows,
)
from mirjax.studies.generators import HELD_OUT, SEEN
from mirjax.studies.recipes import train_classifier
from mirjax.studies.settings import FIRST, Overrides, Settings
from mirjax.studies.stages import Stage
from mirjax.studies.trainings import Training

# Kinds of negatives: random re-pairing, and re-pairing that preserves frequencies.
RANDOM, FREQUENCY = "random", "frequency"
COMPLEMENTARITY, MIRNA_ALONE = "complementarity", "the miRNA's sequence alone"
BASELINES = {
    "complementarity": COMPLEMENTARITY,
    "seed_6mer": "a 6-mer seed match",
    "mirna_identity": MIRNA_ALONE,
    "mirna_kmers": "k-mers of the miRNA alone",
    "target_kmers": "k-mers of the target alone",
}
_METRICS = ("accuracy", "average_precision", "auroc")
_BESIDE = "beside negatives"  # name of stages


def measured_classifier(
    settings: Settings, model: str, negatives: str, setting: Overrides
) -> dict[str, Stage]:
    """Return measurements of a classifier, named "KEY/PART/SEED", and its training."""
    key = stage_key(model, negatives, setting)
    stages: dict[str, Stage] = {}
    for seed in settings.seeds_of(model):
        training = train_classifier(settings, model, negatives, setting, seed)
        stages[f"{key}/train/{seed}"] = training
        for part in (SEEN, HELD_OUT):
            name = f"{key}/{part}/{seed}"
            stages[name] = ClassifierMeasurement(training, part, settings)
    return stages


def stage_key(model: str, negatives: str, setting: Overrides) -> str:
    """Return the name of a classifier's stages."""
    values = ", ".join(f"{key}={value}" for key, value in setting.items())
    return f"{model}, {negatives}, {values}"


def describe(model: str, setting: Overrides) -> str:
    """Return a classifier's name in tables."""
    title = {"mitar": "miTAR"}.get(model, model)
    words = {
        "train.batch_size": "batch",
        "optimizer.learning_rate": "learning rate",
        "model.dropout": "dropout",
    }
    values = [f"{words.get(key, key)} {value}" for key, value in setting.items()]
    return ", ".join([title, *values])


def data_title(settings: Settings, negatives: str) -> str:
    """Return the name of the classifiers' data in tables."""
    words = {
        RANDOM: "random negatives",
        FREQUENCY: "negatives that keep each miRNA's frequency",
        NO_NEGATIVES: "positives only",
    }
    return f"{settings.datasets[FIRST]}, {words[negatives]}"


def best_setting(settings: Settings, outcomes: Outcomes, negatives: str) -> Overrides:
    """Return the setting with the highest validation accuracy, averaged over seeds."""

    def accuracy(setting: Overrides) -> float:
        key = stage_key("mitar", negatives, setting)
        histories = [x["history"] for x in of_seeds(outcomes, f"{key}/train")]
        best = [max(row["val/accuracy"] for row in history) for history in histories]
        return sum(best) / len(best)

    return max(settings.grid, key=accuracy)


# ---- T2: positives only. ----


def _positives_stages(settings: Settings) -> Mapping[str, Stage]:
    stages = measured_classifier(settings, "mitar", NO_NEGATIVES, {})
    key = stage_key("mitar", NO_NEGATIVES, {})
    for seed in settings.seeds_of("mitar"):
        training = stages[f"{key}/train/{seed}"]
        assert isinstance(training, Training)
        stages[f"{_BESIDE}/{seed}"] = ClassifierMeasurement(
            training, HELD_OUT, settings, FREQUENCY
        )
    return stages


def _positives_only(settings: Settings, outcomes: Outcomes) -> Content:
    key, data = stage_key("mitar", NO_NEGATIVES, {}), data_title(settings, NO_NEGATIVES)
    seen, held_out = (of_seeds(outcomes, f"{key}/{x}") for x in (SEEN, HELD_OUT))
    rows = _at_data(reported_rows("T2", settings), data)
    model = describe("mitar", {})
    rows.append(
        metric_row(settings, Predictor(model, data), "accuracy", seen, held_out)
    )
    rows += baseline_rows(settings, data, "accuracy", BASELINES, (seen[0], held_out[0]))
    beside, balanced = of_seeds(outcomes, _BESIDE), data_title(settings, FREQUENCY)
    for metric in ("accuracy", "sensitivity", "specificity"):
        predictor = Predictor(f"{model}, trained on positives only", balanced)
        rows.append(metric_row(settings, predictor, metric, [], beside))
    notes = [warning] if (warning := held_out[0]["warning"]) else []
    return Content(rows, {}, {}, notes)


def _at_data(rows: list[Row], data: str) -> list[Row]:
    """Put reported values beside the measurements on the given data."""
    return [row | {"data": data} for row in rows]


# ---- T3: generated negatives. ----


def _negatives_stages(settings: Settings) -> Mapping[str, Stage]:
    stages: dict[str, Stage] = {}
    for setting in settings.grid:
        stages |= measured_classifier(settings, "mitar", RANDOM, setting)
    stages |= measured_classifier(settings, "mitar", FREQUENCY, settings.grid[0])
    return stages


def classifier_rows(
    settings: Settings, outcomes: Outcomes, key: str, predictor: Predictor, metric: str
) -> list[Row]:
    """Return the row of a classifier on rows seen and held out."""
    parts = [of_seeds(outcomes, f"{key}/{part}") for part in (SEEN, HELD_OUT)]
    return [metric_row(settings, predictor, metric, *parts)]


def _negatives(settings: Settings, outcomes: Outcomes) -> Content:
    best = best_setting(settings, outcomes, RANDOM)
    rows = _at_data(reported_rows("T3", settings), data_title(settings, RANDOM))
    for metric in _METRICS:
        for negatives, choices in (
            (RANDOM, settings.grid),
            (FREQUENCY, [settings.grid[0]]),
        ):
            data = data_title(settings, negatives)
            for setting in choices:
                key = stage_key("mitar", negatives, setting)
                predictor = Predictor(describe("mitar", setting), data)
                rows += classifier_rows(settings, outcomes, key, predictor, metric)
            first = [
                of_seeds(outcomes, f"{key}/{part}")[0] for part in (SEEN, HELD_OUT)
            ]
            rows += baseline_rows(
                settings, data, metric, BASELINES, (first[0], first[1])
            )
    held_out = of_seeds(outcomes, f"{stage_key('mitar', RANDOM, best)}/{HELD_OUT}")[0]
    values: dict[str, Any] = {"best": describe("mitar", best)}
    curves = {"curves": held_out["curves"], "curves_of": held_out["rows"]}
    return Content(rows, values, curves)


CLASSIFIER_EXPERIMENTS = (
    Experiment(
        "T2",
        "Positive pairs alone in the classifier",
        "What does a classifier learn from 10,000 pairs that all bind?",
        _positives_stages,
        _positives_only,
    ),
    Experiment(
        "T3",
        "The same pairs with generated negatives",
        "How accurate is the classifier once negatives are generated, and how much of "
        "that comes from how they are generated?",
        _negatives_stages,
        _negatives,
    ),
)
