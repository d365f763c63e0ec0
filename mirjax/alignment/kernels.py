"""The recurrence, compiled for blocks of pairs and split over devices."""

import functools
from collections.abc import Callable, Sequence

import jax
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array, Integer, UInt8

from mirjax.alignment import recurrence
from mirjax.alignment.lanes import SHORT
from mirjax.alignment.scoring import Scoring

_TILE_CELLS = SHORT**2  # at most: more take minutes to compile
_TILE_WINDOW = 48
_TILE_LANES = 2**14
_TILE_WORTH = 2**29  # cells to be scored: a tile takes seconds to compile
_SWEEP_WINDOW = 512  # an antidiagonal of short queries is then full for most steps
_SWEEP_BYTES = 2**16  # of one array: the five of a sweep fit a core's cache
_ARRAYS = 8  # as large as the five, in a block's memory
_LEAST = 2**6, 2**15  # lanes, and cells of an antidiagonal: fewer are no faster


class Kernels:
    """The compiled recurrence for one scoring, and the devices it runs on."""

    def __init__(
        self,
        scoring: Scoring,
        block_bytes: int,
        devices: Sequence[jax.Device] | None = None,
    ):
        """Choose devices.

        Args:
          scoring: what alignments score.
          block_bytes: memory for the work on one block of pairs.
          devices: which share the work; all by default.

        Raises:
          ValueError: if `block_bytes` is below 1 or there are no devices.
        """
        if block_bytes < 1:
            raise ValueError(f"{block_bytes=}: must be at least 1")
        devices = jax.devices() if devices is None else list(devices)
        if not devices:
            raise ValueError(f"{devices=}: none to run on")
        self.scoring = scoring
        self._block_bytes = block_bytes
        self._has_tiles = _compiles_tiles(devices[0].platform)
        mesh = Mesh(np.array(devices), ("lanes",), axis_types=(AxisType.Auto,))
        self._by_lane = NamedSharding(mesh, PartitionSpec(None, "lanes"))
        self._replicated = NamedSharding(mesh, PartitionSpec())

    def window(
        self, rows: int, longest: int, columns: int, letters: int
    ) -> tuple[int, int] | None:
        """Choose windows to cut subjects into.

        Args:
          rows: height of the queries.
          longest: letters of the longest of them.
          columns: height of the subjects.
          letters: of all subjects, once for each query.

        Returns:
          Letters of a window and of two windows' overlap, or None to cut none.
        """
        span = self.scoring.span(longest)
        if span is None:
            return None
        pairs = letters // _TILE_WINDOW
        is_tile = self.is_tile(rows, _TILE_WINDOW, pairs)
        for width in (_TILE_WINDOW, _SWEEP_WINDOW)[not is_tile :]:
            if columns > width and span <= 3 * width // 4:
                return width, span
        return None

    def is_tile(self, rows: int, columns: int, pairs: int) -> bool:
        """Return whether pairs are scored in one straight line of code.

        Args:
          rows: height of the queries.
          columns: height of the subjects.
          pairs: how many.
        """
        return (
            self._has_tiles
            and rows * columns <= _TILE_CELLS
            and rows * columns * pairs >= _TILE_WORTH
        )

    def lanes(self, rows: int, columns: int, wanted: int, *, is_tile: bool) -> int:
        """Return how many pairs to score in one block.

        Args:
          rows: height of the queries.
          columns: height of the subjects.
          wanted: pairs there are.
          is_tile: whether they are scored in one straight line of code.
        """
        devices = self._by_lane.num_devices
        itemsize = self.scoring.dtype(rows, columns).itemsize
        shorter = min(rows, columns)
        most = self._block_bytes // (itemsize * (_ARRAYS * shorter + rows + columns))
        fast = devices * _SWEEP_BYTES // (shorter * itemsize)
        lanes = max(1, min(_LEAST[0], _LEAST[1] // shorter))
        most = min(most, _TILE_LANES if is_tile else max(fast, lanes))
        # Few numbers of lanes, since each is compiled by itself.
        while lanes < min(wanted, most):
            lanes *= 2
        return max(1, min(lanes, most) // devices) * devices

    def put(
        self, tokens: UInt8[np.ndarray, "rows lanes"]
    ) -> UInt8[Array, "rows lanes"]:
        """Hand tokens to the devices.

        Args:
          tokens: a sequence a column; a single one goes to every device.
        """
        one = tokens.shape[1] == 1
        return jax.device_put(tokens, self._replicated if one else self._by_lane)

    def score(
        self,
        queries: UInt8[Array, "rows _"],
        subjects: UInt8[Array, "columns lanes"],
        steps: int,
        *,
        is_tile: bool,
    ) -> Integer[Array, " lanes"]:
        """Start to score a block of pairs.

        Args:
          queries: what `put` returned; one lane if all pairs share it.
          subjects: likewise, with all lanes.
          steps: letters of the longest query and the longest subject, less one.
          is_tile: whether to score them in one straight line of code.
        """
        scoring, (rows, columns) = self.scoring, (len(queries), len(subjects))
        dtype = scoring.dtype(rows, columns)
        if rows > columns:  # an antidiagonal has as many cells as there are rows
            queries, subjects, scoring = subjects, queries, scoring.transposed()
        if is_tile:
            return compiled_tile(scoring, dtype)(queries, subjects)
        return compiled_sweep(scoring, dtype)(queries, subjects, steps)


@functools.cache
def compiled_sweep(scoring: Scoring, dtype: np.dtype) -> Callable[..., Array]:
    """Return the compiled `recurrence.sweep`."""
    return jax.jit(functools.partial(recurrence.sweep, scoring=scoring, dtype=dtype))


# XLA's newer emitters cut a fusion of over 2,000 operations into functions that compute
# one another's values again, at a cost that doubles from cut to cut. The older ones do
# not, but XLA is about to drop them: JAX 0.11 does without.
_TILE_OPTIONS = {"xla_cpu_use_fusion_emitters": False}


@functools.cache
def compiled_tile(scoring: Scoring, dtype: np.dtype) -> Callable[..., Array]:
    """Return the compiled `recurrence.tile`, for where `Kernels.is_tile` says so."""
    return jax.jit(
        functools.partial(recurrence.tile, scoring=scoring, dtype=dtype),
        compiler_options=_TILE_OPTIONS,
    )


@functools.cache
def _compiles_tiles(platform: str) -> bool:
    """Return whether XLA turns a tile into one fast loop."""
    if platform != "cpu":
        return False
    try:
        jax.jit(lambda: 0, compiler_options=_TILE_OPTIONS)()
    except jax.errors.JaxRuntimeError:  # no such option
        return False
    return True
