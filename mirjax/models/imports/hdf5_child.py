"""Read the arrays of a Keras HDF5 file, as a program that `hdf5_file` runs.

    python hdf5_child.py FILE CPU_SECONDS MEMORY_BYTES > ARRAYS.npz

The HDF5 library is not safe with hostile files: a changed byte can make it loop
forever, crash, or allocate any amount of memory. So it runs in this program, under
limits. This module imports nothing from mirjax, which would load JAX.

It prints an `.npz` archive: `metadata`, a JSON text with the model's config, Keras's
version and the names of layers and weights; and the weights "0", "1"... as float32. On
an error it prints one line to standard error and exits with REFUSED or DAMAGED.
"""

import json
import math
import os
import resource
import sys
from collections.abc import Iterator
from typing import Any

REFUSED, DAMAGED = 3, 4  # exit codes
_LARGEST_OUTPUT = 512 << 20  # bytes

_MOST_VALUES = 32 << 20  # in all weights: 128 MiB as float32
_MOST_WEIGHTS, _MOST_RANK = 1_000, 4
_MOST_TEXT = 4 << 20  # bytes of an attribute
_LONGEST_NAME = 200
# Bytes of arrays that a file may unpack to: weights are hardly compressible.
_FREE_BYTES, _EXPANSION = 16 << 20, 20
_FILTERS = {1, 2, 3}  # deflate, shuffle, Fletcher's checksum: those that are built in


class Refused(Exception):
    """The file is not damaged, but is of a kind that is not read."""


def limit_resources(cpu_seconds: int, memory: int) -> None:
    """Limit this process: it fails or dies when it needs more."""
    for kind, value in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CPU, cpu_seconds),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, _LARGEST_OUTPUT),
    ):
        # Beyond the first CPU limit comes SIGXCPU, beyond the second SIGKILL.
        try:
            resource.setrlimit(kind, (value, value + 1))
        except (OSError, ValueError):  # not on this system, or a lower one is set
            continue


def read_file(path: str) -> tuple[dict[str, Any], list[Any]]:
    """Read a model's metadata and weights.

    Returns:
      Metadata, and float32 arrays.

    Raises:
      Refused: if the file is not a Keras model, has links to other files, or declares
        more than its size allows.
      Exception: whatever h5py raises for a damaged file.
    """
    import h5py

    with h5py.File(path, "r") as file:
        group = file
        if "model_weights" in file:
            group = _follow(file, "model_weights")
        if "layer_names" not in group.attrs:
            raise Refused(_no_layers(file))
        names = [
            (layer, _texts(_follow(group, layer), "weight_names"))
            for layer in _texts(group, "layer_names")
        ]
        if len({layer for layer, _ in names}) < len(names):
            raise Refused("a layer is named twice")
        datasets = [
            (weight, _dataset(_follow(group, layer), weight))
            for layer, weights in names
            for weight in weights
        ]
        size = os.path.getsize(path)
        _check_sizes([dataset for _, dataset in datasets], size)
        arrays = [_values(name, dataset) for name, dataset in datasets]
        metadata = {
            "config": _text(file, "model_config"),
            "version": _text(file, "keras_version"),
            "layers": names,
        }
        return metadata, arrays


def _no_layers(file: Any) -> str:
    """Describe a file that lacks the names of layers."""
    if "_layer_checkpoint_dependencies" in file or "layers" in file:
        return "a .weights.h5 file of Keras 3, without the model itself"
    return "not a Keras .h5 model: no layer_names"


def _follow(group: Any, path: str) -> Any:
    """Return the object of a path, following only objects within the file."""
    import h5py

    for part in path.split("/"):
        if not isinstance(group, h5py.Group):
            raise Refused(f"{path!r} leads through an array")
        link = group.get(part, getlink=True)
        if link is None:
            raise LookupError(f"{path!r} is missing")
        if not isinstance(link, h5py.HardLink):
            raise Refused(
                f"{path!r} is a link to another file, which no Keras model has"
            )
        group = group[part]
    return group


