"""The recurrence, compiled for blocks of pairs and split over devices."""

import functools
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array, Integer, UInt8

from mirjax.align import recurrence
from mirjax.align.scoring import Scoring

WINDOW = 64
"""Letters of the windows into which subjects are cut for short queries."""

QUERIES = 16
"""Queries that one call scores with the same subjects, at most."""

_SHORT = 32  # letters of the longest sequences that tiles score
_LANES = 2**8, 2**11, 2**14  # of a block: few, since each is compiled by itself
_ARRAYS = 8  # arrays of rows × lanes that a sweep has in memory at a time


class Kernels:
    """Compiled kernels of one scoring, and the devices they run on."""

    def __init__(
        self,
        scoring: Scoring,
        block_bytes: int,
        devices: Sequence[jax.Device] | None = None,
    ):
        """Choose devices.

        Args:
          scoring: what alignments score.
          block_bytes: memory for the work on one block.
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
        mesh = Mesh(np.array(devices), ("lanes",), axis_types=(AxisType.Auto,))
        self._by_lane = NamedSharding(mesh, PartitionSpec(None, "lanes"))
        self._replicated = NamedSharding(mesh, PartitionSpec())

    def lanes(self, rows: int, columns: int, wanted: int) -> int:
        """Return how many pairs a block holds.

        Args:
          rows: height of the queries.
          columns: height of the subjects.
          wanted: pairs there are.
        """
        itemsize = self.scoring.dtype(rows, columns).itemsize
        bytes_per_lane = itemsize * (
            _ARRAYS * min(rows, columns) + 2 * (rows + columns)
        )
        fitting = max(1, self._block_bytes // bytes_per_lane)
        enough = next((lanes for lanes in _LANES if lanes >= wanted), _LANES[-1])
        devices = self._by_lane.num_devices
        return max(1, min(enough, fitting) // devices) * devices

    def pairs(
        self,
        queries: UInt8[np.ndarray, "rows lanes"],
        subjects: UInt8[np.ndarray, "columns lanes"],
        steps: int,
    ) -> Integer[Array, " lanes"]:
        """Start to score each query with the subject of its own lane.

        Args:
          queries: tokens.
          subjects: tokens.
          steps: letters of the longest query and the longest subject, less one.
        """
        run = self._compiled("pairs", queries, subjects)
        return run(*jax.device_put((queries, subjects), self._by_lane), steps)

    def table(
        self,
        queries: UInt8[np.ndarray, "n rows"],
        subjects: UInt8[np.ndarray, "columns lanes"],
        steps: int,
    ) -> Integer[Array, "{QUERIES} lanes"]:
        """Start to score each of up to `QUERIES` queries with each subject.

        Args:
          queries: tokens, a query a row.
          subjects: tokens.
          steps: letters of the longest query and the longest subject, less one.
        """
        padded = np.zeros((QUERIES, queries.shape[1]), np.uint8)
        padded[: len(queries)] = queries
        run = self._compiled("table", padded.T, subjects)
        return run(
            jax.device_put(padded, self._replicated),
            jax.device_put(subjects, self._by_lane),
            steps,
            len(queries),
        )

    def _compiled(
        self, form: str, queries: np.ndarray, subjects: np.ndarray
    ) -> Callable[..., Array]:
        rows, columns = len(queries), len(subjects)
        dtype = self.scoring.dtype(rows, columns)
        # On a small block the straight line does not earn what it takes to compile.
        is_tile = (
            rows <= _SHORT
            and (columns <= _SHORT or columns == WINDOW)
            and subjects.shape[1] >= _LANES[-1]
            and jax.default_backend() == "cpu"
        )
        return _compile(form, is_tile, self.scoring, dtype)


def is_windowed(rows: int, columns: int, overlap: int | None) -> bool:
    """Return whether to cut subjects into windows.

    Args:
      rows: height of the queries.
      columns: height of the subjects.
      overlap: letters that two windows have to share, None if no number is enough.
    """
    return (
        rows <= _SHORT
        and columns > WINDOW
        and overlap is not None
        and overlap <= WINDOW // 2
    )


@functools.cache
def _compile(
    form: str, is_tile: bool, scoring: Scoring, dtype: np.dtype
) -> Callable[..., Array]:
    def score(queries: Array, subjects: Array, steps: Array) -> Array:
        if is_tile:
            return recurrence.tile(queries, subjects, scoring=scoring, dtype=dtype)
        return recurrence.sweep(queries, subjects, steps, scoring=scoring, dtype=dtype)

    def table(queries: Array, subjects: Array, steps: Array, number: Array) -> Array:
        def one(place: Array, scores: Array) -> Array:
            query = lax.dynamic_index_in_dim(queries, place, keepdims=False)[:, None]
            return scores.at[place].set(score(query, subjects, steps))

        scores = jnp.zeros((len(queries), subjects.shape[1]), dtype)
        return lax.fori_loop(0, number, one, scores)

    # XLA's newer emitters repeat what several cells need, at a cost that doubles with
    # every cell.
    options = {"xla_cpu_use_fusion_emitters": False} if is_tile else {}
    return jax.jit({"pairs": score, "table": table}[form], compiler_options=options)
