"""Tests of reading PyTorch files without PyTorch."""

import collections
import io
import pickle
import pickletools
import sys
import types
import zipfile

import numpy as np
import pytest

from mirjax.models.imports.torch_file import read_torch_file

STORAGE_TYPES = {"float32": "FloatStorage", "int64": "LongStorage"}


class Tensor:
    """What a pickle of `torch.save` holds of a tensor: storage, offset and strides."""

    def __init__(self, storage, shape, strides, offset=0, count=None):
        self.storage, self.shape = storage, shape
        self.strides, self.offset, self.count = strides, offset, count


class Pickler(pickle.Pickler):
    """Pickles tensors as PyTorch does, by names of PyTorch that are not imported."""

    def __init__(self, file, modules):
        super().__init__(file, protocol=2)
        self.storages = {}
        self.modules = modules

    def persistent_id(self, value):
        if not isinstance(value, np.ndarray):
            return None
        key = str(len(self.storages))
        self.storages[key] = value.tobytes()
        kind = getattr(self.modules["torch"], STORAGE_TYPES[value.dtype.name])
        return ("storage", kind, key, "cpu", value.size)

    def reducer_override(self, value):
        if not isinstance(value, Tensor):
            return NotImplemented
        rebuild = self.modules["torch._utils"]._rebuild_tensor_v2
        arguments = (value.storage, value.offset, value.shape, value.strides)
        return rebuild, (*arguments, False, collections.OrderedDict())


@pytest.fixture
def write(tmp_path, monkeypatch):
    """A function that writes an object as `torch.save` would, and returns the path."""
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    for name in STORAGE_TYPES.values():
        kind = type(name, (), {"__module__": "torch"})
        setattr(torch, name, kind)

    def _rebuild_tensor_v2(*_):
        """Only its name is pickled."""

    _rebuild_tensor_v2.__module__ = "torch._utils"
    _rebuild_tensor_v2.__qualname__ = "_rebuild_tensor_v2"
    utils._rebuild_tensor_v2 = _rebuild_tensor_v2
    modules = {"torch": torch, "torch._utils": utils}

    def write(value, **members):
        with monkeypatch.context() as patch:
            for name, module in modules.items():
                patch.setitem(sys.modules, name, module)
            buffer = io.BytesIO()
            pickler = Pickler(buffer, modules)
            pickler.dump(value)
        return write_members(buffer.getvalue(), pickler.storages | members)

    def write_members(data, storages, compression=zipfile.ZIP_STORED):
        path = tmp_path / "model.pt"
        with zipfile.ZipFile(path, "w", compression) as archive:
            archive.writestr("model/data.pkl", data)
            archive.writestr("model/byteorder", "little")
            for key, values in storages.items():
                archive.writestr(f"model/data/{key}", values)
        return path

    write.members = write_members
    return write


def test_tensors_have_their_values_shapes_and_strides(write):
    values = np.arange(24, dtype=np.float32)
    path = write(
        {
            "epoch": 3,
            "state": collections.OrderedDict(
                whole=Tensor(values, (2, 3, 4), (12, 4, 1)),
                transposed=Tensor(values, (4, 6), (1, 4)),
                part=Tensor(values, (2, 2), (4, 1), offset=5),
                scalar=Tensor(np.array([7]), (), ()),
                empty=Tensor(values, (0, 3), (3, 1)),
            ),
            "sizes": [6, 3, None, True, 0.5, "name"],
        }
    )

    content = read_torch_file(path)

    assert content["epoch"] == 3
    assert content["sizes"] == [6, 3, None, True, 0.5, "name"]
    state = content["state"]
    np.testing.assert_array_equal(state["whole"], values.reshape(2, 3, 4))
    np.testing.assert_array_equal(state["transposed"], values.reshape(6, 4).T)
    np.testing.assert_array_equal(state["part"], [[5, 6], [9, 10]])
    assert state["scalar"] == 7
    assert state["empty"].shape == (0, 3)
    assert state["whole"].dtype == np.float32
    state["whole"][0] = 0  # a copy of its own, and writable