def _dataset(layer: Any, name: str) -> Any:
    """Return a weight of a layer, if it can be read without danger."""
    import h5py

    dataset = _follow(layer, name)
    if not isinstance(dataset, h5py.Dataset) or dataset.dtype.kind != "f":
        raise Refused(f"{name} is not an array of floating-point numbers")
    if dataset.external or dataset.is_virtual:
        raise Refused(f"{name} is stored in another file, which is never read")
    if dataset.shape is None or len(dataset.shape) > _MOST_RANK:
        raise Refused(f"{name} has a shape that no weight has")
    plist = dataset.id.get_create_plist()
    filters = {plist.get_filter(i)[0] for i in range(plist.get_nfilters())}
    if not filters <= _FILTERS:
        raise Refused(f"{name} is compressed by a filter that is not built in")
    return dataset


def _check_sizes(datasets: list[Any], file_size: int) -> None:
    """Check the declared sizes of weights before any is read."""
    if len(datasets) > _MOST_WEIGHTS:
        raise Refused(f"it has {len(datasets)} weights, more than {_MOST_WEIGHTS}")
    values = sum(math.prod(dataset.shape) for dataset in datasets)
    allowed = (_FREE_BYTES + _EXPANSION * file_size) // 4
    for dataset in datasets:
        if dataset.chunks and math.prod(dataset.chunks) > allowed:
            raise Refused("a weight is stored in blocks that are far too large")
    if values > min(allowed, _MOST_VALUES):
        raise Refused(f"its {file_size} bytes ask for {values} numbers")


def _values(name: str, dataset: Any) -> Any:
    """Return a weight as float32."""
    import numpy as np

    with np.errstate(over="ignore"):
        array = np.asarray(dataset[()], np.float32)
    if not np.isfinite(array).all():
        raise Refused(f"{name} holds NaN or infinity")
    return array


def _attribute(group: Any, name: str) -> Any:
    """Return an attribute that holds text or texts, or None if there is none."""
    import h5py

    if name not in group.attrs:
        return None
    declared = group.attrs.get_id(name)
    if declared.shape == (0,):  # Keras writes an empty list as one of numbers
        return ()
    if declared.dtype.kind not in "SO" or (
        declared.dtype.kind == "O" and h5py.check_string_dtype(declared.dtype) is None
    ):
        raise Refused(f"{name} is not text")
    if declared.shape is None or len(declared.shape) > 1:
        raise Refused(f"{name} is not text")
    if math.prod(declared.shape) * declared.dtype.itemsize > _MOST_TEXT:
        raise Refused(f"{name} is too long")
    return group.attrs[name]


def _text(group: Any, name: str) -> str | None:
    """Return a text: Keras 2 writes bytes, Keras 3 text."""
    value = _attribute(group, name)
    if isinstance(value, bytes):  # str and np.bytes_, too
        value = value.decode("utf-8", "replace")
    if value is not None and not isinstance(value, str):
        raise Refused(f"{name} is not one text")
    if value is not None and len(value) > _MOST_TEXT:
        raise Refused(f"{name} is too long")
    return value


def _texts(group: Any, name: str) -> list[str]:
    """Return a list of names."""
    values = _attribute(group, name)
    if values is None:
        raise LookupError(f"{name} is missing in {group.name}")
    is_one = isinstance(values, bytes | str)
    return list(_names([values] if is_one else values))


def _names(values: Any) -> Iterator[str]:
    if len(values) > _MOST_WEIGHTS:
        raise Refused(f"{len(values)} names, more than {_MOST_WEIGHTS}")
    for value in values:
        name = value.decode("utf-8") if isinstance(value, bytes) else str(value)
        if not name.isprintable() or not 0 < len(name) <= _LONGEST_NAME:
            raise Refused(f"{name[:_LONGEST_NAME]!r} is not a name")
        yield name


def main(path: str, cpu_seconds: str, memory: str) -> int:
    """Read a file under limits, and print its arrays; return the exit code."""
    # The file must not load any library as a filter.
    os.environ["HDF5_PLUGIN_PRELOAD"] = "::"
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # each thread reserves memory
    limit_resources(int(cpu_seconds), int(memory))
    try:
        import numpy as np

        metadata, arrays = read_file(path)
        named = {str(number): array for number, array in enumerate(arrays)}
        np.savez(sys.stdout.buffer, metadata=np.array(json.dumps(metadata)), **named)
        sys.stdout.flush()
    except MemoryError:
        print("reading it takes more memory than a model may", file=sys.stderr)
        return REFUSED
    except Exception as error:
        print(" ".join(str(error).split()) or type(error).__name__, file=sys.stderr)
        return REFUSED if isinstance(error, Refused) else DAMAGED
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
