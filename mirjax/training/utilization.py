"""Utilisation: the speed of a run's matrix products, as a fraction of the peak."""

import functools
import time

import jax
import jax.numpy as jnp
from jax.sharding import Mesh

_ENOUGH_SECONDS = 0.005  # of one product; its rate is then taken as the peak
_SIZES = {"cpu": (512, 1024, 2048)}  # of square matrices
_LARGE_SIZES = (4096, 8192)  # of other devices
_REPEATS = 3


def utilization(
    flops_per_step: float | None, steps_per_second: float, mesh: Mesh
) -> dict[str, float]:
    """Return the rate of a run's products, and its fraction of the measured peak.

    Args:
      flops_per_step: as `flops.count_flops` counts them; None if unknown.
      steps_per_second: over all devices.
      mesh: the devices, of all processes.

    Returns:
      `flops_per_second` and `mfu`; nothing if the operations are unknown.
    """
    if flops_per_step is None:
        return {}
    rate = flops_per_step * steps_per_second
    return {"flops_per_second": rate, "mfu": rate / measured_peak(mesh)}


@functools.cache
def measured_peak(mesh: Mesh) -> float:
    """Return the operations per second of large float32 products on a mesh's devices.

    They are timed once, on all devices of this process at the same time, since devices
      that share a processor share its peak. The peak is measured, not taken from a data
      sheet; on a busy machine it is lower. Other processes are assumed to have the same
      devices.

    Args:
      mesh: the devices, of all processes.
    """
    devices = mesh.local_devices
    sizes = _SIZES.get(devices[0].platform, _LARGE_SIZES)
    best = 0.0
    for size in sizes:
        product = jax.jit(jnp.matmul)
        operands = [
            jax.device_put(jnp.ones((size, size), jnp.float32), device)
            for device in devices
        ]
        jax.block_until_ready([product(x, x) for x in operands])  # compiled
        seconds = min(_timed(product, operands) for _ in range(_REPEATS))
        best = max(best, 2.0 * size**3 * len(devices) / seconds)
        if seconds > _ENOUGH_SECONDS:
            break
    return best * mesh.size / len(devices)


def _timed(product: jax.stages.Wrapped, operands: list[jax.Array]) -> float:
    """Return the seconds of one product on each device, all at once."""
    started = time.perf_counter()
    jax.block_until_ready([product(x, x) for x in operands])
    return time.perf_counter() - started
