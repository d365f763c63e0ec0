"""Read the tensors of a PyTorch file without PyTorch, executing nothing in it.

`torch.save` writes a zip archive: a pickle that describes nested dictionaries and
tensors, and one uncompressed member with the raw values of each storage. The pickle is
read by an unpickler that accepts only dictionaries, plain values and tensors. It
refuses every other global name without importing anything.

References:
  PyTorch documentation, "Serialization semantics" (zip format of `torch.save`).
"""

import io
import math
import os
import pathlib
import pickle
import struct
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

import numpy as np

_MAX_FILE = 1 << 30  # bytes; of all tensors together, too
_MAX_PICKLE = 16 << 20  # bytes

_STORAGES: Mapping[str, np.dtype[Any]] = {
    "FloatStorage": np.dtype("<f4"),
    "DoubleStorage": np.dtype("<f8"),
    "HalfStorage": np.dtype("<f2"),
    "LongStorage": np.dtype("<i8"),
    "IntStorage": np.dtype("<i4"),
    "BoolStorage": np.dtype("?"),
}


def read_torch_file(path: str | os.PathLike[str]) -> Mapping[str, Any]:
    """Read a dictionary with tensors that `torch.save` wrote.

    Args:
      path: a `.pt` or `.pth` file in the zip format (PyTorch 1.6 and later).

    Returns:
      The dictionary, nested as it was saved, with NumPy arrays in place of tensors.

    Raises:
      ValueError: if the file is missing, damaged or too large, is not in this format,
        or holds anything but dictionaries, lists, numbers, texts and tensors.
    """
    path = pathlib.Path(path)
    if not path.is_file():
        raise ValueError(f"{path} is not a file")
    if path.stat().st_size > _MAX_FILE:
        raise ValueError(f"{path} is larger than {_MAX_FILE:,} bytes")
    try:
        with zipfile.ZipFile(path) as archive:
            content = _Archive(archive).read()
    except (
        ValueError,
        OSError,
        EOFError,
        LookupError,
        TypeError,
        AttributeError,
        ArithmeticError,
        MemoryError,
        NotImplementedError,
        RecursionError,
        struct.error,
        pickle.UnpicklingError,
        zipfile.BadZipFile,
    ) as error:
        raise ValueError(
            f"{path} is not a PyTorch file of tensors that can be read safely ({error})"
        ) from error
    if not isinstance(content, dict):
        raise ValueError(f"{path} holds a {type(content).__name__}, not a dictionary")
    return content


class _Archive:
    """The members of one file."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        names = [name for name in archive.namelist() if name.endswith("/data.pkl")]
        if len(names) != 1 or names[0].count("/") != 1:
            raise ValueError("it has no member NAME/data.pkl")
        self._root = names[0].removesuffix("data.pkl")
        self._storages: dict[str, bytes] = {}
        if f"{self._root}byteorder" in archive.namelist():
            order = self._member("byteorder", 16)
            if order != b"little":
                raise ValueError(f"its byte order is {order!r}, not little")

    def read(self) -> Any:
        """Unpickle the description, with the tensors' values from their members."""
        return _Unpickler(self._member("data.pkl", _MAX_PICKLE), self._storage).load()

    def _member(self, name: str, limit: int) -> bytes:
        """Read a member that is stored uncompressed, as `torch.save` does."""
        info = self._archive.getinfo(self._root + name)
        if info.compress_type != zipfile.ZIP_STORED:
            raise ValueError(f"its member {info.filename} is compressed")
        if info.file_size > limit:
            raise ValueError(f"its member {info.filename} has {info.file_size:,} bytes")
        return self._archive.read(info)

    def _storage(self, dtype: np.dtype[Any], key: str, count: int) -> np.ndarray:
        """Read the values of one storage."""
        if key not in self._storages:
            self._storages[key] = self._member(f"data/{key}", _MAX_FILE)
        data = self._storages[key]
        if len(data) != count * dtype.itemsize:
            raise ValueError(f"storage {key} has {len(data)} bytes, not {count} values")
        return np.frombuffer(data, dtype)


class _Unpickler(pickle.Unpickler):
    """An unpickler that can only make dictionaries and tensors."""

    def __init__(
        self, data: bytes, read: Callable[[np.dtype[Any], str, int], np.ndarray]
    ) -> None:
        super().__init__(io.BytesIO(data), encoding="ASCII", errors="strict")
        self._read = read
        self._bytes_left = _MAX_FILE

    def find_class(self, module: str, name: str) -> Any:
        """Return the replacement of one of the names in a file of tensors."""
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return self._tensor
        if module == "torch" and name in _STORAGES:
            return name
        self._refuse(f"{module}.{name}")

    def persistent_load(self, pid: Any) -> np.ndarray:
        """Return the values that ("storage", type, key, device, count) names."""
        kind, name, key, _, count = pid
        dtype = _STORAGES.get(name)
        if kind != "storage" or dtype is None:
            self._refuse(f"persistent object {kind!r}")
        if not (isinstance(key, str) and key.isdecimal() and isinstance(count, int)):
            raise ValueError(f"a storage is named {key!r}")
        return self._read(dtype, key, count)

    def _tensor(
        self,
        storage: np.ndarray,
        offset: int,
        shape: Sequence[int],
        strides: Sequence[int],
        *_: Any,
    ) -> np.ndarray:
        """Return a copy of one tensor's values; `strides` are in values."""
        sizes = (offset, *shape, *strides)
        if (
            not isinstance(storage, np.ndarray)
            or len(shape) != len(strides)
            or not all(isinstance(size, int) and size >= 0 for size in sizes)
        ):
            raise ValueError(f"a tensor has {shape=} and {strides=}")
        last = offset + sum(
            (count - 1) * stride for count, stride in zip(shape, strides, strict=True)
        )
        size: int = math.prod(shape)
        if size > storage.size or (size and last >= storage.size):
            raise ValueError(f"a tensor of {shape=} reaches past its storage")
        self._bytes_left -= size * storage.itemsize
        if self._bytes_left < 0:
            raise ValueError(f"its tensors have more than {_MAX_FILE:,} bytes")
        view = np.lib.stride_tricks.as_strided(
            storage[offset:], shape, [stride * storage.itemsize for stride in strides]
        )
        return np.array(view)

    def _refuse(self, name: str) -> NoReturn:
        raise pickle.UnpicklingError(
            f"it asks for {name}, which no file of tensors needs; nothing was run"
        )
