"""The recurrence of affine-gap alignment, for many pairs of sequences at once.

The last axis of every array is the pairs, the *lanes*: each operation is the same for
all of them, so that the vector units of a processor work on many pairs at once. Query
and subject are along rows and columns. With H the best score of an alignment that ends
in a cell, E and F those that end in a gap, open and extend costs o and e, and s the
weighted score of the two letters:

    E(i, j) = max(E(i, j-1), H(i, j-1) - o) - e
    F(i, j) = max(F(i-1, j), H(i-1, j) - o) - e
    H(i, j) = max(floor, H(i-1, j-1) + s, E(i, j), F(i, j))

On the border, H(i, 0) and H(0, j) are 0 for a local alignment, and -i and -j times the
offset for an anchored one. Gaps on the border are not needed, since the offset is at
most e. The floor of a local alignment is 0. That of an anchored one is so low that no
alignment can rise from it above 0, and keeps scores within narrow integers.

Padding has the lowest score of the table, which is not above 0, so that H never rises
beyond the end of a sequence.

There are three ways to compute the table, with the same scores. `sweep` takes any
lengths and compiles fast. For short sequences, `strip` unrolls the cells of a row and
`tile` those of the whole table: each is faster than the previous one and takes longer
to compile. A fourth, for GPUs, is in `pallas_sweep`.

References:
  Smith & Waterman 1981, Identification of common molecular subsequences,
  doi 10.1016/0022-2836(81)90087-5.
  Gotoh 1982, An improved algorithm for matching biological sequences,
  doi 10.1016/0022-2836(82)90398-9.
  Rognes 2011, Faster Smith-Waterman database searches with inter-sequence SIMD
  parallelisation, doi 10.1186/1471-2105-12-221.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Int, Integer, UInt8

from mirjax.alignment.scoring import Scoring
from mirjax.sequences import alphabet


def sweep(
    queries: UInt8[Array, "rows _"],
    subjects: UInt8[Array, "columns _"],
    steps: Int[Array, ""],
    *,
    scoring: Scoring,
    dtype: np.dtype,
) -> Integer[Array, " lanes"]:
    """Score pairs along antidiagonals, whose cells do not depend on one another.

    Args:
      queries: tokens, 0 where there is no letter; one lane if all pairs share it.
      subjects: likewise.
      steps: antidiagonals that hold a cell of any pair.
      scoring: scores and costs of the alignments.
      dtype: integers in which nothing overflows.

    Returns:
      The best score of each pair.
    """
    table = Table.of(queries, subjects, scoring, dtype)
    rows, columns = table.shape
    lanes = max(queries.shape[1], subjects.shape[1])
    # Reversed, the letters opposite rows 0, 1, ... are in the order of the rows.
    facing = jnp.pad(table.letters[::-1], ((rows, rows), (0, 0)))
    by_row, facing_gains = table.gains[:, 0], None
    if table.gains.shape[1] > 1:
        facing_gains = np.pad(table.gains[0, ::-1], ((rows, rows), (0, 0)), mode="edge")
    start = rows + columns - 1
    row_numbers = np.arange(rows)[:, None]

    def step(number: Array, state: tuple[Array, ...]) -> tuple[Array, ...]:
        score, before, left, up, best = state
        letter = lax.dynamic_slice_in_dim(facing, start - number, rows)
        gains: np.ndarray | Array = by_row
        if facing_gains is not None:
            gains = lax.dynamic_slice_in_dim(facing_gains, start - number, rows)
        opened = score - table.gap_open
        left = lax.max(left, opened) - table.gap_extend
        up = _one_row_down(lax.max(up, opened), table.floor) - table.gap_extend
        diagonal = _one_row_down(before, table.floor)
        if scoring.offset is not None:
            on_rim = (row_numbers == 0) | (row_numbers == number)
            diagonal = jnp.where(on_rim, _at(table.rim, number), diagonal)
        levels = [gains[:, level, None] for level in range(gains.shape[1])]
        gain = pair_gain(table.masks, letter, levels)
        new = best_ending(diagonal, gain, left, up, table.floor)
        return new, score, left, up, lax.max(best, new)

    lowest = jnp.full((rows, lanes), table.floor)
    state = (*(lowest,) * 4, jnp.zeros_like(lowest))
    return lax.fori_loop(0, steps, step, state)[-1].max(axis=0)


def strip(
    queries: UInt8[Array, "rows _"],
    subjects: UInt8[Array, "columns _"],
    steps: Int[Array, ""],
    *,
    scoring: Scoring,
    dtype: np.dtype,
) -> Integer[Array, " lanes"]:
    """Score pairs row by row, with the cells of a row unrolled.

    Args:
      queries: tokens, 0 where there is no letter; one lane if all pairs share it.
      subjects: likewise.
      steps: rows that hold a letter of any query.
      scoring: scores and costs of the alignments.
      dtype: integers in which nothing overflows.

    Returns:
      The best score of each pair.
    """
    table = Table.of(queries, subjects, scoring, dtype)
    lanes = max(queries.shape[1], subjects.shape[1])

    def step(row: Array, state: _RowState) -> _RowState:
        return _next_row(table, row, state)

    return lax.fori_loop(0, steps, step, _first_row(table, lanes)).best


def tile(
    queries: UInt8[Array, "rows _"],
    subjects: UInt8[Array, "columns _"],
    *,
    scoring: Scoring,
    dtype: np.dtype,
) -> Integer[Array, " lanes"]:
    """Score pairs of short sequences, with all cells unrolled.

    A compiler that fuses elementwise operations then keeps the whole table of a few
    pairs in registers and in the first-level cache.

    Args:
      queries: tokens, 0 where there is no letter; one lane if all pairs share it.
      subjects: likewise.
      scoring: scores and costs of the alignments.
      dtype: integers in which nothing overflows.

    Returns:
      The best score of each pair.
    """
    table = Table.of(queries, subjects, scoring, dtype)
    state = _first_row(table, max(queries.shape[1], subjects.shape[1]))
    for row in range(len(queries)):
        state = _next_row(table, row, state)
    return state.best


class Table(NamedTuple):
    """The inputs of the cells of a block of pairs, in one integer type."""

    masks: list[Array]  # [rows, lanes or 1] for each level but the lowest
    letters: Array  # [columns, lanes or 1], one bit per letter
    gains: np.ndarray  # [rows or 1, columns or 1, levels]
    rim: np.ndarray  # H on the border, by distance from the corner
    gap_open: np.integer
    gap_extend: np.integer
    floor: np.integer

    @classmethod
    def of(
        cls, queries: Array, subjects: Array, scoring: Scoring, dtype: np.dtype
    ) -> "Table":
        """Prepare a block of pairs, given as `sweep` takes it."""
        rows, columns = len(queries), len(subjects)
        floor = scoring.floor(rows, columns)
        distances = np.arange(rows + columns + 1)
        rim = np.maximum(floor, -(scoring.offset or 0) * distances)
        return cls(
            _query_masks(queries, scoring, dtype),
            _subject_bits(subjects, dtype),
            scoring.gains(rows, columns).astype(dtype),
            rim.astype(dtype),
            *map(dtype.type, (scoring.gap_open, scoring.gap_extend, floor)),
        )

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return len(self.masks[0]), len(self.letters)


class _RowState(NamedTuple):
    above: tuple[Array, ...]  # H of the row above
    up: tuple[Array, ...]  # F of the row above
    best: Array


def _first_row(table: Table, lanes: int) -> _RowState:
    columns = table.shape[1]
    lowest = jnp.full(lanes, table.floor)
    above = tuple(jnp.full(lanes, table.rim[j + 1]) for j in range(columns))
    return _RowState(above, (lowest,) * columns, jnp.zeros_like(lowest))


def _next_row(table: Table, row: int | Array, state: _RowState) -> _RowState:
    above, up, best = list(state.above), list(state.up), state.best
    masks = [_at(mask, row) for mask in table.masks]
    gains = _at(table.gains, row)
    diagonal = jnp.full_like(best, _at(table.rim, row))
    left = opened = jnp.full_like(best, table.floor)
    for column, letter in enumerate(table.letters):
        left = lax.max(left, opened) - table.gap_extend
        opened_above = above[column] - table.gap_open
        up[column] = lax.max(up[column], opened_above) - table.gap_extend
        gain = pair_gain(masks, letter, list(gains[min(column, len(gains) - 1)]))
        score = best_ending(diagonal, gain, left, up[column], table.floor)
        best = lax.max(best, score)
        diagonal, above[column] = above[column], score
        opened = score - table.gap_open
    return _RowState(tuple(above), tuple(up), best)


def _at(array: np.ndarray | Array, row: int | Array) -> np.ndarray | Array:
    """Return a row of an array; if there is only one, it is used for every row."""
    if len(array) == 1:
        return array[0, ...]
    if isinstance(row, int):
        return array[row, ...]
    return lax.dynamic_index_in_dim(jnp.asarray(array), row, keepdims=False)


def pair_gain(
    masks: Sequence[np.ndarray | Array],
    letter: Array,
    levels: Sequence[Any],
) -> np.ndarray | Array:
    """Return two letters' score: the highest level whose mask holds the letter."""
    zero = letter.dtype.type(0)
    *above, gain = levels
    for mask, level in zip(masks[::-1], above[::-1], strict=True):
        gain = jnp.where(mask & letter != zero, level, gain)
    return gain


