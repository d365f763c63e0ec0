"""Tests of mirjax.models.file_kinds: what is given in place of a model is named."""

import io
import os
import pickle
import zipfile

import pytest

from mirjax.models import loading


def zipped(*names):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as file:
        for name in names:
            file.writestr(name, b"content")
    return stream.getvalue()


FOREIGN = {
    "empty": (b"", "an empty file"),
    "npy": (b"\x93NUMPY\x01\x00", r"a single NumPy array \(.npy\)"),
    "gzip": (b"\x1f\x8b\x08\x00", "compressed by gzip: unpack it first"),
    "lfs": (b"version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer.*pull"),
    "html": (b"\n <!DOCTYPE html><html>", "an HTML page.*download the file itself"),
    "pickle": (pickle.dumps({"a": 1}), "a Python pickle.*never read"),
    "keras": (
        zipped("metadata.json", "config.json", "model.weights.h5"),
        r"a \.keras file.*model\.save\('NAME\.h5'\)",
    ),
    "torch": (zipped("archive/data.pkl", "archive/data/0"), "a PyTorch file"),
    "fasta": (b">let-7a\nUGAGG\n", "a FASTA file"),
}


@pytest.mark.parametrize("suffix", [".npz", ".h5"])
@pytest.mark.parametrize(("content", "message"), FOREIGN.values(), ids=FOREIGN)
def test_a_foreign_file_is_named_whatever_its_suffix(
    tmp_path, suffix, content, message
):
    path = tmp_path / f"model{suffix}"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"^{path} is {message}") as caught:
        loading.load_model(path)
    assert "\n" not in str(caught.value)
    assert "allow_pickle" not in str(caught.value)
    assert "weights_only" not in str(caught.value)


@pytest.mark.parametrize("suffix", [".npz", ".h5"])
def test_a_pipe_and_a_device_are_refused_before_they_are_opened(tmp_path, suffix):
    pipe = tmp_path / f"model{suffix}"
    os.mkfifo(pipe)
    device = tmp_path / f"zero{suffix}"
    device.symlink_to("/dev/zero")
    for path in (pipe, device):
        with pytest.raises(ValueError, match=f"^{path} is not a file$"):
            loading.load_model(path)
    pipe.rename(tmp_path / "model.npz")
    with pytest.raises(ValueError, match="is not a file$"):
        loading.load_model(tmp_path)


def test_paths_that_cannot_exist_are_refused():
    for path in ("a\0b.npz", "x" * 300):
        with pytest.raises(ValueError, match="cannot be read|does not exist"):
            loading.load_model(path)
