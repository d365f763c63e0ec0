"""Start from a trained model's parameters: `config.train.init_from`."""

import os
from collections.abc import Mapping
from typing import Any

from absl import logging
from ml_collections import ConfigDict

from mirjax.files import file_sha256
from mirjax.models import make_model, trained
from mirjax.models.loading import find_model_file, load_model

KEY = "config.train.init_from"


def pin_initial(config: ConfigDict) -> ConfigDict:
    """Put the SHA-256 of the model that a run starts from into its config.

    Args:
      config: its key `train.init_from` may name a model, as --model does. A folder or a
        file is replaced by its absolute path.

    Returns:
      The config itself if no model is named, otherwise a copy.

    Raises:
      ValueError: if there is no such model.
    """
    name = config.train.init_from
    if not name:
        return config
    path = find_model_file(name)
    if not path.is_file():
        raise ValueError(f"{KEY}={name}: {path} is not a file")
    copy = config.copy_and_resolve_references()
    with copy.unlocked():
        copy.train.init_sha256 = file_sha256(path)
        if os.path.exists(name):
            copy.train.init_from = os.path.abspath(name)
    return copy


def load_initial(name: str, model_config: ConfigDict) -> Mapping[str, Any] | None:
    """Load the parameters that a run starts from.

    Args:
      name: a model, as for --model; "": parameters are initialised at random.
      model_config: the section `model` of the run's config.

    Returns:
      The parameters; None if they are initialised at random.

    Raises:
      ValueError: if the model cannot be loaded or is not the one that the config
        describes; the message says what to set.
    """
    if not name:
        return None
    initial = load_model(name)
    found = initial.metadata["model"]
    if found["name"] != model_config.name:
        raise ValueError(
            f"{KEY}={name}: that is {found['name']}, and --config trains "
            f"{model_config.name}; name a config of the same model"
        )
    try:
        trained.check_shapes(make_model(model_config), initial.params)
    except ValueError as error:
        different = [
            f"--config.model.{key}={value}"
            for key, value in found.items()
            if model_config.get(key) != value
        ]
        raise ValueError(
            f"{KEY}={name}: {error}; train the same model by {' '.join(different)}, or "
            "name another model"
        ) from error
    logging.info("training starts from the parameters of %s", name)
    return initial.params
