"""T6, T7 and T8: accuracies of the generators, and the effect of lengths on them."""

from collections.abc import Mapping, Sequence
from typing import Any

from mirjax.studies.blast_experiments import measured
from mirjax.studies.experiment import (
    LENGTHS,
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
from mirjax.studies.lengths import Lengths
from mirjax.studies.recipes import GENERATORS
from mirjax.studies.settings import ROLES, Settings
from mirjax.studies.stages import Stage

_THREE = ("published", "tuned", "transformer")
_ACCURACIES = ("token_accuracy_keras", "token_accuracy_masked", "exact_match")
_BOTH = ("transformer", "transformer_second")
_LENGTH_RECIPES = ("transformer_second", "transformer_site", "transformer_same_rows")
_MATCHES = ("exact_match", "seed_match")

PREFIX_ONLY = "previous letters alone, without the target"
ANCHORED = "complementarity, anchored"
_NAMES = {
    "prefix_only": PREFIX_ONLY,
    "most_frequent": "most frequent training miRNA, for every target",
    "complementarity": "complementarity",
    "complementarity_anchored": ANCHORED,
}
_DATA_TITLES = {
    "transformer_site": "{}, targets cut at their known sites",
    "transformer_same_rows": "{}, as many rows",
}


def recipe_rows(
    settings: Settings, outcomes: Outcomes, recipe: str, metric: str
) -> list[Row]:
    """Return the row of a recipe, and those of the baselines on its data."""
    name = settings.datasets[GENERATORS[recipe].role]
    data = _DATA_TITLES.get(recipe, "{}").format(name)
    seen, held_out = (
        of_seeds(outcomes, f"{recipe}/{part}") for part in (SEEN, HELD_OUT)
    )
    title = GENERATORS[recipe].title.partition(", targets")[0].partition(", as many")[0]
    rows = [metric_row(settings, Predictor(title, data), metric, seen, held_out)]
    for decoder in held_out[0]["decoders"]:
        of_decoder = [
            [{"model": each["decoders"][decoder]} for each in part]
            for part in (seen, held_out)
        ]
        if metric in held_out[0]["decoders"][decoder]:
            predictor = Predictor(f"{title}, {decoder} decoding", data)
            rows.append(metric_row(settings, predictor, metric, *of_decoder))
    measured_baselines = (seen[0] if seen else None, held_out[0])
    found = baseline_rows(settings, data, metric, _NAMES, measured_baselines)
    return rows + [row for row in found if "held_out" in row]


def without_repeated(rows: Sequence[Row]) -> list[Row]:
    """Keep the first row of each predictor, metric and dataset."""
    first: dict[tuple[str, ...], Row] = {}
    for row in rows:
        first.setdefault((row["predictor"], row["metric"], row["data"]), row)
    return list(first.values())


def _three_accuracies(settings: Settings, outcomes: Outcomes) -> Content:
    rows = reported_rows("T6", settings)
    for metric in _ACCURACIES:
        for recipe in _THREE:
            rows += recipe_rows(settings, outcomes, recipe, metric)
    held_out = {
        GENERATORS[recipe].title: of_seeds(outcomes, f"{recipe}/{HELD_OUT}")[0]["model"]
        for recipe in _THREE
    }
    values = {
        "distinct": {name: model["distinct"] for name, model in held_out.items()},
        "rows": {name: model["n"] for name, model in held_out.items()},
    }
    histories = {
        GENERATORS[recipe].title: of_seeds(outcomes, f"train/{recipe}")[0]["history"]
        for recipe in _THREE
    }
    return Content(without_repeated(rows), values, {"histories": histories})


def _three_stages(settings: Settings) -> Mapping[str, Stage]:
    stages = measured(settings, _THREE)
    trainings = {
        f"train/{recipe}/{seed}": stages[f"{recipe}/{HELD_OUT}/{seed}"].needs[0]
        for recipe in _THREE
        for seed in settings.seeds_of(recipe)
    }
    return stages | trainings


def _both_datasets(settings: Settings, outcomes: Outcomes) -> Content:
    rows = reported_rows("T7", settings)
    for metric in (*_MATCHES, "known_match"):
        for recipe in _BOTH:
            rows += recipe_rows(settings, outcomes, recipe, metric)
    return Content(rows, {}, {"by_length": _by_length(outcomes, settings)})


def _by_length(outcomes: Outcomes, settings: Settings) -> dict[str, Any]:
    """Return matches by the length of the target, of the first seed."""
    return {
        settings.datasets[GENERATORS[recipe].role]: of_seeds(
            outcomes, f"{recipe}/{HELD_OUT}"
        )[0]["model"]["by_target_length"]
        for recipe in _BOTH
    }


def _length_stages(settings: Settings) -> Mapping[str, Stage]:
    counts = {
        f"lengths/{role}": Lengths(settings.datasets[role], settings) for role in ROLES
    }
    return {**measured(settings, _LENGTH_RECIPES), **counts}


def _lengths(settings: Settings, outcomes: Outcomes) -> Content:
    rows = reported_rows("T8", settings)
    histograms: dict[str, Any] = {}
    for role in ROLES:
        found, data = outcomes[f"lengths/{role}"], settings.datasets[role]
        for what in ("targets", "mirnas"):
            row = {"predictor": what, "kind": LENGTHS, "data": data, "metric": "nt"}
            numbers = {k: v for k, v in found[what].items() if k != "rows_by_length"}
            rows.append(row | numbers | {"pairs": found["pairs"]})
            of_data = histograms.setdefault(data, {})
            of_data[what] = found[what]["rows_by_length"]
    for metric in _MATCHES:
        for recipe in _LENGTH_RECIPES:
            rows += recipe_rows(settings, outcomes, recipe, metric)
    return Content(rows, {}, {"lengths": histograms})


ACCURACY_EXPERIMENTS = (
    Experiment(
        "T6",
        "Three accuracies side by side",
        "How accurate are the published CNN-LSTM, the retrained one and the "
        "Transformer, and what does the published count of correct letters say?",
        _three_stages,
        _three_accuracies,
    ),
    Experiment(
        "T7",
        "The Transformer on both datasets",
        "Does the Transformer do worse on miTAR's pairs?",
        lambda settings: measured(settings, _BOTH),
        _both_datasets,
    ),
    Experiment(
        "T8",
        "Lengths, and what they explain",
        "Do the two datasets differ in length, and does that explain the difference?",
        _length_stages,
        _lengths,
    ),
)
