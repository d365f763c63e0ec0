"""Tests of loading a miTAR classifier that Keras saved."""

import copy
import json

import h5py
import jax
import numpy as np
import pytest
from equations import random_params

from mirjax.models.loading import load_model
from mirjax.models.mitar import Mitar

MODEL = Mitar(
    length=60,
    embedding_features=3,
    conv_features=7,
    conv_width=4,
    lstm_features=6,
    dense_features=5,
)
_LSTM = {"activation": "relu", "recurrent_activation": "hard_sigmoid"}
# Class and config of each layer, as Keras 2.2.4 writes a Sequential; the numbers at the
# names' ends mean nothing.
LAYERS = {
    "embedding_4": ("Embedding", {"batch_input_shape": [None, 60]}),
    "conv1d_9": ("Conv1D", {"activation": "relu", "padding": "valid", "strides": [1]}),
    "dropout_1": ("Dropout", {}),
    "max_pooling1d_2": ("MaxPooling1D", {"pool_size": [2], "strides": [2]}),
    "dropout_2": ("Dropout", {}),
    "bidirectional_3": (
        "Bidirectional",
        {
            "merge_mode": "concat",
            "layer": {"class_name": "LSTM", "config": {"name": "lstm_3"} | _LSTM},
        },
    ),
    "dense_8": ("Dense", {"activation": "relu"}),
    "dense_3": ("Dense", {"activation": "sigmoid"}),
}


@pytest.fixture
def params():
    return random_params(MODEL, 0)


def write(path, params, layers=None, *, whole=True, as_list=False):
    """Write a model as Keras 2.2.4 does (as_list: before 2.2.3), or its weights."""
    layers = LAYERS if layers is None else layers
    weights = {
        "embedding_4": {"embeddings": params["embedding"]},
        "conv1d_9": params["conv"],
        "bidirectional_3": {
            f"{direction}_lstm_3/{name}": array
            for direction in ("forward", "backward")
            for name, array in params[f"{direction}_lstm"].items()
        },
        "dense_8": params["hidden_dense"],
        "dense_3": params["output_dense"],
    }
    with h5py.File(path, "w") as file:
        top = file.require_group("model_weights")
        top.attrs["layer_names"] = np.array([name.encode() for name in layers])
        for name in layers:
            layer = top.create_group(name)
            arrays = {
                f"{name}/{weight}:0": array
                for weight, array in weights.get(name, {}).items()
            }
            layer.attrs["weight_names"] = np.array([key.encode() for key in arrays])
            for key, array in arrays.items():
                layer[key] = array
        if whole:
            described = [
                {"class_name": kind, "config": {"name": name} | options}
                for name, (kind, options) in layers.items()
            ]
            config = described if as_list else {"name": "s", "layers": described}
            model = {"class_name": "Sequential", "config": config}
            file.attrs["model_config"] = json.dumps(model).encode()
            file.attrs["keras_version"] = b"2.2.4"
    return path


@pytest.mark.parametrize("as_list", [False, True])
def test_any_length_and_sizes_load(tmp_path, params, as_list):
    found = load_model(write(tmp_path / "m.h5", params, as_list=as_list))
    assert found.model == MODEL
    assert found.metadata["source"] == "m.h5"
    jax.tree.map(np.testing.assert_array_equal, found.params, params)


def test_the_length_may_stand_in_input_length(tmp_path, params):
    layers = LAYERS | {"embedding_4": ("Embedding", {"input_length": 66})}
    assert load_model(write(tmp_path / "m.h5", params, layers)).model.length == 66


@pytest.mark.parametrize(
    ("layer", "options", "message"),
    [
        ("conv1d_9", {"padding": "same"}, "conv1d_9 has padding 'same'"),
        ("max_pooling1d_2", {"pool_size": [3]}, r"pool_size \[3\]"),
        ("bidirectional_3", {"merge_mode": "sum"}, "merge_mode 'sum'"),
        (
            "bidirectional_3",
            {"layer": {"config": _LSTM | {"activation": "tanh"}}},
            "bidirectional_3 has activation 'tanh'",
        ),
        ("dense_3", {"activation": "linear"}, "dense_3 has activation 'linear'"),
        ("embedding_4", {"mask_zero": True}, "mask_zero True"),
        ("embedding_4", {"batch_input_shape": [None, None]}, "not tell the length"),
        ("embedding_4", {"batch_input_shape": [None, 10**9]}, "length is 1000000000"),
        ("embedding_4", {"batch_input_shape": 7}, "not tell the length"),
        (
            "conv1d_9",
            {"padding": ["x" * 99] * 99},
            r"has padding \['x{58}\.\.\., where",
        ),
    ],
)
def test_layers_that_compute_otherwise_are_refused(
    tmp_path, params, layer, options, message
):
    layers = copy.deepcopy(LAYERS)
    layers[layer][1].update(options)
    path = write(tmp_path / "m.h5", params, layers)
    with pytest.raises(ValueError, match=f"^{path}: .*{message}"):
        load_model(path)


def test_other_architectures_and_weights_alone_are_refused(tmp_path, params):
    missing = {name: LAYERS[name] for name in LAYERS if name != "max_pooling1d_2"}
    twice = LAYERS | {"max_pooling1d_7": ("MaxPooling1D", {"pool_size": [2]})}
    one_dense = {name: LAYERS[name] for name in LAYERS if name != "dense_8"}
    flat = LAYERS | {"flatten_1": ("Flatten", {})}
    for layers, message in (
        (missing, "not miTAR, which pools once"),
        (twice, "not miTAR, which pools once"),
        (one_dense, "neither miTAR.*it has embedding_4, conv1d_9"),
        (flat, "neither miTAR.*flatten_1"),
    ):
        path = write(tmp_path / "m.h5", params, layers)
        with pytest.raises(ValueError, match=f"^{path}: {message}"):
            load_model(path)
    path = write(tmp_path / "m.h5", params, whole=False)
    with pytest.raises(ValueError, match="weights of a miTAR classifier alone"):
        load_model(path)


def test_wrong_shapes_and_truncated_files_are_refused(tmp_path, params):
    params["hidden_dense"]["kernel"] = np.ones((11, 5), np.float32)
    path = write(tmp_path / "m.h5", params)
    with pytest.raises(
        ValueError, match=f"^{path}: parameter hidden_dense/kernel is .11, 5., .*12, 5"
    ):
        load_model(path)
    path.write_bytes(path.read_bytes()[:4000])
    with pytest.raises(ValueError, match=f"^{path} is not an HDF5 file or is damaged"):
        load_model(path)


def test_a_functional_model_is_checked_by_what_reads_what(tmp_path, params):
    path = write(tmp_path / "m.h5", params)
    with h5py.File(path, "a") as file:
        model = json.loads(file.attrs["model_config"])
        model["class_name"] = "Model"
        before = None
        for layer in model["config"]["layers"]:
            name = layer["config"]["name"]
            # The last layer skips the one before it.
            source = "bidirectional_3" if name == "dense_3" else before
            layer["inbound_nodes"] = [[[source, 0, 0, {}]]] if source else []
            before = name
        file.attrs["model_config"] = json.dumps(model)
    with pytest.raises(ValueError, match="dense_3 reads bidirectional_3, not dense_8"):
        load_model(path)
