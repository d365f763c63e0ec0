"""T9: complementarity on the same pairs, without a trained model."""

from collections.abc import Mapping

from mirjax import config_files
from mirjax.studies.accuracy_experiments import recipe_rows, without_repeated
from mirjax.studies.blast_experiments import measured
from mirjax.studies.classifier_experiments import (
    BASELINES,
    FREQUENCY,
    RANDOM,
    best_setting,
    classifier_rows,
    data_title,
    describe,
    measured_classifier,
    stage_key,
)
from mirjax.studies.classifiers import ReleasedMeasurement
from mirjax.studies.experiment import (
    Content,
    Experiment,
    Outcomes,
    Predictor,
    Row,
    baseline_rows,
    metric_row,
    of_seeds,
)
from mirjax.studies.generators import HELD_OUT
from mirjax.studies.settings import Settings
from mirjax.studies.stages import Stage

_GENERATORS = ("tuned", "transformer", "tuned_second", "transformer_second")
_OTHERS = ("duplex",)  # classifiers that are compared once they have a config
_KINDS = (RANDOM, FREQUENCY)
_RELEASED = "released"


def _others() -> list[str]:
    return [name for name in _OTHERS if name in config_files.shipped_configs()]


def _stages(settings: Settings) -> Mapping[str, Stage]:
    stages: dict[str, Stage] = dict(measured(settings, _GENERATORS))
    for setting in settings.grid:
        stages |= measured_classifier(settings, "mitar", RANDOM, setting)
    stages |= measured_classifier(settings, "mitar", FREQUENCY, settings.grid[0])
    for name in _others():
        for negatives in _KINDS:
            stages |= measured_classifier(settings, name, negatives, {})
    for data in settings.released:
        stages[f"{_RELEASED}/{data}/0"] = ReleasedMeasurement(data, settings)
    return stages


def _generated(settings: Settings, outcomes: Outcomes) -> list[Row]:
    """Return the classifiers' rows on generated negatives."""
    rows, metric = [], "average_precision"
    for negatives in _KINDS:
        data = data_title(settings, negatives)
        setting = settings.grid[0]
        if negatives == RANDOM:
            setting = best_setting(settings, outcomes, negatives)
        for name, chosen in (("mitar", setting), *((other, {}) for other in _others())):
            key = stage_key(name, negatives, chosen)
            predictor = Predictor(describe(name, chosen), data)
            rows += classifier_rows(settings, outcomes, key, predictor, metric)
        key = stage_key("mitar", negatives, setting)
        held_out = of_seeds(outcomes, f"{key}/{HELD_OUT}")[0]
        rows += baseline_rows(settings, data, metric, BASELINES, (None, held_out))
    return rows


def _released(settings: Settings, outcomes: Outcomes) -> list[Row]:
    """Return the rows of the released weights."""
    rows, metric = [], "average_precision"
    for data in settings.released:
        found = of_seeds(outcomes, f"{_RELEASED}/{data}")
        predictor = Predictor("miTAR, released weights", data)
        rows.append(metric_row(settings, predictor, metric, [], found))
        rows += baseline_rows(settings, data, metric, BASELINES, (None, found[0]))
    return rows


def _content(settings: Settings, outcomes: Outcomes) -> Content:
    rows = []
    for recipe in _GENERATORS:
        rows += recipe_rows(settings, outcomes, recipe, "exact_match")
    rows = without_repeated(rows)
    rows += _generated(settings, outcomes) + _released(settings, outcomes)
    return Content(rows)


BASELINE_EXPERIMENT = Experiment(
    "T9",
    "The same pairs without a trained model",
    "How well does complementarity, with at most two fitted numbers, predict the pairs "
    "of the study? The study did not ask this.",
    _stages,
    _content,
)
