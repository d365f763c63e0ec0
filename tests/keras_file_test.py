"""Tests of mirjax.models.imports.keras_file: what is read, and files that cannot be."""

import pathlib
import shutil

import h5py
import numpy as np
import pytest

from mirjax.models.imports.keras_file import read_keras_layers

FILE = pathlib.Path(__file__).parent / "testdata" / "keras_seq2seq.h5"


@pytest.fixture
def copy(tmp_path):
    return pathlib.Path(shutil.copy(FILE, tmp_path / "copy.h5"))


def test_layers_come_in_the_models_order_with_what_they_read():
    found = [(layer.name, layer.kind, layer.reads) for layer in read_keras_layers(FILE)]
    assert found == [
        ("conv1d", "conv", set()),
        ("dense", "dense", {"conv1d"}),
        ("dense_1", "dense", set()),
        ("lstm", "lstm", {"dense"}),
        ("lstm_1", "lstm", {"dense_1", "lstm"}),
        ("dense_2", "dense", {"lstm_1"}),
    ]


def test_weights_without_a_config_read_nothing_known(copy):
    with h5py.File(copy, "a") as file:
        del file.attrs["model_config"]
    assert {layer.reads for layer in read_keras_layers(copy)} == {None}
    assert all(layer.options == {} for layer in read_keras_layers(copy))


def test_hard_sigmoid_is_told_from_that_of_keras_3(copy):
    def gates():
        return {
            layer.options["recurrent_activation"]
            for layer in read_keras_layers(copy)
            if layer.kind == "lstm"
        }

    # The fixture's own function, registered as keras2>hard_sigmoid, is Keras 2's.
    assert gates() == {"hard_sigmoid"}
    with h5py.File(copy, "a") as file:
        config = file.attrs["model_config"]
        start = config.index('{"module": "builtins"')
        function = config[start : config.index("}", start) + 1]
        assert "keras2>hard_sigmoid" in function
        file.attrs["model_config"] = config.replace(function, '"hard_sigmoid"')
    assert gates() == {"hard_sigmoid of Keras 3.15.1"}
    with h5py.File(copy, "a") as file:
        file.attrs["keras_version"] = b"2.2.4-tf"
    assert gates() == {"hard_sigmoid"}


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    for path, fault in ((tmp_path / "no.h5", "does not exist"), (tmp_path, "is not a")):
        with pytest.raises(ValueError, match=f"^{path} {fault}"):
            read_keras_layers(path)


def test_a_truncated_file_is_damaged(copy):
    whole = copy.read_bytes()
    for size in (10, 100, len(whole) // 2, len(whole) - 1):
        copy.write_bytes(whole[:size])
        with pytest.raises(ValueError, match=f"^{copy} is not an HDF5 file or is dam"):
            read_keras_layers(copy)


def test_text_is_not_hdf5(copy):
    copy.write_text("let-7a UGAGGUAGUAGGUUGUAUAGUU\n")
    with pytest.raises(ValueError, match="not an HDF5 file .* copy it again$"):
        read_keras_layers(copy)


def _without_names(file):
    del file["model_weights"].attrs["layer_names"]


def _without_a_layer(file):
    del file["model_weights/lstm"]


def _without_a_weight(file):
    del file["model_weights/lstm/lstm/lstm_cell/bias"]


def _group_for_a_weight(file):
    del file["model_weights/dense/dense/bias"]
    file.create_group("model_weights/dense/dense/bias")


def _letters_for_a_weight(file):
    del file["model_weights/dense/dense/bias"]
    file["model_weights/dense/dense/bias"] = b"__import__('os')"


def _nan(file):
    file["model_weights/dense/dense/bias"][2] = np.nan


def _config_of(text):
    def change(file):
        file.attrs["model_config"] = text

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_without_names, "no layer_names; save it again by model.save"),
        (_without_a_layer, "is damaged .*lstm"),
        (_without_a_weight, "is damaged .*bias"),
        (_group_for_a_weight, "dense/bias is not an array"),
        (_letters_for_a_weight, "dense/bias is not an array"),
        (_nan, "dense/bias holds NaN"),
        (_config_of("{"), "model_config is damaged"),
        (_config_of("[" * 5_000), "model_config is damaged"),
        (_config_of('{"config": 3}'), "model_config is damaged"),
        (_config_of('{"config": {"layers": [{"config": []}]}}'), "config is damaged"),
        (_config_of('{"config": {"layers": []}}'), "its layers are not a list of 1 to"),
        (
            _config_of('{"config": [{"config": {"name": null}, "class_name": "A"}]}'),
            "layer 0 has the name None, which is not text",
        ),
        (
            _config_of('{"config": [{"config": {"name": "a"}, "class_name": 7}]}'),
            "layer 0 has the class_name 7, which is not text",
        ),
        (_config_of('{"config": [7]}'), "layer 0 has no config"),
        (
            _config_of(
                '{"config": ['
                + ", ".join(['{"config": {"name": "a"}, "class_name": "A"}'] * 2)
                + "]}"
            ),
            "two layers are called 'a'",
        ),
    ],
)
def test_damage_is_told_in_one_line(copy, change, message):
    with h5py.File(copy, "a") as file:
        change(file)
    with pytest.raises(ValueError, match=message) as caught:
        read_keras_layers(copy)
    assert str(caught.value).startswith(str(copy))
    assert "\n" not in str(caught.value)
