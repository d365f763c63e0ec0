"""The device mesh and its shardings.

Batches are split over its axis "data". Wide kernels are split over its axis "model",
with their gradients and optimiser state: each device holds a part, and XLA gathers the
parts that a step needs. That axis has one device by default; see
`config.train.model_devices`.

References:
  Rajbhandari et al. 2020, ZeRO, arXiv 1910.02054 (divided train state).
  Xu et al. 2021, GSPMD, arXiv 2105.04663 (how XLA divides the computation).
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
from absl import logging
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

WIDE = 512
"""Columns from which a kernel is divided over the axis "model"."""


def make_mesh(batch_size: int, model_devices: int = 1) -> Mesh:
    """Make a mesh over all devices, or over the largest number that divides the batch.

    Args:
      batch_size: rows of a training batch, over all processes.
      model_devices: devices that share each wide kernel.

    Returns:
      A mesh with the axes "data" and "model".

    Raises:
      ValueError: if `model_devices` does not divide the devices; with several
        processes, if the other axis does not divide the batch.
    """
    devices = jax.devices()
    if len(devices) % model_devices:
        raise ValueError(
            f"config.train.{model_devices=} does not divide the {len(devices)} devices "
            "of this run"
        )
    used = math.gcd(batch_size, len(devices) // model_devices) * model_devices
    if used != len(devices):
        if jax.process_count() > 1:
            raise ValueError(
                f"config.train.{batch_size=} is not a multiple of the "
                f"{len(devices) // model_devices} parts that the devices of this run "
                "split it into"
            )
        logging.warning(
            "Using %d of %d devices: batch_size %d is not a multiple of more",
            used,
            len(devices),
            batch_size,
        )
    return mesh_of(devices[:used], model_devices)


def mesh_of(devices: Sequence[jax.Device], model_devices: int = 1) -> Mesh:
    """Make a mesh with the axes "data" and "model" over devices."""
    # Explicit axes, jax's default, are refused by flax.linen's recurrent layers.
    return jax.make_mesh(
        (len(devices) // model_devices, model_devices),
        ("data", "model"),
        axis_types=(AxisType.Auto,) * 2,
        devices=devices,
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
    """Return replicated arrays as arrays of this process."""
    return tree if jax.process_count() == 1 else jax.device_get(tree)


def replicated(mesh: Mesh) -> NamedSharding:
    """Return the sharding of an array that every device holds whole."""
    return NamedSharding(mesh, PartitionSpec())


def of_state(tree: Any, mesh: Mesh) -> Any:
    """Return the sharding of each array of a train state.

    Args:
      tree: arrays or their shapes, of one run or stacked over several runs.
      mesh: from `make_mesh`.

    Returns:
      A tree of shardings: kernels of at least `WIDE` columns are divided by columns
      over the axis "model" where it divides them; all else is replicated.
    """
    parts = mesh.shape["model"]

    def choose(leaf: Any) -> NamedSharding:
        if leaf.ndim < 2 or leaf.shape[-1] < WIDE or leaf.shape[-1] % parts:
            return replicated(mesh)
        axes = (*(None,) * (leaf.ndim - 1), "model")
        return NamedSharding(mesh, PartitionSpec(*axes))

    return jax.tree.map(choose, tree)


def gather(tree: Any, mesh: Mesh) -> Any:
    """Return arrays that every device holds whole; all processes must call it."""
    return tree if mesh.shape["model"] == 1 else jax.device_put(tree, replicated(mesh))


def added_up(
    function: Callable[[Any, Any], Any], mesh: Mesh
) -> Callable[[Any, Any], Any]:
    """Return a function that sums, over the devices, a function of their rows.

    Without this, the compiler gathers the rows whenever an operation merges the axis of
    rows with another axis. On the simulated devices of a CPU, several simultaneous
    gathers can even deadlock.

    Args:
      function: (params, rows) → sums over the rows.
      mesh: the devices.

    Returns:
      A function of params and of rows that are divided `by_row`, for use inside jit;
      the sums are replicated.
    """

    def evaluate_rows(params: Any, rows: Any) -> Any:
        return jax.lax.psum(function(params, rows), "data")

    return jax.shard_map(
        evaluate_rows,
        mesh=mesh,
        in_specs=(PartitionSpec(), PartitionSpec("data")),
        out_specs=PartitionSpec(),
        check_vma=False,  # scans start from constants, which are the same everywhere
    )


def by_row(mesh: Mesh) -> NamedSharding:
    """Return the sharding of an array whose first axis is the batch."""
    return NamedSharding(mesh, PartitionSpec("data"))
