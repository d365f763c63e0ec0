"""Load a trained model: from a workdir, a model file, the package or a publication."""

import json
import os
import pathlib
from collections.abc import Mapping
from typing import Any

from absl import logging
from flax import traverse_util

from mirjax.models import archive, file_kinds, make_model, trained
from mirjax.models.imports import mirbind2 as published_mirbind2
from mirjax.models.imports import mitar as published_mitar
from mirjax.models.imports import seq2seq as published_seq2seq
from mirjax.models.imports.keras_file import read_keras_layers
from mirjax.models.imports.torch_file import read_torch_file
from mirjax.models.interfaces import PairModel
from mirjax.models.pretrained import find_pretrained
from mirjax.models.published import find_published
from mirjax.models.stored_config import check_config, check_metadata, shorten

_MOST_METADATA = 1 << 20  # characters


def load_model(path: str | os.PathLike[str]) -> trained.TrainedModel[PairModel]:
    """Load a trained model: a workdir, its model file, or a published file.

    Args:
      path: a folder that `mirjax.train` wrote, a file of `save_model`, a Keras `.h5`, a
        PyTorch `.pt`, or a name such as pretrained/duplex or published/mirbind2.

    Returns:
      The model, a `Classifier` or a `Generator`.

    Raises:
      ValueError: if there is no model, the file is damaged, or this version lacks an
        option that the model was trained with.
    """
    path = find_model_file(path)
    if path.suffix in (".h5", ".hdf5"):
        return load_keras_model(path)
    if path.suffix in (".pt", ".pth"):
        return load_torch_model(path)
    head = file_kinds.check_model_file(path)
    if head.startswith(file_kinds.HDF5):
        return load_keras_model(path)
    try:
        return _read(path)
    except (OSError, ValueError) as error:
        raise ValueError(
            f"{path} is not a mirjax model or is damaged ({error}); train or copy it "
            "again"
        ) from error


def find_model_file(path: str | os.PathLike[str]) -> pathlib.Path:
    """Return the file of a trained model; see `load_model`.

    Raises:
      ValueError: for a name that no model has, or a folder without a model.
    """
    path = find_pretrained(path) or find_published(path) or pathlib.Path(path)
    if os.path.isdir(path):
        path = path / trained.FILE_NAME
        if not path.exists():
            raise ValueError(
                f"{path.parent} holds no trained model ({trained.FILE_NAME}); "
                + _advice(path.parent)
            )
    return path


def _read(path: pathlib.Path) -> trained.TrainedModel[PairModel]:
    """Read a file of `save_model`; names and shapes are checked before any values."""
    with path.open("rb") as file:
        if not archive.has_checksum(file):
            logging.info(
                "%s has no SHA-256 (an earlier version wrote it): only its arrays are "
                "checked for damage",
                path,
            )
        arrays = archive.Archive(file)
        metadata = _read_metadata(arrays)
        model = make_model(metadata["model"])
        shapes = {}
        for name, member in arrays.members.items():
            if name == trained.METADATA:
                continue
            if not name.startswith(trained.PARAMS):
                raise ValueError(f"member {member.info.filename!r} is not a parameter")
            if member.dtype.kind != "f":
                raise ValueError(
                    f"parameter {name} is {member.dtype}, not floating-point"
                )
            shapes[name.removeprefix(trained.PARAMS)] = member.shape
        trained.check_flat_shapes(model, shapes)
        flat = {
            name: trained.finite_float32(name, arrays.read(trained.PARAMS + name))
            for name in shapes
        }
    params = traverse_util.unflatten_dict(flat, sep="/")
    return trained.TrainedModel(model, params, metadata)


def _advice(folder: pathlib.Path) -> str:
    """Return advice on how to get the model that a folder lacks."""
    if (folder / "result.json").exists():  # a finished run of a sweep
        return "run the command of its sweep again, which trains it once more"
    if (folder / "checkpoints").exists():
        return (
            f"python -m mirjax.train --workdir={folder} writes it again, from the best "
            "checkpoint"
        )
    return f"train one with python -m mirjax.train --config=NAME --workdir={folder}"


def _read_metadata(arrays: archive.Archive) -> dict[str, Any]:
    """Read the JSON text among the arrays of a file of `save_model`."""
    member = arrays.members.get(trained.METADATA)
    if member is None:
        raise ValueError(f"it has no member {trained.METADATA!r}")
    if member.dtype.kind != "U" or member.shape != ():
        raise ValueError(f"member {trained.METADATA!r} is not text")
    if member.info.file_size > 4 * _MOST_METADATA:
        raise ValueError(f"member {trained.METADATA!r} is too long")
    try:
        metadata = check_metadata(json.loads(str(arrays.read(trained.METADATA))))
        metadata["model"] = check_config(_without_removed_options(metadata["model"]))
    except RecursionError:
        raise ValueError("its metadata is nested too deeply") from None
    return metadata


def _without_removed_options(config: Any) -> Any:
    """Drop options of earlier versions from a model's config, if they were off."""
    if not isinstance(config, Mapping):
        return config
    current = dict(config)
    rate = current.pop("letter_dropout", 0.0)
    if rate != 0.0:
        raise ValueError(
            f"letter_dropout={shorten(rate)}, which only earlier versions have"
        )
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
        return _published(path, arguments, params)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def load_torch_model(path: str | os.PathLike[str]) -> trained.TrainedModel[PairModel]:
    """Load a miRBind2 classifier that PyTorch saved; nothing in the file is executed.

    Args:
      path: a `.pt` file of the released code.

    Returns:
      The model; its metadata are `model` and `source`, the file's name.

    Raises:
      ValueError: if the file is missing or damaged, or holds another architecture.
    """
    path = pathlib.Path(path)
    checkpoint = read_torch_file(path)
    try:
        arguments, params = published_mirbind2.from_checkpoint(checkpoint)
        return _published(path, arguments, params)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _published(
    path: pathlib.Path, arguments: Mapping[str, Any], params: Mapping[str, Any]
) -> trained.TrainedModel[PairModel]:
    """Check the arguments and the parameters that were read from a published file."""
    model = make_model(check_config(arguments))
    trained.check_shapes(model, params)
    flat = traverse_util.flatten_dict(dict(params), sep="/")
    finite = {name: trained.finite_float32(name, x) for name, x in flat.items()}
    metadata = {"model": arguments, "source": path.name}
    params = traverse_util.unflatten_dict(finite, sep="/")
    return trained.TrainedModel(model, params, metadata)