def best_ending(
    diagonal: Array,
    gain: np.ndarray | Array,
    left: Array,
    up: Array,
    floor: np.integer,
) -> Array:
    """Return H, given H(i-1, j-1), the pair's score, E(i, j) and F(i, j)."""
    paired = lax.max(diagonal + gain, jnp.full_like(diagonal, floor))
    return lax.max(paired, lax.max(left, up))


def _query_masks(queries: Array, scoring: Scoring, dtype: np.dtype) -> list[Array]:
    """Return, for each level but the lowest, which subject letters score it."""
    masks = []
    for level in scoring.levels[:-1]:
        bits = {
            token: sum(1 << i for i, value in enumerate(row) if value == level)
            for token, row in enumerate(scoring.table, start=alphabet.A)
        }
        masks.append(_look_up(queries, bits, dtype))
    return masks


def _subject_bits(subjects: Array, dtype: np.dtype) -> Array:
    """Return one bit for each letter, none where there is no letter."""
    return _look_up(subjects, {token: 1 << (token - 1) for token in range(1, 5)}, dtype)


def _look_up(tokens: Array, values: dict[int, int], dtype: np.dtype) -> Array:
    # A chain of selections is faster than a gather, which is not vectorised.
    result = jnp.zeros(tokens.shape, dtype)
    for token, value in values.items():
        result = jnp.where(tokens == np.uint8(token), dtype.type(value), result)
    return result


def _one_row_down(array: Array, first: np.integer) -> Array:
    return jnp.concatenate([jnp.full_like(array[:1], first), array[:-1]])