class Command:
    """An object whose unpickling would run a command."""

    def __init__(self, function, *arguments):
        self.function, self.arguments = function, arguments

    def __reduce__(self):
        return self.function, self.arguments


@pytest.mark.parametrize("name", ["system", "eval", "getattr", "__import__", "open"])
def test_a_file_that_would_run_something_is_refused_and_nothing_runs(
    write, tmp_path, name
):
    import builtins
    import os

    target = tmp_path / "made"
    arguments = {
        "system": (os.system, f"touch {target}"),
        "eval": (builtins.eval, f"open({str(target)!r}, 'w')"),
        "getattr": (builtins.getattr, "text", "upper"),
        "__import__": (builtins.__import__, "antigravity"),
        "open": (builtins.open, str(target), "w"),
    }[name]
    path = write({"state": Command(*arguments)})

    with pytest.raises(ValueError, match=f"{name}.*nothing was run"):
        read_torch_file(path)

    assert not target.exists()


def test_modules_of_the_library_itself_are_refused(write):
    # torch.load and its like must not be found by way of the names that are known.
    data = b"\x80\x02ctorch\nload\n."
    with pytest.raises(ValueError, match=r"torch\.load"):
        read_torch_file(write.members(data, {}))


@pytest.mark.parametrize(
    ("tensor", "message"),
    [
        (Tensor(np.zeros(4, np.float32), (5,), (1,)), "past its storage"),
        (Tensor(np.zeros(4, np.float32), (2, 2), (4, 1)), "past its storage"),
        (Tensor(np.zeros(4, np.float32), (2,), (1,), offset=3), "past its storage"),
        (Tensor(np.zeros(4, np.float32), (2,), (-1,), offset=3), "strides"),
        (Tensor(np.zeros(4, np.float32), (2,), (0, 1)), "strides"),
        (Tensor(np.zeros(4, np.float32), (2**40, 2**40), (0, 0)), "past its storage"),
        (Tensor("text", (2,), (1,)), "shape"),
    ],
)
def test_tensors_that_reach_outside_their_storage_are_refused(write, tensor, message):
    with pytest.raises(ValueError, match=message):
        read_torch_file(write({"state": tensor}))


def test_damaged_and_foreign_files_are_refused_by_name(write, tmp_path):
    good = write({"state": Tensor(np.zeros(4, np.float32), (4,), (1,))})
    data = good.read_bytes()
    with zipfile.ZipFile(good) as archive:
        description = archive.read("model/data.pkl")
    assert any(op.name == "BINPERSID" for op, *_ in pickletools.genops(description))
    cases = {
        "cut.pt": data[: len(data) // 2],
        "empty.pt": b"",
        "page.pt": b"<html>not found</html>",
        "pickle.pt": pickle.dumps({"a": 1}),
    }
    for name, content in cases.items():
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(ValueError, match=name):
            read_torch_file(path)
    with pytest.raises(ValueError, match=r"absent\.pt is not a file"):
        read_torch_file(tmp_path / "absent.pt")
    with pytest.raises(ValueError, match="not a dictionary"):
        read_torch_file(write([1, 2]))
    with pytest.raises(ValueError, match="compressed"):
        read_torch_file(
            write.members(description, {"0": bytes(16)}, zipfile.ZIP_DEFLATED)
        )
    with pytest.raises(ValueError, match="has 8 bytes, not 4 values"):
        read_torch_file(write.members(description, {"0": bytes(8)}))


def test_any_single_damaged_byte_gives_a_result_or_our_error(write):
    state = {f"layer{i}": Tensor(np.zeros(4, np.float32), (4,), (1,)) for i in range(3)}
    with zipfile.ZipFile(write({"state": state, "sizes": [1, 2.5]})) as archive:
        description = archive.read("model/data.pkl")
    storages = {str(i): bytes(16) for i in range(3)}
    rng = np.random.default_rng(0)
    outcomes = collections.Counter()
    for _ in range(400):
        damaged = bytearray(description)
        damaged[rng.integers(len(damaged))] = rng.integers(256)
        try:
            read_torch_file(write.members(bytes(damaged), storages))
            outcomes["read"] += 1
        except ValueError:
            outcomes["refused"] += 1
    assert outcomes["refused"] > 100
