"""Tests of mirjax.models.imports.hdf5_file: hostile and damaged HDF5 files."""

import pathlib
import shutil
import time

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mirjax.models import loading
from mirjax.models.imports import hdf5_child, hdf5_file

FILE = pathlib.Path(__file__).parent / "testdata" / "keras_seq2seq.h5"
BIAS = "model_weights/dense/dense/bias"


@pytest.fixture
def copy(tmp_path):
    return pathlib.Path(shutil.copy(FILE, tmp_path / "copy.h5"))


def test_what_the_child_reads_arrives_whole():
    contents = hdf5_file.read_hdf5(FILE)
    metadata, arrays = hdf5_child.read_file(str(FILE))
    weights = [weight for layer in contents.layers for weight in layer.weights]
    assert [name for name, _ in weights] == [
        name for _, names in metadata["layers"] for name in names
    ]
    for (_, found), expected in zip(weights, arrays, strict=True):
        np.testing.assert_array_equal(found, expected)
        assert found.dtype == np.float32
    assert contents.version == "3.15.1"


@pytest.mark.slow
def test_a_byte_that_makes_the_library_loop_is_refused_within_a_deadline(
    copy, monkeypatch
):
    content = bytearray(copy.read_bytes())
    content[2057] ^= 0x20  # in a heap of names, which then refers to itself
    copy.write_bytes(content)
    monkeypatch.setattr(hdf5_file, "CPU_SECONDS", 1)
    start = time.monotonic()
    with pytest.raises(ValueError, match=r"damaged \(reading it takes more than 1 s"):
        loading.load_model(copy)
    assert time.monotonic() - start < 30
    monkeypatch.setattr(hdf5_file, "CPU_SECONDS", 100)
    monkeypatch.setattr(hdf5_file, "DEADLINE", 1)
    with pytest.raises(ValueError, match=r"damaged \(reading it takes more than 1 s"):
        loading.load_model(copy)


def test_memory_is_limited(copy, monkeypatch):
    with h5py.File(copy, "a") as file:
        del file[BIAS]
        file.create_dataset(BIAS, data=np.zeros(4_000_000, np.float32))
    monkeypatch.setattr(hdf5_file, "MEMORY", 100 << 20)
    with pytest.raises(ValueError, match="not an HDF5 file or is damaged"):
        loading.load_model(copy)


def _external_storage(file, folder):
    secret = folder / "secret"
    secret.write_bytes(np.ones(5, np.float32).tobytes())
    del file[BIAS]
    file.create_dataset(BIAS, (5,), "f4", external=[(str(secret), 0, 20)])


def _external_link(file, folder):
    with h5py.File(folder / "other.h5", "w") as other:
        other["bias"] = np.ones(5, np.float32)
    del file[BIAS]
    file[BIAS] = h5py.ExternalLink(str(folder / "other.h5"), "bias")


def _external_group(file, folder):
    shutil.copy(FILE, folder / "other.h5")
    del file["model_weights"]
    file["model_weights"] = h5py.ExternalLink(str(folder / "other.h5"), "model_weights")


def _soft_link(file, folder):
    del folder, file[BIAS]
    file[BIAS] = h5py.SoftLink("/model_weights/dense_1/dense_1/bias")


def _virtual(file, folder):
    with h5py.File(folder / "other.h5", "w") as other:
        other["bias"] = np.ones(5, np.float32)
    layout = h5py.VirtualLayout((5,), "f4")
    layout[:] = h5py.VirtualSource(folder / "other.h5", "bias", (5,))
    del file[BIAS]
    file.create_virtual_dataset(BIAS, layout)


def _absurd_shape(file, folder):
    del folder, file[BIAS]
    file.create_dataset(BIAS, (1_950_000_000,), "f4")  # 7.8 GB, none of it stored


def _bomb(file, folder):
    del folder, file[BIAS]
    zeros = np.zeros(8_000_000, np.float32)
    file.create_dataset(BIAS, data=zeros, chunks=(1_000_000,), compression=9)


