"""Read the layers of a Keras `.h5` file, without Keras.

Only arrays and JSON are read; nothing in a file is ever executed. The layouts of Keras
2 and of the legacy `.h5` of Keras 3, which name weights differently, are both read.
"""

import dataclasses
import itertools
import json
import os
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from mirjax.models.file_kinds import check_model_file
from mirjax.models.imports.hdf5_file import read_hdf5
from mirjax.models.stored_config import shorten

_LSTM = {"kernel": 2, "recurrent_kernel": 2, "bias": 1}
# Kinds of layers, and the rank of each of their weights.
_KINDS = {
    "conv": {"kernel": 3, "bias": 1},
    "dense": {"kernel": 2, "bias": 1},
    "embedding": {"embeddings": 2},
    "lstm": _LSTM,
    "bidirectional_lstm": {
        f"{direction}_{name}": rank
        for direction in ("forward", "backward")
        for name, rank in _LSTM.items()
    },
}
# Layers without weights that return their inputs at inference.
_INERT = ("InputLayer", "Dropout", "SpatialDropout1D", "GaussianNoise")
_MOST_LAYERS = 200
_ADVICE = "save it again by model.save('NAME.h5')"


@dataclasses.dataclass(frozen=True)
class KerasLayer:
    """A layer that changes its input at inference.

    Attributes:
      name: with Keras's number, such as "dense_2".
      kind: conv, dense, embedding, lstm or bidirectional_lstm; otherwise the name of
        its Keras class, or "other".
      weights: float32 arrays by the last part of their names, which in a
        bidirectional_lstm follows "forward_" or "backward_". Empty for layers such as
        pooling.
      options: the layer's config, joined with that of a layer it wraps; empty if the
        file holds only weights. An activation `hard_sigmoid` of Keras 3, whose slope
        differs from Keras 2's, is called "hard_sigmoid of Keras VERSION".
      reads: names of the layers whose outputs this one reads, directly or through
        layers such as dropout; None if the file holds only weights.
    """

    name: str
    kind: str
    weights: Mapping[str, np.ndarray]
    options: Mapping[str, Any]
    reads: frozenset[str] | None


def read_keras_layers(path: str | os.PathLike[str]) -> list[KerasLayer]:
    """Read the layers that change their input at inference, in the model's order.

    Args:
      path: an `.h5` file that `model.save` or `save_weights` of Keras 2 or 3 wrote. A
        file of `save_weights` lists only layers that have weights.

    Raises:
      ValueError: if the file is missing, damaged or not a Keras model.
    """
    path = pathlib.Path(path)
    check_model_file(path)
    contents = read_hdf5(path)
    weights = {
        layer.name: [(_weight_name(name), array) for name, array in layer.weights]
        for layer in contents.layers
        if layer.weights
    }
    try:
        return _layers(weights, contents.config, contents.version)
    except ValueError as error:
        raise ValueError(f"{path}: {error}; {_ADVICE}") from error
    except (LookupError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"{path}: model_config is damaged; {_ADVICE}") from error


def _layers(
    weights: Mapping[str, list[tuple[str, np.ndarray]]],
    config: str | None,
    version: str | None,
) -> list[KerasLayer]:
    """Join layers' weights and configs."""
    if config is None:
        return [
            KerasLayer(name, _kind(arrays), dict(arrays), {}, None)
            for name, arrays in weights.items()
        ]
    configs = _layer_configs(config)
    listed = [
        name
        for name, layer in configs.items()
        if name in weights or layer["class_name"] not in _INERT
    ]
    return [
        KerasLayer(
            name,
            _kind(weights[name]) if name in weights else configs[name]["class_name"],
            dict(weights.get(name, ())),
            _options(configs[name], version or "2"),
            _sources(name, configs, set(listed)),
        )
        for name in listed
    ]


def check_options(layer: KerasLayer, published: Mapping[str, Any]) -> None:
    """Check that a layer has the options of the published one.

    Args:
      layer: from a file; a missing option is assumed to be the published one.
      published: options that determine what the layer computes.

    Raises:
      ValueError: if an option differs.
    """
    for key, wanted in published.items():
        value = layer.options.get(key, wanted)
        if value != wanted:
            raise ValueError(
                f"layer {layer.name} has {key} {shorten(value)}, where the published "
                f"model has {wanted!r}"
            )


