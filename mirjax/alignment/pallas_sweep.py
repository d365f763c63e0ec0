"""The recurrence of affine-gap alignment as one Pallas kernel, for GPUs.

XLA makes a GPU start a kernel for each antidiagonal of `recurrence.sweep`, which reads
its five arrays from the device's memory and writes them back. Here each program of one
kernel scores a block of pairs from the first cell to the last, row by row, and only the
row above passes through memory, where the caches hold it.

References:
  Tillet et al. 2019, Triton: an intermediate language and compiler for tiled neural
  network computations, doi 10.1145/3315508.3329973 (what Pallas compiles to).
"""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.experimental import pallas as pl
from jax.experimental.pallas import triton
from jaxtyping import Array, Int, Integer, UInt8

from mirjax.alignment.recurrence import Table, best_ending, pair_gain
from mirjax.alignment.scoring import Scoring

BLOCK = 128
"""Pairs that one program of the kernel scores."""


def pallas_sweep(
    queries: UInt8[Array, "rows _"],
    subjects: UInt8[Array, "columns _"],
    steps: Int[Array, ""],
    *,
    scoring: Scoring,
    dtype: np.dtype,
    interpret: bool = False,
) -> Integer[Array, " lanes"]:
    """Score pairs row by row, many rows in one kernel.

    Args:
      queries: tokens, 0 where there is no letter; one lane if all pairs share it.
      subjects: likewise; the shorter side, whose row above is kept.
      steps: rows that hold a letter of any query.
      scoring: scores and costs of the alignments.
      dtype: integers in which nothing overflows.
      interpret: run the kernel operation by operation, on any device.

    Returns:
      The best score of each pair.
    """
    table = Table.of(queries, subjects, scoring, dtype)
    lanes = max(queries.shape[1], subjects.shape[1])
    blocks = -(-lanes // BLOCK)

    def whole_blocks(array: Array) -> Array:
        wide = jnp.broadcast_to(array, (len(array), lanes))
        return jnp.pad(wide, ((0, 0), (0, blocks * BLOCK - lanes)))

    masks, letters = [whole_blocks(mask) for mask in table.masks], table.letters
    inputs: list[Any] = [
        *masks,
        whole_blocks(letters),
        table.gains,
        table.rim,
        steps[None],
    ]
    columns = table.shape[1]
    costs = _Costs(table.gap_open, table.gap_extend, table.floor)
    best, *_ = pl.pallas_call(
        functools.partial(_score_block, costs, len(masks)),
        grid=(blocks,),
        in_specs=[_by_lane(len(each)) for each in (*masks, letters)]
        + [_whole(each.shape) for each in inputs[len(masks) + 1 :]],
        out_specs=[_by_lane(height) for height in (1, columns, columns)],
        # The best scores; H and F of the row above, which are not used afterwards.
        out_shape=[
            jax.ShapeDtypeStruct((height, blocks * BLOCK), dtype)
            for height in (1, columns, columns)
        ],
        interpret=interpret,
        compiler_params=None if interpret else triton.CompilerParams(),
    )(*inputs)
    scores: Array = best[0, :lanes]
    return scores


class _Costs(NamedTuple):
    gap_open: np.integer
    gap_extend: np.integer
    floor: np.integer


def _by_lane(height: int) -> pl.BlockSpec:
    return pl.BlockSpec((height, BLOCK), lambda block: (0, block))


def _whole(shape: tuple[int, ...]) -> pl.BlockSpec:
    return pl.BlockSpec(shape, lambda block: (0,) * len(shape))


def _score_block(costs: _Costs, num_masks: int, *refs: Any) -> None:
    """Score the pairs of one block; the arguments are references into memory."""
    masks, (letters, gains, rim, steps) = refs[:num_masks], refs[num_masks:-3]
    best, above, up = refs[-3:]
    lowest = jnp.full((BLOCK,), costs.floor)

    def clear(column: Array, _: None) -> None:
        above[column, :] = jnp.full((BLOCK,), rim[column + 1])
        up[column, :] = lowest

    def score_row(row: Array, highest: Array) -> Array:
        masks_of_row = [mask[row, :] for mask in masks]
        gains_row = jnp.minimum(row, gains.shape[0] - 1)

        def score_cell(column: Array, state: tuple[Array, ...]) -> tuple[Array, ...]:
            left, opened, diagonal, highest = state
            gains_column = jnp.minimum(column, gains.shape[1] - 1)
            levels = [
                gains[gains_row, gains_column, level] for level in range(num_masks + 1)
            ]
            gain = pair_gain(masks_of_row, letters[column, :], levels)
            over = above[column, :]
            left = lax.max(left, opened) - costs.gap_extend
            down = lax.max(up[column, :], over - costs.gap_open) - costs.gap_extend
            score = best_ending(diagonal, gain, left, down, costs.floor)
            above[column, :], up[column, :] = score, down
            return left, score - costs.gap_open, over, lax.max(highest, score)

        start = lowest, lowest, jnp.full((BLOCK,), rim[row]), highest
        return lax.fori_loop(0, len(letters), score_cell, start)[-1]

    lax.fori_loop(0, len(letters), clear, None)
    best[0, :] = lax.fori_loop(0, steps[0], score_row, jnp.zeros_like(lowest))
