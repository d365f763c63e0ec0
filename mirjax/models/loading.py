"""Load a trained model: a workdir, a model file of ours, or a published file."""

import json
import os
import pathlib
import zipfile

import numpy as np
from flax import traverse_util

from mirjax.models import make_model, trained
from mirjax.models.imports import mitar as published_mitar
from mirjax.models.imports import seq2seq as published_seq2seq
from mirjax.models.imports.keras_file import read_keras_layers


def load_model(path: str | os.PathLike[str]) -> trained.TrainedModel:
    """Load a trained model: a workdir, its model file, or a published Keras `.h5`.

    Args:
      path: a folder that `mirjax.train` wrote, a file of `save_model`, or an `.h5`.

    Raises:
      ValueError: if there is no model or the file is damaged.
    """
    path = pathlib.Path(path)
    if path.suffix in (".h5", ".hdf5"):
        return load_keras_model(path)
    if path.is_dir():
        path = path / trained.FILE_NAME
        if not path.exists():
            raise ValueError(
                f"{path.parent} holds no trained model ({trained.FILE_NAME}); train "
                f"one with python -m mirjax.train --workdir={path.parent}"
            )
    if not path.exists():
        raise ValueError(f"--model: {path} does not exist")
    try:
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
        model = make_model(metadata["model"])
        params = traverse_util.unflatten_dict(flat, sep="/")
        trained.check_shapes(model, params)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(
            f"{path} is not a mirjax model or is damaged ({error}); train or copy it "
            "again"
        ) from error
    return trained.TrainedModel(model, params, metadata)


def load_keras_model(path: str | os.PathLike[str]) -> trained.TrainedModel:
    """Load a miTAR classifier or a CNN-LSTM seq2seq that Keras saved.

    Which of the two it is, the kinds of its layers tell, whatever their names.

    Args:
      path: an `.h5` file of `model.save`, of Keras 2 or 3; of a seq2seq also one of
        `save_weights`.

    Returns:
      The model; its metadata hold `model` and `source`, the file's name.

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