def _weight_name(path: str) -> str:
    """Return the last part of a weight's name, after a wrapped layer's direction."""
    *layers, name = path.split(":")[0].split("/")
    for direction in ("forward_", "backward_"):
        # Not the first part: a layer that is not a wrapper may have this name.
        if any(layer.startswith(direction) for layer in layers[1:]):
            return direction + name
    return name


def _kind(weights: Sequence[tuple[str, np.ndarray]]) -> str:
    """Determine a layer's kind from the names and ranks of its weights."""
    ranks = sorted((name, array.ndim) for name, array in weights)
    found = [kind for kind, known in _KINDS.items() if sorted(known.items()) == ranks]
    return found[0] if found else "other"


def _layer_configs(config: str) -> dict[str, Mapping[str, Any]]:
    """Return the layers' entries in the model's JSON config, by name."""
    try:
        model = json.loads(config)
    except ValueError as error:
        raise ValueError("model_config is damaged") from error
    layers = model["config"]
    if isinstance(layers, Mapping):  # before Keras 2.2.3 a Sequential's was a list
        layers = layers["layers"]
    _check_layers(layers)
    if model["class_name"] == "Sequential":
        for before, layer in itertools.pairwise(layers):
            layer["inbound_nodes"] = [[before["config"]["name"], 0, 0]]
            if before["class_name"] == "InputLayer":  # holds the shape, in Keras 3
                layer["config"].setdefault(
                    "batch_shape", before["config"].get("batch_shape")
                )
    return {layer["config"]["name"]: layer for layer in layers}


def _check_layers(layers: Any) -> None:
    """Raise a ValueError unless each layer has a class, a config and its own name."""
    if not isinstance(layers, list) or not layers or len(layers) > _MOST_LAYERS:
        raise ValueError(
            f"model_config is damaged: its layers are not a list of 1 to {_MOST_LAYERS}"
        )
    names = set()
    for place, layer in enumerate(layers):
        if not isinstance(layer, dict) or not isinstance(layer.get("config"), dict):
            raise ValueError(f"model_config is damaged: layer {place} has no config")
        name = layer["config"].get("name")
        for key, value in (("name", name), ("class_name", layer.get("class_name"))):
            if not isinstance(value, str):
                raise ValueError(
                    f"model_config is damaged: layer {place} has the {key} "
                    f"{shorten(value)}, which is not text"
                )
        if name in names:
            raise ValueError(
                f"model_config is damaged: two layers are called {shorten(name)}"
            )
        names.add(name)


def _options(layer: Mapping[str, Any], version: str) -> dict[str, Any]:
    """Return a layer's config, with functions as plain names."""
    options = dict(layer["config"])
    if isinstance(options.get("layer"), Mapping):  # a wrapper
        options |= options["layer"]["config"]
    for key in ("activation", "recurrent_activation"):
        if isinstance(options.get(key), Mapping):  # a function registered with Keras
            options[key] = str(options[key]["config"]).rpartition(">")[2]
        elif options.get(key) == "hard_sigmoid" and version.split(".")[0] not in "12":
            options[key] = f"hard_sigmoid of Keras {version}"
    return options


def _referenced(node: Any, names: Mapping[str, Any]) -> Iterator[str]:
    """Yield the layers that an inbound node names, in any version's nesting.

    All versions write a tensor as a list: a layer's name, then two numbers.
    """
    if isinstance(node, Mapping):
        node = list(node.values())
    if isinstance(node, list):
        if node and isinstance(node[0], str) and node[0] in names:
            yield node[0]
        for part in node:
            yield from _referenced(part, names)


def _sources(
    name: str, configs: Mapping[str, Mapping[str, Any]], listed: set[str]
) -> frozenset[str]:
    """Return the listed layers that a layer reads, through those not listed."""
    found: set[str] = set()
    seen, pending = {name}, [name]
    while pending:
        node = configs[pending.pop()].get("inbound_nodes")
        for source in set(_referenced(node, configs)) - seen:
            seen.add(source)
            (found.add if source in listed else pending.append)(source)
    return frozenset(found)
