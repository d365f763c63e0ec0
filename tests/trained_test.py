"""Tests of mirjax.models.trained."""

import json
import pathlib
import pickle

import equations
import jax
import numpy as np
import pytest

from mirjax.models import loading, make_model, trained

METADATA = {
    "model": {"name": "seq2seq", "conv_features": 6, "lstm_features": 7},
    "data": {"name": "simulated"},
    "step": 12,
}


@pytest.fixture(scope="module")
def params():
    return equations.random_params(make_model(METADATA["model"]), seed=0)


@pytest.fixture
def file(tmp_path, params):
    path = tmp_path / trained.FILE_NAME
    trained.save_model(path, params, METADATA)
    return path


def test_what_is_saved_is_loaded_from_the_file_and_its_folder(file, params):
    for path in (file, file.parent, str(file)):
        found = loading.load_model(path)
        assert found.metadata == METADATA
        assert found.model == make_model(METADATA["model"])
        jax.tree.map(np.testing.assert_array_equal, found.params, params)


def test_saving_replaces_an_earlier_model_whole(file, params):
    doubled = jax.tree.map(lambda array: 2 * array, params)
    trained.save_model(file, doubled, METADATA | {"step": 13})
    found = loading.load_model(file)
    assert found.metadata["step"] == 13
    jax.tree.map(np.testing.assert_array_equal, found.params, doubled)
    assert [path.name for path in file.parent.iterdir()] == [trained.FILE_NAME]


def test_a_failed_save_leaves_the_earlier_model(file, params):
    with pytest.raises(TypeError):
        trained.save_model(file, params, {"model": object()})
    assert loading.load_model(file).metadata == METADATA


def test_a_keras_file_is_loaded_as_one():
    path = pathlib.Path(__file__).parent / "testdata" / "keras_seq2seq.h5"
    assert loading.load_model(path).model.lstm_features == 7


def test_an_unused_option_of_earlier_versions_is_dropped(tmp_path, params):
    path = tmp_path / "model.npz"
    model = METADATA["model"] | {"letter_dropout": 0.0}
    trained.save_model(path, params, METADATA | {"model": model})
    assert loading.load_model(path).metadata == METADATA


def test_a_used_option_of_earlier_versions_is_refused(tmp_path, params):
    path = tmp_path / "model.npz"
    model = METADATA["model"] | {"letter_dropout": 0.5}
    trained.save_model(path, params, METADATA | {"model": model})
    with pytest.raises(ValueError, match=f"^{path} .*letter_dropout=0.5") as caught:
        loading.load_model(path)
    assert "\n" not in str(caught.value)


def test_a_folder_without_a_model_says_how_to_train_one(tmp_path):
    message = f"{tmp_path} holds no trained model .* --workdir={tmp_path}$"
    with pytest.raises(ValueError, match=message):
        loading.load_model(tmp_path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ValueError, match=f"{tmp_path}/no.npz does not exist"):
        loading.load_model(tmp_path / "no.npz")


def assert_damaged(path):
    with pytest.raises(ValueError, match=f"^{path} is not a mirjax model") as caught:
        loading.load_model(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("fraction", [0.1, 0.5, 0.99])
def test_a_truncated_file_is_damaged(file, fraction):
    content = file.read_bytes()
    file.write_bytes(content[: int(fraction * len(content))])
    assert_damaged(file)


def test_a_flipped_byte_is_noticed(file):
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0xFF
    file.write_bytes(content)
    assert_damaged(file)


def test_parameters_of_another_size_are_damage(tmp_path, params):
    path = tmp_path / "model.npz"
    for model in ({"lstm_features": 8}, {"conv_width": 7}):
        trained.save_model(path, params, {"model": METADATA["model"] | model})
        assert_damaged(path)
    for layer in ("encoder_conv", "output_dense"):
        fewer = {name: params[name] for name in params if name != layer}
        trained.save_model(path, fewer, METADATA)
        assert_damaged(path)


class _Trap:
    def __reduce__(self):
        return pytest.fail, ("the pickle was opened",)


def test_pickles_are_never_opened(tmp_path):
    path = tmp_path / "model.npz"
    path.write_bytes(pickle.dumps(_Trap()))
    with pytest.raises(ValueError, match=f"^{path} is a Python pickle.* never"):
        loading.load_model(path)
    metadata = np.array(json.dumps(METADATA))
    with path.open("wb") as file:
        np.savez(file, **{"metadata": metadata, "params/x": np.array([_Trap()])})
    assert_damaged(path)


@pytest.mark.parametrize(
    "metadata",
    ["{", "{}", '{"model": {"name": "rnn"}}', '{"model": {"name": "seq2seq"}}'],
)
def test_wrong_metadata_are_damage(tmp_path, metadata):
    path = tmp_path / "model.npz"
    np.savez(path, metadata=np.array(metadata))
    assert_damaged(path)


def test_arrays_without_metadata_are_no_model(tmp_path):
    path = tmp_path / "arrays.npz"
    np.savez(path, x=np.zeros(3))
    assert_damaged(path)
