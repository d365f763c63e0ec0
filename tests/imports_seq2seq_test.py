"""Tests of loading a published seq2seq; what Keras computes is in keras_oracle_test."""

import json
import pathlib

import h5py
import jax
import numpy as np
import pytest

from mirjax.models.loading import load_keras_model

TESTDATA = pathlib.Path(__file__).parent / "testdata"
FILE = TESTDATA / "keras_seq2seq.h5"


@pytest.fixture(scope="module")
def loaded():
    return load_keras_model(FILE)


@pytest.fixture
def weights():
    """The parameters as Keras has them, by LAYER/WEIGHT."""
    with np.load(TESTDATA / "keras_seq2seq.npz", allow_pickle=False) as arrays:
        return {
            name.removeprefix("initial/"): arrays[name]
            for name in arrays.files
            if name.startswith("initial/")
        }


# The published layers as Keras 2 orders them, under numbers that mean nothing, with
# the names in the fixture.
PUBLISHED = {
    "input_5": None,
    "conv1d_3": "conv1d",
    "dense_11": "dense",
    "input_6": None,
    "lstm_9": "lstm",
    "dense_7": "dense_1",
    "lstm_4": "lstm_1",
    "dense_20": "dense_2",
}
READS = {
    "conv1d_3": ["input_5"],
    "dense_11": ["conv1d_3"],
    "lstm_9": ["dense_11"],
    "dense_7": ["input_6"],
    "lstm_4": ["dense_7", "lstm_9", "lstm_9"],
    "dense_20": ["lstm_4"],
}
CLASSES = {
    "input": "InputLayer",
    "conv1d": "Conv1D",
    "dense": "Dense",
    "lstm": "LSTM",
    "dropout": "Dropout",
    "masking": "Masking",
}
SAVED = {"group": "model_weights", "reads": READS}


def write_keras2(path, weights, names=None, *, group="/", reads=None, options=None):
    """Write weights as Keras 2.2 does; of `model.save` with **SAVED, else weights."""
    names = PUBLISHED if names is None else names
    with h5py.File(path, "w") as file:
        top = file.require_group(group)
        top.attrs["layer_names"] = np.array([name.encode() for name in names])
        top.attrs["backend"] = b"tensorflow"
        top.attrs["keras_version"] = b"2.2.4"
        for name, source in names.items():
            layer = top.create_group(name)
            arrays = {
                f"{name}/{weight}:0": weights[f"{source}/{weight}"]
                for weight in ("kernel", "recurrent_kernel", "bias")
                if f"{source}/{weight}" in weights
            }
            layer.attrs["weight_names"] = np.array([name.encode() for name in arrays])
            for weight, array in arrays.items():
                layer[weight] = array
        if reads is not None:
            layers = [
                {
                    "name": name,
                    "class_name": CLASSES[name.partition("_")[0]],
                    "config": {"name": name} | (options or {}).get(name, {}),
                    "inbound_nodes": [
                        [[read, 0, place, {}] for place, read in enumerate(reads[name])]
                    ]
                    if name in reads
                    else [],
                }
                for name in names
            ]
            config = {"class_name": "Model", "config": {"layers": layers}}
            file.attrs["model_config"] = json.dumps(config).encode()
            file.attrs["keras_version"] = b"2.2.4"
    return path


@pytest.mark.parametrize("form", [{}, SAVED], ids=["save_weights", "save"])
def test_keras_2_layout_loads_the_same(tmp_path, weights, loaded, form):
    found = load_keras_model(write_keras2(tmp_path / "old.h5", weights, **form))
    assert found.model == loaded.model
    jax.tree.map(np.testing.assert_array_equal, found.params, loaded.params)


def test_connections_tell_layers_apart_whatever_their_order(tmp_path, weights, loaded):
    shuffled = dict(sorted(PUBLISHED.items(), reverse=True))
    path = write_keras2(tmp_path / "odd.h5", weights, shuffled, **SAVED)
    jax.tree.map(
        np.testing.assert_array_equal, load_keras_model(path).params, loaded.params
    )


