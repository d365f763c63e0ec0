"""T1, T4 and T5: BLAST hits of decoded miRNAs."""

from collections.abc import Mapping, Sequence

from mirjax.studies.experiment import (
    BASELINE,
    Content,
    Experiment,
    Outcomes,
    Predictor,
    Row,
    metric_row,
    of_seeds,
    reported_rows,
)
from mirjax.studies.generators import HELD_OUT, SEEN, measure, measure_without_model
from mirjax.studies.recipes import GENERATORS
from mirjax.studies.settings import Settings
from mirjax.studies.stages import Stage

_RECIPES = (
    *("published", "tuned", "transformer"),
    *("published_second", "tuned_second", "transformer_second"),
)
_FAMILY = "transformer_family"
_WITHOUT = "without model"  # names of stages
_LAST = ("transformer", "transformer_second")  # the baselines use their rows


def measured(settings: Settings, recipes: Sequence[str]) -> dict[str, Stage]:
    """Return the measurements of recipes, named "RECIPE/PART/SEED"."""
    return {
        f"{recipe}/{part}/{seed}": stage
        for recipe in recipes
        for part in (SEEN, HELD_OUT)
        for seed, stage in measure(settings, recipe, part).items()
    }


def _stages(settings: Settings, recipes: Sequence[str]) -> Mapping[str, Stage]:
    """Return the measurements of recipes, and of baselines without a model."""
    last = [recipe for recipe in (*_LAST, _FAMILY) if recipe in recipes]
    return measured(settings, recipes) | {
        f"{_WITHOUT}/{recipe}/{part}": measure_without_model(settings, recipe, part)
        for recipe in last
        for part in (SEEN, HELD_OUT)
    }


def data_title(settings: Settings, recipe: str) -> str:
    """Return the name of a recipe's data in tables."""
    name = settings.datasets[GENERATORS[recipe].role]
    return f"{name}, new miRNA families" if recipe == _FAMILY else name


def _rows(
    settings: Settings, outcomes: Outcomes, recipes: Sequence[str], metric: str
) -> list[Row]:
    """Return the rows of recipes, and of baselines on the same data."""
    rows = []
    for recipe in recipes:
        data = data_title(settings, recipe)
        parts = [of_seeds(outcomes, f"{recipe}/{part}") for part in (SEEN, HELD_OUT)]
        title = GENERATORS[recipe].title
        rows.append(metric_row(settings, Predictor(title, data), metric, *parts))
        if f"{_WITHOUT}/{recipe}/{HELD_OUT}" not in outcomes:
            continue
        of_part = [outcomes[f"{_WITHOUT}/{recipe}/{x}"] for x in (SEEN, HELD_OUT)]
        for name in of_part[1]["predictors"]:
            found = [[{"model": each["predictors"][name]}] for each in of_part]
            baseline = Predictor(name, data, BASELINE)
            rows.append(metric_row(settings, baseline, metric, *found))
    return rows


def _pictures(outcomes: Outcomes) -> dict[str, object]:
    """Return the predicted duplexes of held-out targets, if there are any."""
    for recipe in _LAST:
        for outcome in of_seeds(outcomes, f"{recipe}/{HELD_OUT}")[:1]:
            if outcome["duplexes"]:
                return {"duplexes": outcome["duplexes"], "duplexes_of": outcome["rows"]}
    return {}


def _hits_by_evalue(settings: Settings, outcomes: Outcomes) -> Content:
    metrics = [f"blast_hit_share_{evalue}" for evalue in ("0.01", "0.005", "0.001")]
    rows = reported_rows("T1", settings)
    for metric in metrics:
        rows += _rows(settings, outcomes, _RECIPES, metric)
    return Content(rows)


def _any_hit(settings: Settings, outcomes: Outcomes) -> Content:
    rows = reported_rows("T4", settings)
    rows += _rows(settings, outcomes, _RECIPES, "blast_hit_share")
    return Content(rows)


def _true_name(settings: Settings, outcomes: Outcomes) -> Content:
    recipes = (*_RECIPES, _FAMILY)
    rows = reported_rows("T5", settings)
    rows += _rows(settings, outcomes, recipes, "blast_name_match")
    shared = {
        f"known_{what}": {
            data_title(settings, recipe): outcomes[f"{_WITHOUT}/{recipe}/{HELD_OUT}"][
                f"known_{what}"
            ]
            for recipe in (*_LAST, _FAMILY)
        }
        for what in ("mirnas", "targets")
    }
    return Content(rows, shared, _pictures(outcomes))


BLAST_EXPERIMENTS = (
    Experiment(
        "T1",
        "Decoded miRNAs with a BLAST hit, by E-value",
        "How many decoded miRNAs resemble a real human miRNA?",
        lambda settings: _stages(settings, _RECIPES),
        _hits_by_evalue,
    ),
    Experiment(
        "T4",
        "Decoded miRNAs with any BLAST hit",
        "How many decoded miRNAs have a hit at all, at E = 0.1?",
        lambda settings: _stages(settings, _RECIPES),
        _any_hit,
    ),
    Experiment(
        "T5",
        "Decoded miRNAs whose best hit is the true miRNA",
        "How many decoded miRNAs are named correctly, on data seen in training, on "
        "held-out data, and for miRNA families that are not in training?",
        lambda settings: _stages(settings, (*_RECIPES, _FAMILY)),
        _true_name,
    ),
)
