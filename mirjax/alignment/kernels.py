"""Compiled kernels of the alignment recurrence, sharded over devices."""

import functools
import time
from collections.abc import Callable, Sequence
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from absl import logging
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array, Integer, UInt8

from mirjax.alignment import recurrence
from mirjax.alignment.lanes import SHORT
from mirjax.alignment.pallas_sweep import pallas_sweep
from mirjax.alignment.scoring import Scoring, nucleotide

Kernel = Literal["sweep", "strip", "tile", "pallas"]

TILE_WORTH = 2**29
"""Default number of cells from which a tile is compiled, which takes seconds."""

_STRIP_WORTH = 2**30  # a strip takes a second to compile
_PALLAS_WORTH = 2**32  # on a GPU: both kernels are compiled and timed
_SHORT_CELLS = SHORT**2  # most of a tile or strip: more take minutes to compile
_SHORT_WINDOW = 48
_SHORT_LANES = 2**14
_SWEEP_WINDOW = 512  # antidiagonals of short queries are full for most steps
_SWEEP_BYTES = 2**16  # of one array: the five of a sweep fit in a core's cache
_ACCELERATOR_BYTES = 2**22  # the same elsewhere: an array is spread over many cores
_TIMED_LENGTHS = 24, 48  # nt, of the pairs that `fastest` scores
_TIMED_LANES = 2**16
_TIMED_BYTES = 2**26
_ARRAYS = 8  # arrays of that size in a block's memory
_LEAST = 2**6, 2**15  # lanes and antidiagonal cells of the smallest useful block


