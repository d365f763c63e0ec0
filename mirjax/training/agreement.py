"""Agreement between the processes of a run: decisions of process 0, equal inputs.

Messages are sent through jax's coordination service, not through the devices.
"""

import functools
import hashlib
import itertools
import json
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

_WAIT_MS = 7 * 24 * 3600 * 1000  # long: a process that waits ends when another one ends

_numbers = itertools.count()  # of messages, which all processes send in one order


def coordination_client() -> Any:
    """Return this process's client of jax's coordination service."""
    from jax._src import distributed  # there is no public name; orbax uses it too

    return distributed.global_state.client


def from_process_0(function: Callable[[], Any]) -> Any:
    """Call a function only in process 0, and return its result in every process.

    All processes call this in the same order.

    Args:
      function: returns a JSON-like value.

    Raises:
      ValueError: in every process, if the function raises a ValueError or an OSError
        in process 0; process 0 raises the original error.
    """
    if jax.process_count() == 1:
        return function()
    client, key = coordination_client(), f"mirjax/{next(_numbers)}"
    if jax.process_index() == 0:
        try:
            result = function()
        except (ValueError, OSError) as error:
            client.key_value_set(key, json.dumps({"error": str(error)}))
            raise
        # NumPy's numbers are sent as Python's, with the same values.
        client.key_value_set(key, json.dumps({"result": result}, default=float))
        return result
    told = json.loads(client.blocking_key_value_get(key, _WAIT_MS))
    if "error" in told:
        raise ValueError(told["error"])
    return told["result"]


def check_same(name: str, content: bytes) -> None:
    """Raise a ValueError in every process unless all hold the same content.

    Args:
      name: of the content, for the message.
      content: compared by its SHA-256.
    """
    processes = jax.process_count()
    if processes == 1:
        return
    client, key = coordination_client(), f"mirjax/{next(_numbers)}"
    digest = hashlib.sha256(content).hexdigest()
    client.key_value_set(f"{key}/{jax.process_index()}", digest)

    def compare() -> None:
        for process in range(1, processes):
            if client.blocking_key_value_get(f"{key}/{process}", _WAIT_MS) != digest:
                raise ValueError(
                    f"process {process} has another {name} than process 0; give every "
                    "process the same flags and files"
                )

    from_process_0(compare)


def open_connections() -> None:
    """Connect the devices of all processes, as soon as all processes are ready.

    On CPUs a connection times out after half a minute, too early for a slow process.
    """
    if jax.process_count() == 1:
        return
    coordination_client().wait_at_barrier("mirjax/ready", _WAIT_MS)
    multihost_utils.sync_global_devices("mirjax/connected")
    int(largest(0))


def largest(value: int) -> jax.Array:
    """Start to compute the largest of the processes' values, on the devices.

    Args:
      value: of this process.

    Returns:
      A scalar that every process can read.
    """
    mesh = _process_mesh()
    by_process = NamedSharding(mesh, PartitionSpec("process"))
    values = jax.make_array_from_process_local_data(
        by_process, np.array([value], np.int32)
    )
    return _largest(mesh)(values)


def _process_mesh() -> Mesh:
    """Return a mesh of one device of each process."""
    first = {device.process_index: device for device in reversed(jax.devices())}
    devices = [first[process] for process in sorted(first)]
    shape = (len(devices),)
    return jax.make_mesh(
        shape, ("process",), axis_types=(AxisType.Auto,), devices=devices
    )


@functools.cache
def _largest(mesh: Mesh) -> Callable[[jax.Array], jax.Array]:
    return jax.jit(jnp.max, out_shardings=NamedSharding(mesh, PartitionSpec()))
