"""Trained models in one file: parameters as plain arrays, the config as JSON."""

import dataclasses
import json
import pathlib
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
from flax import traverse_util

from mirjax.files import atomic_write

FILE_NAME = "model.npz"
METADATA = "metadata"


@dataclasses.dataclass(frozen=True)
class TrainedModel:
    """A model ready for use.

    Attributes:
      model: the module, a `flax.linen.Module`.
      params: its parameters.
      metadata: `model` (the module's config) and, where mirjax trained it, `data` (the
        config of the dataset), `step` and `l2` (factor of the penalty in the loss).
    """

    model: Any
    params: Mapping[str, Any]
    metadata: Mapping[str, Any]


def save_model(
    path: pathlib.Path, params: Mapping[str, Any], metadata: Mapping[str, Any]
) -> None:
    """Write a model to one file, which appears whole or not at all.

    Args:
      path: the file; an earlier one is replaced.
      params: nested dictionaries of arrays.
      metadata: JSON-like; `model` must hold the arguments of `make_model`.
    """
    arrays = {
        f"params/{name}": np.asarray(value)
        for name, value in traverse_util.flatten_dict(dict(params), sep="/").items()
    }
    arrays[METADATA] = np.array(json.dumps(metadata))
    with atomic_write(path) as unfinished, unfinished.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def check_shapes(model: Any, params: Mapping[str, Any]) -> None:
    """Raise a ValueError unless the parameters are those of the model."""

    def init() -> Mapping[str, Any]:
        return model.init(jax.random.key(0), *model.example_inputs())

    # Nothing is computed: no device is touched before all input is checked.
    shapes = jax.eval_shape(init)
    wanted = traverse_util.flatten_dict(shapes["params"], sep="/")
    found = traverse_util.flatten_dict(dict(params), sep="/")
    for name in sorted(set(wanted) | set(found)):
        expected = wanted[name].shape if name in wanted else None
        shape = found[name].shape if name in found else None
        if shape != expected:
            raise ValueError(f"parameter {name} is {shape}, the model's is {expected}")