def test_a_layer_without_weights_between_two_is_looked_through(
    tmp_path, weights, loaded
):
    names = PUBLISHED | {"dropout_1": None, "dropout_2": None}
    reads = READS | {
        "dense_20": ["dropout_2"],
        "dropout_2": ["dropout_1"],
        "dropout_1": ["lstm_4"],
    }
    path = write_keras2(
        tmp_path / "m.h5", weights, names, group="model_weights", reads=reads
    )
    jax.tree.map(
        np.testing.assert_array_equal, load_keras_model(path).params, loaded.params
    )


def test_a_layer_without_weights_that_computes_is_refused(tmp_path, weights):
    names = PUBLISHED | {"masking_1": None}
    reads = READS | {"conv1d_3": ["masking_1"], "masking_1": ["input_5"]}
    path = write_keras2(
        tmp_path / "m.h5", weights, names, group="model_weights", reads=reads
    )
    with pytest.raises(ValueError, match=f"^{path}: neither miTAR.* has .*masking_1"):
        load_keras_model(path)


def test_shapes_tell_layers_apart_where_there_is_no_config(tmp_path, weights):
    # Nine filters: now no two Dense layers are of one shape.
    rng = np.random.default_rng(0)
    weights["conv1d/kernel"] = rng.normal(size=(8, 4, 9))
    weights["conv1d/bias"] = rng.normal(size=9)
    weights["dense/kernel"] = rng.normal(size=(9, 5))
    shuffled = {name: PUBLISHED[name] for name in ("dense_20", "dense_7", *PUBLISHED)}
    found = load_keras_model(write_keras2(tmp_path / "w.h5", weights, shuffled))
    whole = load_keras_model(write_keras2(tmp_path / "m.h5", weights, **SAVED))
    jax.tree.map(np.testing.assert_array_equal, found.params, whole.params)


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        (
            "conv1d/kernel",
            np.ones((8, 5, 6)),
            r"conv1d_3 has a kernel of shape \(8, 5,",
        ),
        ("dense_1/kernel", np.ones((7, 5)), r"dense_\d+ has a kernel of shape"),
        ("lstm/bias", np.ones(27), r"lstm_9 has a bias of shape \(27,\)"),
        ("lstm_1/kernel", np.ones((5, 21)), r"lstm_4 has a kernel of shape \(5, 21\)"),
        ("dense_2/bias", np.ones(5), r"dense_20 has a bias of shape \(5,\)"),
        ("dense/kernel", np.ones((1, 6, 5)), "neither miTAR"),
    ],
)
@pytest.mark.parametrize("form", [{}, SAVED], ids=["save_weights", "save"])
def test_wrong_shapes_are_refused(tmp_path, weights, form, name, array, message):
    weights[name] = array
    path = write_keras2(tmp_path / "wrong.h5", weights, **form)
    with pytest.raises(ValueError, match=f"^{path}: .*{message}.*$"):
        load_keras_model(path)


@pytest.mark.parametrize(
    ("layer", "options", "message"),
    [
        ("lstm_9", {"recurrent_activation": "sigmoid"}, "recurrent_activation 'sigm"),
        ("lstm_4", {"activation": "relu"}, "lstm_4 has activation 'relu'"),
        ("conv1d_3", {"padding": "same"}, "conv1d_3 has padding 'same'"),
        ("conv1d_3", {"strides": [2]}, r"strides \[2\]"),
        ("dense_7", {"activation": "tanh"}, "dense_7 has activation 'tanh'"),
    ],
)
def test_layers_that_compute_otherwise_are_refused(
    tmp_path, weights, layer, options, message
):
    path = write_keras2(
        tmp_path / "other.h5", weights, **SAVED, options={layer: options}
    )
    with pytest.raises(ValueError, match=message):
        load_keras_model(path)


def test_another_wiring_is_refused(tmp_path, weights):
    # Attention-free but unlinked: the decoder does not start from the encoder's state.
    reads = READS | {"lstm_4": ["dense_7"]}
    path = write_keras2(tmp_path / "w.h5", weights, group="model_weights", reads=reads)
    with pytest.raises(ValueError, match="not a CNN-LSTM seq2seq: 0 lstm layers read"):
        load_keras_model(path)
