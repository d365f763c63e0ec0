"""Read a Keras HDF5 file in a separate process, with a time limit and other limits."""

import itertools
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
from typing import IO, Any, NamedTuple

import numpy as np

from mirjax.models.archive import Archive
from mirjax.models.imports import hdf5_child

DEADLINE = 60  # seconds until the process is killed
CPU_SECONDS = 10  # limit of its CPU time; an intact file takes less than one
MEMORY = 1 << 30  # bytes of address space

_MOST_MESSAGE = 300  # characters


class Layer(NamedTuple):
    """A layer of a file.

    Attributes:
      name: with Keras's number, such as "dense_2".
      weights: names and float32 arrays.
    """

    name: str
    weights: list[tuple[str, np.ndarray]]


class Contents(NamedTuple):
    """The contents of a file.

    Attributes:
      layers: those that the file lists, in its order.
      config: the model's, as JSON; None if the file holds only weights.
      version: of Keras, or None.
    """

    layers: list[Layer]
    config: str | None
    version: str | None


def read_hdf5(path: pathlib.Path) -> Contents:
    """Read the weights and the config of a Keras file.

    Args:
      path: a regular file.

    Raises:
      ValueError: if it is damaged, is not a Keras model, has links to other files or
        external storage, or exceeds the limits of time or memory.
    """
    with tempfile.TemporaryFile() as output:
        _run(path, output)
        arrays = Archive(output)
        metadata = json.loads(str(arrays.read("metadata")))
        numbers = map(str, itertools.count())
        layers = [
            Layer(name, [(weight, arrays.read(next(numbers))) for weight in weights])
            for name, weights in metadata["layers"]
        ]
    return Contents(layers, metadata["config"], metadata["version"])


def run_child(path: pathlib.Path, output: IO[bytes], messages: IO[bytes]) -> int:
    """Run `hdf5_child` on a file under its limits, and return its exit code.

    Args:
      path: the file.
      output: where it prints arrays.
      messages: where it prints errors.

    Raises:
      subprocess.TimeoutExpired: after DEADLINE; the child is killed.
    """
    command: list[Any] = [sys.executable, "-P", hdf5_child.__file__]
    command += [os.path.abspath(path), str(CPU_SECONDS), str(MEMORY)]
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=messages,
        timeout=DEADLINE,
    ).returncode


def _run(path: pathlib.Path, output: IO[bytes]) -> None:
    """Run the child.

    Raises:
      ValueError: with the child's message, or how it ended.
    """
    with tempfile.TemporaryFile() as messages:
        try:
            code = run_child(path, output, messages)
        except subprocess.TimeoutExpired:
            raise _damaged(path, f"reading it takes more than {DEADLINE} s") from None
        messages.seek(0)
        text = messages.read(4 * _MOST_MESSAGE).decode("utf-8", "replace")
    last = text.strip().rpartition("\n")[2][:_MOST_MESSAGE]
    if code == hdf5_child.REFUSED:
        raise ValueError(f"{path}: {last}; save it again by model.save('NAME.h5')")
    if code == -signal.SIGXCPU:
        raise _damaged(path, f"reading it takes more than {CPU_SECONDS} s")
    if code < 0:
        raise _damaged(path, f"the HDF5 library crashes, signal {-code}")
    if code:
        raise _damaged(path, last)


def _damaged(path: pathlib.Path, reason: str) -> ValueError:
    return ValueError(
        f"{path} is not an HDF5 file or is damaged ({reason}); copy it again"
    )
