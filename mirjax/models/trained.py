"""A trained model and its file: parameters as plain arrays, the config as JSON."""

import dataclasses
import hashlib
import io
import json
import pathlib
from collections.abc import Mapping
from typing import Any, Generic, TypeVar

import jax
import numpy as np
from flax import traverse_util

from mirjax.files import atomic_write
from mirjax.models.archive import with_checksum
from mirjax.models.interfaces import Classifier, Generator, PairModel

FILE_NAME = "model.npz"  # in a workdir
METADATA = "metadata"  # name of the JSON text among the file's arrays
PARAMS = "params/"  # start of the names of the others

ModelT = TypeVar("ModelT", bound=PairModel, covariant=True)


@dataclasses.dataclass(frozen=True)
class TrainedModel(Generic[ModelT]):
    """A trained model.

    Attributes:
      model: a `Classifier` or a `Generator`.
      params: its parameters.
      metadata: `model` (arguments of `make_model`) and, if mirjax trained it, `data`
        (the config of the dataset), `step` and `l2` (factor of the penalty in the
        loss).
    """

    model: ModelT
    params: Mapping[str, Any]
    metadata: Mapping[str, Any]


def as_classifier(trained: TrainedModel) -> TrainedModel[Classifier] | None:
    """Return a trained model if it is a classifier, else None."""
    model = trained.model
    # A generator has all members of a classifier.
    if isinstance(model, Generator) or not isinstance(model, Classifier):
        return None
    return TrainedModel(model, trained.params, trained.metadata)


def hash_params(digest: "hashlib._Hash", params: Mapping[str, Any]) -> None:
    """Add the names and values of parameters, as float32, to a hash."""
    for path, leaf in jax.tree.leaves_with_path(params):
        digest.update(jax.tree_util.keystr(path).encode())
        digest.update(np.ascontiguousarray(leaf, np.float32).tobytes())


def model_digest(trained: TrainedModel[Any], temperature: float = 1.0) -> str:
    """Return the SHA-256 of a model: its sizes and parameters.

    Args:
      trained: the model.
      temperature: logits are divided by it; it is part of the hash.
    """
    digest = hashlib.sha256(f"{trained.model!r} {temperature!r}".encode())
    hash_params(digest, trained.params)
    return digest.hexdigest()


def save_model(
    path: pathlib.Path, params: Mapping[str, Any], metadata: Mapping[str, Any]
) -> None:
    """Write a model to one file, with its SHA-256; see `loading.load_model`.

    Args:
      path: the file. An earlier one is replaced once the new one is complete.
      params: nested dictionaries of arrays.
      metadata: JSON-like; see `TrainedModel`.
    """
    arrays = {
        PARAMS + name: np.asarray(value)
        for name, value in traverse_util.flatten_dict(dict(params), sep="/").items()
    }
    arrays[METADATA] = np.array(json.dumps(metadata))
    archive = io.BytesIO()
    np.savez(archive, allow_pickle=False, **arrays)
    with atomic_write(path) as unfinished:
        unfinished.write_bytes(with_checksum(archive.getvalue()))


def check_shapes(model: PairModel, params: Mapping[str, Any]) -> None:
    """Check that parameters have a model's names and shapes.

    No device is touched.

    Raises:
      ValueError: if they do not; the message names the first that differs.
    """
    found = traverse_util.flatten_dict(dict(params), sep="/")
    check_flat_shapes(model, {name: array.shape for name, array in found.items()})


def check_flat_shapes(model: PairModel, found: Mapping[str, tuple[int, ...]]) -> None:
    """Like `check_shapes`, given shapes by names such as "conv/kernel"."""

    def init() -> Mapping[str, Any]:
        variables: Mapping[str, Any] = model.init(
            jax.random.key(0), *model.example_inputs()
        )
        return variables

    shapes = jax.eval_shape(init)
    wanted = traverse_util.flatten_dict(shapes["params"], sep="/")
    for name in sorted(set(wanted) | set(found)):
        expected = wanted[name].shape if name in wanted else None
        shape = found.get(name)
        if shape != expected:
            raise ValueError(f"parameter {name} is {shape}, the model's is {expected}")


def finite_float32(name: str, array: np.ndarray) -> np.ndarray:
    """Return a parameter as float32.

    Raises:
      ValueError: if it is not an array of floating-point numbers, or one is NaN or too
        large for float32.
    """
    if array.dtype.kind != "f":
        raise ValueError(f"parameter {name} is {array.dtype}, not floating-point")
    with np.errstate(over="ignore"):
        converted = array.astype(np.float32)
    if not np.isfinite(converted).all():
        raise ValueError(f"parameter {name} holds NaN or infinity")
    return converted