class Kernels:
    """The compiled recurrence for one scoring, and the devices it runs on.

    Attributes:
      scoring: scores and costs of the alignments.
    """

    def __init__(
        self,
        scoring: Scoring,
        block_bytes: int,
        devices: Sequence[jax.Device] | None = None,
        *,
        tile_worth: int = TILE_WORTH,
    ):
        """Choose devices.

        Args:
          scoring: scores and costs of the alignments.
          block_bytes: memory for scoring one block of pairs.
          devices: devices to split each block over. By default all, but only the first
            of a CPU, whose devices share its cores.
          tile_worth: cells to be scored from which a tile is compiled.

        Raises:
          ValueError: if `block_bytes` is below 1 or there are no devices.
        """
        if block_bytes < 1:
            raise ValueError(f"{block_bytes=}: must be at least 1")
        devices = _default_devices() if devices is None else list(devices)
        if not devices:
            raise ValueError(f"{devices=}: must hold at least one device")
        self.scoring = scoring
        self._block_bytes = block_bytes
        self._platform = devices[0].platform
        self._has_strips = self._platform == "cpu"
        self._sweep_bytes = _SWEEP_BYTES if self._has_strips else _ACCELERATOR_BYTES
        self._has_tiles = _compiles_tiles(self._platform)
        self._tile_worth = tile_worth
        self._mesh = Mesh(np.array(devices), ("lanes",), axis_types=(AxisType.Auto,))
        self._by_lane = NamedSharding(self._mesh, PartitionSpec(None, "lanes"))
        self._replicated = NamedSharding(self._mesh, PartitionSpec())

    def window(
        self, rows: int, longest: int, columns: int, letters: int
    ) -> tuple[int, int] | None:
        """Choose windows to cut subjects into.

        Args:
          rows: height of the queries.
          longest: length of the longest query, in nt.
          columns: height of the subjects.
          letters: queries times letters of all subjects.

        Returns:
          Length of a window and of the overlap of two, in nt; None for no windows.
        """
        span = self.scoring.span(longest)
        if span is None:
            return None
        pairs = letters // _SHORT_WINDOW
        is_short = self.choose(rows, _SHORT_WINDOW, pairs) != "sweep"
        for width in (_SHORT_WINDOW, _SWEEP_WINDOW)[not is_short :]:
            if columns > width and span <= 3 * width // 4:
                return width, span
        return None

    def choose(self, rows: int, columns: int, pairs: int) -> Kernel:
        """Return the fastest kernel whose compilation takes less time than it saves.

        On a GPU the two possible ones are timed, once per process, if there are enough
        pairs.

        Args:
          rows: height of the queries.
          columns: height of the subjects.
          pairs: number of pairs.
        """
        cells = rows * columns
        if cells <= _SHORT_CELLS:
            if self._has_tiles and cells * pairs >= self._tile_worth:
                return "tile"
            if self._has_strips and cells * pairs >= _STRIP_WORTH:
                return "strip"
        if self._platform == "gpu" and cells * pairs >= _PALLAS_WORTH:
            return fastest(self._mesh.devices.flat[0])
        return "sweep"

    def lanes(self, rows: int, columns: int, wanted: int, kernel: Kernel) -> int:
        """Return the number of pairs in one block.

        Args:
          rows: height of the queries.
          columns: height of the subjects.
          wanted: number of pairs to score.
          kernel: the kernel that scores them.
        """
        devices = self._by_lane.num_devices
        itemsize = self.scoring.dtype(rows, columns).itemsize
        shorter = min(rows, columns)
        most = self._block_bytes // (itemsize * (_ARRAYS * shorter + rows + columns))
        fast = devices * self._sweep_bytes // (shorter * itemsize)
        lanes = max(1, min(_LEAST[0], _LEAST[1] // shorter))
        most = min(most, max(fast, lanes) if kernel == "sweep" else _SHORT_LANES)
        # Each number of lanes is compiled separately: keep them few.
        while lanes < min(wanted, most):
            lanes *= 2
        return max(1, min(lanes, most) // devices) * devices

    def put(
        self, tokens: UInt8[np.ndarray, "rows lanes"]
    ) -> UInt8[Array, "rows lanes"]:
        """Transfer tokens to the devices.

        Args:
          tokens: one sequence per column; a single column is replicated.
        """
        one = tokens.shape[1] == 1
        return jax.device_put(tokens, self._replicated if one else self._by_lane)

    def score(
        self,
        queries: UInt8[Array, "rows _"],
        subjects: UInt8[Array, "columns lanes"],
        longest: tuple[int, int],
        kernel: Kernel,
    ) -> Integer[Array, " lanes"]:
        """Dispatch the scoring of a block of pairs.

        Args:
          queries: from `put`; one lane if all pairs share it.
          subjects: from `put`, with all lanes.
          longest: lengths of the longest query and of the longest subject, in nt.
          kernel: the kernel that scores them.
        """
        scoring, (rows, columns) = self.scoring, (len(queries), len(subjects))
        dtype = scoring.dtype(rows, columns)
        # An antidiagonal has as many cells as there are rows; a row, as columns.
        if rows < columns if kernel == "pallas" else rows > columns:
            queries, subjects, scoring = subjects, queries, scoring.transposed()
            longest = longest[::-1]
        if kernel == "tile":
            return compiled_tile(scoring, dtype)(queries, subjects)
        if kernel == "strip":
            return compiled_strip(scoring, dtype)(queries, subjects, longest[0])
        if kernel == "pallas":
            shared = queries.shape[1] == 1, subjects.shape[1] == 1
            run = compiled_pallas(scoring, dtype, self._mesh, shared)
            return run(queries, subjects, jnp.int32(longest[0]))
        steps = max(1, sum(longest) - 1)
        return compiled_sweep(scoring, dtype)(queries, subjects, steps)


def _default_devices() -> list[jax.Device]:
    devices = jax.devices()
    return devices[:1] if devices[0].platform == "cpu" else devices


@functools.cache
def compiled_sweep(scoring: Scoring, dtype: np.dtype) -> Callable[..., Array]:
    """Return the compiled `recurrence.sweep`."""
    return jax.jit(functools.partial(recurrence.sweep, scoring=scoring, dtype=dtype))


@functools.cache
def compiled_strip(scoring: Scoring, dtype: np.dtype) -> Callable[..., Array]:
    """Return the compiled `recurrence.strip`."""
    return jax.jit(functools.partial(recurrence.strip, scoring=scoring, dtype=dtype))


@functools.cache
def compiled_pallas(
    scoring: Scoring, dtype: np.dtype, mesh: Mesh, shared: tuple[bool, bool]
) -> Callable[..., Array]:
    """Return the compiled `pallas_sweep`, each device's lanes scored by itself.

    Args:
      scoring: scores and costs of the alignments.
      dtype: integers in which nothing overflows.
      mesh: the devices; without a GPU, Pallas's interpreter is used.
      shared: whether all pairs have the same query, and the same subject.
    """
    by_lane, whole = PartitionSpec(None, "lanes"), PartitionSpec()
    is_gpu = mesh.devices.flat[0].platform == "gpu"
    return jax.jit(
        jax.shard_map(
            functools.partial(
                pallas_sweep, scoring=scoring, dtype=dtype, interpret=not is_gpu
            ),
            mesh=mesh,
            in_specs=(*(whole if one else by_lane for one in shared), whole),
            out_specs=PartitionSpec("lanes"),
            check_vma=False,  # a kernel does not declare what varies over devices
        )
    )


@functools.cache
def fastest(device: jax.Device) -> Kernel:
    """Return the faster one of `sweep` and `pallas` for miRNA-sized pairs on a device.

    Each scores the same random pairs twice, and the second run is timed. If `pallas`
    cannot be compiled, the reason is logged.
    """
    kernels = Kernels(nucleotide(), _TIMED_BYTES, [device])
    rng = np.random.default_rng(0)
    queries, subjects = (
        kernels.put(rng.integers(1, 5, (length, _TIMED_LANES), np.uint8))
        for length in _TIMED_LENGTHS
    )

    def seconds(kernel: Kernel) -> float:
        for _ in range(2):
            started = time.perf_counter()
            scores = kernels.score(queries, subjects, _TIMED_LENGTHS, kernel)
            scores.block_until_ready()
        return time.perf_counter() - started

    try:
        with_pallas = seconds("pallas")
    # Pallas raises the first for features that this GPU's compiler lacks, XLA the
    # other.
    except (NotImplementedError, jax.errors.JaxRuntimeError) as error:
        logging.warning("%s: no kernel pallas for alignments: %s", device, error)
        return "sweep"
    return "pallas" if with_pallas < seconds("sweep") else "sweep"


# XLA's newer emitters split a fusion of over 2,000 operations into functions that
# recompute one another's values, at a cost that doubles with each split. The older
# emitters do not, but XLA is about to remove them: JAX 0.11 has none.
_TILE_OPTIONS = {"xla_cpu_use_fusion_emitters": False}


@functools.cache
def compiled_tile(scoring: Scoring, dtype: np.dtype) -> Callable[..., Array]:
    """Return the compiled `recurrence.tile`; see `Kernels.choose`."""
    return jax.jit(
        functools.partial(recurrence.tile, scoring=scoring, dtype=dtype),
        compiler_options=_TILE_OPTIONS,
    )


@functools.cache
def _compiles_tiles(platform: str) -> bool:
    """Return whether XLA compiles a tile to one fast loop."""
    if platform != "cpu":
        return False
    try:
        jax.jit(lambda: 0, compiler_options=_TILE_OPTIONS)()
    except jax.errors.JaxRuntimeError:  # no such option
        return False
    return True