def _large_blocks(file, folder):
    del folder, file[BIAS]
    file.create_dataset(
        BIAS, (5,), "f4", maxshape=(None,), chunks=(900_000_000,), compression=1
    )


def _foreign_filter(file, folder):
    del folder, file[BIAS]
    file.create_dataset(BIAS, data=np.ones(5, np.float32), compression="lzf")


def _integers(file, folder):
    del folder, file[BIAS]
    file[BIAS] = np.ones(5, np.int32)


def _too_large_for_float32(file, folder):
    del folder, file[BIAS]
    file[BIAS] = np.full(5, 1e300)


def _names_of(value):
    def change(file, folder):
        del folder
        file["model_weights"].attrs["layer_names"] = value

    return change


def _weights_alone(file, folder):
    del folder, file["model_weights"]
    file.create_group("_layer_checkpoint_dependencies/conv1d/vars")


HOSTILE = {
    "external storage": (_external_storage, "dense/bias is stored in another file"),
    "external link": (_external_link, "dense/bias' is a link to another file"),
    "external group": (_external_group, "'model_weights' is a link to another file"),
    "soft link": (_soft_link, "dense/bias' is a link to another file"),
    "virtual": (_virtual, "dense/bias is stored in another file"),
    "absurd shape": (_absurd_shape, r"bytes ask for 19\d+ numbers"),
    "bomb": (_bomb, r"bytes ask for 80\d+ numbers"),
    "large blocks": (_large_blocks, "blocks that are far too large"),
    "foreign filter": (_foreign_filter, "a filter that is not built in"),
    "integers": (_integers, "bias is not an array of floating-point numbers"),
    "infinite": (_too_large_for_float32, "bias holds NaN or infinity"),
    "names are numbers": (_names_of([1, 2]), "layer_names is not text"),
    "a name twice": (_names_of([b"dense", b"dense"]), "a layer is named twice"),
    "a name of blanks": (_names_of([b"a\nb"]), r"'a\\nb' is not a name"),
    "a path to the top": (_names_of([b".."]), "missing"),
    "keras 3 weights": (_weights_alone, r"a \.weights\.h5 file of Keras 3"),
}


@pytest.mark.parametrize(("change", "message"), HOSTILE.values(), ids=HOSTILE)
def test_what_leads_out_or_asks_for_too_much_is_refused(
    copy, tmp_path, change, message
):
    with h5py.File(copy, "a") as file:
        change(file, tmp_path)
    # Here, where it is quick; below, as users meet it.
    with pytest.raises((hdf5_child.Refused, LookupError), match=message):
        hdf5_child.read_file(str(copy))


@pytest.mark.parametrize("case", ["external storage", "absurd shape"])
def test_a_refusal_is_one_line_that_names_the_file(copy, tmp_path, case):
    change, message = HOSTILE[case]
    with h5py.File(copy, "a") as file:
        change(file, tmp_path)
    with pytest.raises(ValueError, match=f"^{copy}: .*{message}") as caught:
        loading.load_model(copy)
    assert "\n" not in str(caught.value)


@pytest.mark.slow
@settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(
        st.tuples(st.integers(0, FILE.stat().st_size - 1), st.integers(1, 255)),
        min_size=1,
        max_size=4,
    )
)
def test_changed_bytes_give_a_model_or_a_value_error(copy, changes):
    content = bytearray(FILE.read_bytes())
    for place, change in changes:
        content[place] ^= change
    copy.write_bytes(content)
    limits = pytest.MonkeyPatch()
    limits.setattr(hdf5_file, "CPU_SECONDS", 2)
    start = time.monotonic()
    try:
        loading.load_keras_model(copy)
    except ValueError as error:
        assert str(error).startswith(str(copy))
        assert "\n" not in str(error)
    finally:
        limits.undo()
    assert time.monotonic() - start < 30
