"""Load a trained model: a workdir, a model file of mirjax, or a published file."""

import json
import os
import pathlib
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np
from flax import traverse_util

from mirjax.models import make_model, trained
from mirjax.models.imports import mitar as published_mitar
from mirjax.models.imports import seq2seq as published_seq2seq
from mirjax.models.imports.keras_file import read_keras_layers
from mirjax.models.interfaces import PairModel


def load_model(path: str | os.PathLike[str]) -> trained.TrainedModel[PairModel]:
    """Load a trained model: a workdir, its model file, or a published Keras `.h5`.

    Args:
      path: a folder that `mirjax.train` wrote, a file of `save_model`, or an `.h5`.

    Returns:
      The model, a `Classifier` or a `Generator`.

    Raises:
      ValueError: if there is no model, the file is damaged, or this version lacks an
        option that the model was trained with.
    """
    path = pathlib.Path(path)
    if path.suffix in (".h5", ".hdf5"):
        return load_keras_model(path)
    if path.is_dir():
        path = path / trained.FILE_NAME
        if not path.exists():
            raise ValueError(
                f"{path.parent} holds no trained model ({trained.FILE_NAME}); "
                + _advice(path.parent)
            )
    if not path.exists():
        raise ValueError(f"--model: {path} does not exist")
    try:
        params, metadata = _read(path)
        model = make_model(metadata["model"])
        trained.check_shapes(model, params)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(
            f"{path} is not a mirjax model or is damaged ({error}); train or copy it "
            "again"
        ) from error
    return trained.TrainedModel(model, params, metadata)


def _advice(folder: pathlib.Path) -> str:
    """Return how to get the model that a folder lacks."""
    if (folder / "result.json").exists():  # a finished run of a sweep
        return "run the command of its sweep again, which trains it once more"
    if (folder / "checkpoints").exists():
        return (
            f"python -m mirjax.train --workdir={folder} writes it again, from the best "
            "checkpoint"
        )
    return f"train one with python -m mirjax.train --config=NAME --workdir={folder}"


def _read(path: pathlib.Path) -> tuple[Mapping[str, Any], dict[str, Any]]:
    """Read the parameters and the metadata of a file of `save_model`."""
    with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        if not hasattr(arrays, "files"):
            raise ValueError("it is a single array")
        metadata = json.loads(str(arrays[trained.METADATA]))
        flat = {
            name.removeprefix("params/"): arrays[name]
            for name in arrays.files
            if name != trained.METADATA
        }
    if not isinstance(metadata, dict) or not isinstance(metadata["model"], dict):
        raise ValueError("its metadata describes no model")
    metadata["model"] = _without_removed_options(metadata["model"])
    return traverse_util.unflatten_dict(flat, sep="/"), metadata


def _without_removed_options(config: Mapping[str, Any]) -> dict[str, Any]:
    """Drop options of earlier versions from a model's config, if they were off."""
    current = dict(config)
    rate = current.pop("letter_dropout", 0.0)
    if rate != 0.0:
        raise ValueError(f"letter_dropout={rate}, which only earlier versions have")
    return current


def load_keras_model(path: str | os.PathLike[str]) -> trained.TrainedModel[PairModel]:
    """Load a miTAR classifier or a CNN-LSTM seq2seq that Keras saved.

    The kinds of its layers, not their names, determine which of the two it is.

    Args:
      path: an `.h5` file that `model.save` of Keras 2 or 3 wrote or, for a seq2seq,
        `save_weights`.

    Returns:
      The model; its metadata are `model` and `source`, the file's name.

    Raises:
      ValueError: if the file is missing or damaged, or holds another architecture.
    """
    path = pathlib.Path(path)
    layers = read_keras_layers(path)
    kinds = [layer.kind for layer in layers]
    try:
        if sorted(kinds) == published_seq2seq.KINDS:
            arguments, params = published_seq2seq.from_layers(layers)
        elif [kind for kind in kinds if kind != "MaxPooling1D"] == (
            published_mitar.KINDS
        ):
            arguments, params = published_mitar.from_layers(layers)
        else:
            raise ValueError(
                "neither miTAR, which has an embedding, a convolution, a bidirectional "
                "LSTM and two Dense layers, nor a CNN-LSTM seq2seq, which has one "
                "convolution, three Dense and two LSTM layers; it has "
                + ", ".join(layer.name for layer in layers)
            )
        model = make_model(arguments)
        trained.check_shapes(model, params)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    metadata = {"model": arguments, "source": path.name}
    return trained.TrainedModel(model, params, metadata)
