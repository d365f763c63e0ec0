"""Tests of mirjax.models.trained."""

import io
import json
import logging
import pathlib
import pickle

import equations
import jax
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

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


@pytest.mark.slow
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


def test_no_flipped_bit_is_overlooked(file):
    content = file.read_bytes()
    places = np.random.default_rng(0).choice(8 * len(content), 150, replace=False)
    for place in places.tolist():
        flipped = bytearray(content)
        flipped[place // 8] ^= 1 << place % 8
        file.write_bytes(flipped)
        with pytest.raises(ValueError, match=f"^{file} is "):
            loading.load_model(file)


def flat(params, metadata=METADATA):
    """The arrays of a model file, by their names in it."""
    arrays = {f"params/{a}/{b}": params[a][b] for a in params for b in params[a]}
    return arrays | {"metadata": np.array(json.dumps(metadata))}


def test_a_file_without_a_checksum_loads_and_says_so(tmp_path, params, caplog):
    path = tmp_path / "model.npz"
    np.savez(path, **flat(params))
    with caplog.at_level(logging.INFO):
        found = loading.load_model(path)
    jax.tree.map(np.testing.assert_array_equal, found.params, params)
    assert f"{path} has no SHA-256" in caplog.text


BIAS = "params/encoder_conv/bias"
BAD_ARRAYS = {
    "nan": ({BIAS: np.full(6, np.nan, np.float32)}, "encoder_conv/bias holds NaN"),
    "infinite": ({BIAS: np.full(6, -np.inf, np.float32)}, "holds NaN or infinity"),
    "beyond float32": ({BIAS: np.full(6, 1e300)}, "holds NaN or infinity"),
    "integers": ({BIAS: np.zeros(6, np.int32)}, "bias is int32, not floating-point"),
    "bytes": ({BIAS: np.zeros(6, "S4")}, r"bias is \|S4, not floating-point"),
    "complex": ({BIAS: np.zeros(6, np.complex64)}, "complex64, not floating-point"),
    "foreign": ({"extra/readme": np.zeros(1)}, "'extra/readme.npy' is not a parameter"),
    "one too many": ({"params/x": np.zeros(1)}, "parameter x is"),
    "inside another": ({f"{BIAS}/x": np.zeros(1)}, "parameter encoder_conv/bias/x is"),
    "metadata is bytes": ({"metadata": np.array(b"{}")}, "'metadata' is not text"),
    "metadata is a list": ({"metadata": np.array(["{}"])}, "'metadata' is not text"),
    "metadata is long": ({"metadata": np.array(" " * (1 << 20) + "{}")}, "too long"),
    "metadata is deep": ({"metadata": np.array('{"a":' * 9_000)}, "nested too deeply"),
}


@pytest.mark.parametrize(("change", "message"), BAD_ARRAYS.values(), ids=BAD_ARRAYS)
def test_arrays_that_no_model_has_are_refused(tmp_path, params, change, message):
    path = tmp_path / "model.npz"
    np.savez(path, **(flat(params) | change))
    with pytest.raises(ValueError, match=message) as caught:
        loading.load_model(path)
    assert str(caught.value).startswith(f"{path} is not a mirjax model")
    assert "\n" not in str(caught.value)


def _small_archive():
    stream = io.BytesIO()
    model = {"name": "mitar", "length": 30, "conv_width": 2, "conv_features": 1}
    np.savez(stream, **flat({"conv": {"bias": np.zeros(1)}}, {"model": model}))
    return stream.getvalue()


SMALL = _small_archive()


@settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(
        st.tuples(
            st.integers(0, len(SMALL) - 1), st.integers(0, 20), st.binary(max_size=20)
        ),
        min_size=1,
        max_size=4,
    )
)
def test_changed_bytes_give_a_value_error(tmp_path, changes):
    content = bytearray(SMALL)
    for place, removed, added in changes:
        content[place : place + removed] = added
    path = tmp_path / "model.npz"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"^{path} is ") as caught:
        loading.load_model(path)
    assert "\n" not in str(caught.value)
