"""Trained models in one file: parameters as plain arrays, the config as JSON."""

import dataclasses
import json
import os
import pathlib
import zipfile
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
from flax import traverse_util

from mirjax.models import make_model
from mirjax.whole_file import whole_file

FILE_NAME = "model.npz"
_METADATA = "metadata"


@dataclasses.dataclass(frozen=True)
class ExportedModel:
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
    arrays[_METADATA] = np.array(json.dumps(metadata))
    with whole_file(path) as unfinished, unfinished.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def load_model(path: str | os.PathLike[str]) -> ExportedModel:
    """Load a trained model: a workdir, its model file, or a published Keras `.h5`.

    Args:
      path: a folder that `mirjax.train` wrote, a file of `save_model`, or an `.h5`.

    Raises:
      ValueError: if there is no model or the file is damaged.
    """
    path = pathlib.Path(path)
    if path.suffix in (".h5", ".hdf5"):
        from mirjax.models import published  # noqa: PLC0415  (it imports this module)

        return published.load_keras_model(path)
    if path.is_dir():
        path = path / FILE_NAME
        if not path.exists():
            raise ValueError(
                f"{path.parent} holds no trained model ({FILE_NAME}); train one with "
                f"python -m mirjax.train --workdir={path.parent}"
            )
    if not path.exists():
        raise ValueError(f"--model: {path} does not exist")
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            if not hasattr(arrays, "files"):
                raise ValueError("it is a single array")
            metadata = json.loads(str(arrays[_METADATA]))
            flat = {
                name.removeprefix("params/"): arrays[name]
                for name in arrays.files
                if name != _METADATA
            }
        if not isinstance(metadata, dict) or not isinstance(metadata["model"], dict):
            raise ValueError("its metadata describes no model")
        model = make_model(metadata["model"])
        params = traverse_util.unflatten_dict(flat, sep="/")
        check_shapes(model, params)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(
            f"{path} is not a mirjax model or is damaged ({error}); train or copy it "
            "again"
        ) from error
    return ExportedModel(model, params, metadata)


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
