"""Recipes of the study: which config, data and settings each model is trained with.

Recipes are part of the inputs of stages, so that this module is left out of the hash of
a stage's code.
"""

from typing import Any, NamedTuple

from mirjax.studies.settings import FIRST, SECOND, Overrides, Settings
from mirjax.studies.trainings import Training, load_config
from mirjax.training.workdir import leaves

_ROWS = {FIRST: 15_200, SECOND: 8_839}  # positive training rows of the whole datasets
_WARMUP_PART = 10  # warmup takes at most 1 / this of the epochs


class Recipe(NamedTuple):
    """How a model is trained.

    Attributes:
      title: the predictor's name in tables.
      config: of `--config`.
      role: the dataset that it is trained on.
      overrides: of the config, for all settings.
    """

    title: str
    config: str
    role: str
    overrides: Overrides = {}


_SITE = {"data.site_window": 29, "model.max_target_length": 29}

GENERATORS: dict[str, Recipe] = {
    "published": Recipe("CNN-LSTM, published recipe", "seq2seq:published", FIRST),
    "published_second": Recipe(
        "CNN-LSTM, published recipe", "seq2seq:published_mitar", SECOND
    ),
    "tuned": Recipe("CNN-LSTM, tuned", "seq2seq:tuned", FIRST),
    "tuned_second": Recipe("CNN-LSTM, tuned", "seq2seq:tuned_mitar", SECOND),
    "transformer": Recipe("Transformer", "transformer", FIRST),
    "transformer_second": Recipe("Transformer", "transformer:mitar", SECOND),
    "transformer_site": Recipe(
        "Transformer, targets cut at their known sites",
        "transformer:mitar",
        SECOND,
        _SITE,
    ),
    "transformer_same_rows": Recipe(
        "Transformer, as many rows as of the other dataset",
        "transformer",
        FIRST,
        {"train.duplex_augmentation": 0},
    ),
    "transformer_family": Recipe(
        "Transformer, new miRNA families",
        "transformer",
        FIRST,
        {"data.split": "family"},
    ),
}
"""Recipes of the generators by name."""


def train_generator(settings: Settings, name: str, seed: int) -> Training:
    """Return the stage that trains a generator.

    Args:
      settings: of the study.
      name: a key of `GENERATORS`.
      seed: of initial parameters, order of rows and dropout.
    """
    recipe = GENERATORS[name]
    rows = settings.positive_rows
    if name == "transformer_same_rows":
        rows = settings.same_rows
    wanted: dict[str, Any] = {"data.name": settings.datasets[recipe.role]}
    if rows:
        wanted |= {"data.positive_rows": rows, "data.split": "random"}
    # Held-out rows do not influence which parameters are exported.
    wanted |= {"train.export": "last", "train.num_epochs": settings.epochs[name]}
    wanted |= recipe.overrides
    num_rows = round(0.8 * rows) if rows else _ROWS[recipe.role]
    return _training(settings, name, recipe.config, wanted | {"seed": seed}, num_rows)


def train_classifier(
    settings: Settings, model: str, negatives: str, setting: Overrides, seed: int
) -> Training:
    """Return the stage that trains a classifier on pairs of the first dataset.

    Args:
      settings: of the study.
      model: "mitar", or another classifier whose config has a variant `pairs`.
      negatives: kind of the generated negatives, as `data.negatives` takes it.
      setting: overrides of the config.
      seed: of initial parameters, order of rows and dropout.
    """
    config_name = {"mitar": "mitar:chakraborty"}.get(model, f"{model}:pairs")
    wanted: dict[str, Any] = {
        "data.name": settings.datasets[FIRST],
        "data.split": "random",
        "data.positive_rows": settings.classifier_rows,
        "data.negatives": negatives,
        "data.negative_ratio": settings.negative_ratio,
    }
    if model == "mitar":
        # With nearly equal initial embeddings it learns little in so few epochs.
        wanted |= {"model.embedding_limit": 1.0, "optimizer.ema_decay": 0.9995}
        wanted["train.patience_epochs"] = 0.0
    recipe = "positives_only" if negatives == "none" else model
    if recipe in settings.epochs:
        wanted["train.num_epochs"] = settings.epochs[recipe]
    rows = round(0.8 * settings.classifier_rows * (1 + settings.negative_ratio))
    name = f"{model} negatives {negatives}"
    return _training(
        settings, name, config_name, {**wanted, **setting, "seed": seed}, rows
    )


def _training(
    settings: Settings, name: str, config_name: str, wanted: Overrides, rows: int
) -> Training:
    """Return the stage of a config; overrides that change nothing are left out."""
    config = load_config(config_name)
    flat = leaves(config.to_dict())
    wanted = {**settings.models.get(config.model.name, {}), **wanted}
    epochs = wanted.get("train.num_epochs", config.train.num_epochs)
    if config.optimizer.schedule == "cosine":
        warmup = min(config.optimizer.warmup_epochs, epochs / _WARMUP_PART)
        wanted["optimizer.warmup_epochs"] = warmup
    changed = {key: value for key, value in wanted.items() if flat.get(key) != value}
    return Training(name, config_name, {**changed, "seed": wanted["seed"]}, rows)
