"""The device mesh and its shardings: one axis, "data", over which batches are split."""

import math
from collections.abc import Sequence
from typing import Any

import jax
from absl import logging
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec


def make_mesh(batch_size: int) -> Mesh:
    """Make a mesh over all devices, or over as many as divide the batch.

    Args:
      batch_size: rows of a training batch, over all processes.

    Returns:
      A mesh with the one axis "data".

    Raises:
      ValueError: with several processes, if their devices do not divide the batch.
    """
    devices = jax.devices()
    used = math.gcd(batch_size, len(devices))
    if used != len(devices):
        if jax.process_count() > 1:
            raise ValueError(
                f"config.train.{batch_size=} is not a multiple of the "
                f"{len(devices)} devices of this run"
            )
        logging.warning(
            "Using %d of %d devices: batch_size %d is not a multiple of more",
            used,
            len(devices),
            batch_size,
        )
    return mesh_of(devices[:used])


def mesh_of(devices: Sequence[jax.Device]) -> Mesh:
    """Make a mesh with the one axis "data" over devices."""
    # Explicit axes, jax's default, are refused by flax.linen's recurrent layers.
    return jax.make_mesh(
        (len(devices),), ("data",), axis_types=(AxisType.Auto,), devices=devices
    )


def put(tree: Any, sharding: NamedSharding) -> Any:
    """Put NumPy arrays on the devices; each process puts the parts of its own devices.

    Args:
      tree: arrays, the same in every process.
      sharding: of each of them.
    """
    if sharding.is_fully_addressable:
        return jax.device_put(tree, sharding)
    return jax.tree.map(
        lambda x: jax.make_array_from_callback(x.shape, sharding, x.__getitem__), tree
    )


def local(tree: Any) -> Any:
    """Return replicated arrays as such that one process can compute with alone."""
    return tree if jax.process_count() == 1 else jax.device_get(tree)


def replicated(mesh: Mesh) -> NamedSharding:
    """Return the sharding of an array that every device holds whole."""
    return NamedSharding(mesh, PartitionSpec())


def by_row(mesh: Mesh) -> NamedSharding:
    """Return the sharding of an array whose first axis is the batch."""
    return NamedSharding(mesh, PartitionSpec("data"))
