"""The recurrence of local affine-gap alignment, for many pairs of sequences at once.

Every array's last axis is the pairs, the *lanes*: each operation does the same to all
of them, so that a processor's vectors hold as many pairs as their width allows. Query
and subject lie along rows and columns. With H the best score of an alignment that ends
in a cell, E and F those that end in a gap, open and extend costs o and e:

    E(i, j) = max(E(i, j-1), H(i, j-1) - o) - e
    F(i, j) = max(F(i-1, j), H(i-1, j) - o) - e
    H(i, j) = H(i-1, j-1) + s        where s is the highest score there is
              max(0, H(i-1, j-1) + s, E(i, j), F(i, j))        elsewhere

The first case leaves the maximum out, since E and F cannot win there. E's alignment
pairs or skips query letter i, then skips subject letters up to j. Take letter i and the
last of these out: where i was paired, at most s is lost, and its partner is skipped in
its stead, in a gap that was there already. What is left ends in (i-1, j-1), so that E
is at most H(i-1, j-1) + s. The same holds for F.

Padding scores the lowest value there is, which is not above 0: past the end of a
sequence, or of both, H never rises above what it was.

References:
  Smith & Waterman 1981, Identification of common molecular subsequences,
  doi 10.1016/0022-2836(81)90087-5.
  Gotoh 1982, An improved algorithm for matching biological sequences,
  doi 10.1016/0022-2836(82)90398-9.
  Rognes 2011, Faster Smith-Waterman database searches with inter-sequence SIMD
  parallelisation, doi 10.1186/1471-2105-12-221.
"""

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
      scoring: what alignments score.
      dtype: integers in which nothing overflows.

    Returns:
      The best score of each pair.
    """
    rows, lanes = queries.shape[0], max(queries.shape[1], subjects.shape[1])
    gap_open, gap_extend = map(dtype.type, (scoring.gap_open, scoring.gap_extend))
    masks = _query_masks(queries, scoring, dtype)
    letters = _subject_bits(subjects, dtype)
    margin = jnp.zeros((rows, letters.shape[1]), dtype)
    # Reversed, the letters that face rows 0, 1, ... lie in the order of the rows.
    facing = jnp.concatenate([margin, letters[::-1], margin])
    start = rows + len(letters) - 1

    def step(number: Array, state: tuple[Array, ...]) -> tuple[Array, ...]:
        score, before, left, up, best = state
        letter = lax.dynamic_slice_in_dim(facing, start - number, rows)
        opened = score - gap_open
        left = lax.max(left, opened) - gap_extend
        up = _one_row_down(lax.max(up, opened)) - gap_extend
        new = _cell(_one_row_down(before), left, up, masks, letter, scoring)
        return new, score, left, up, lax.max(best, new)

    nothing = jnp.zeros((rows, lanes), dtype)
    return lax.fori_loop(0, steps, step, (nothing,) * 5)[-1].max(axis=0)


def tile(
    queries: UInt8[Array, "rows _"],
    subjects: UInt8[Array, "columns _"],
    *,
    scoring: Scoring,
    dtype: np.dtype,
) -> Integer[Array, " lanes"]:
    """Score pairs of short sequences in one straight line of code.

    Every cell is written out, so that a compiler that fuses elementwise operations
    keeps the whole table of a few pairs in registers and in the nearest cache.

    Args:
      queries: tokens, 0 where there is no letter; one lane if all pairs share it.
      subjects: likewise.
      scoring: what alignments score.
      dtype: integers in which nothing overflows.

    Returns:
      The best score of each pair.
    """
    gap_open, gap_extend = map(dtype.type, (scoring.gap_open, scoring.gap_extend))
    masks = _query_masks(queries, scoring, dtype)
    letters = _subject_bits(subjects, dtype)
    nothing = jnp.zeros(max(queries.shape[1], subjects.shape[1]), dtype)
    columns = range(len(letters))
    above = [nothing for _ in columns]  # H of the row above
    opened_above = [nothing for _ in columns]
    up = [nothing for _ in columns]
    best = nothing
    for row in range(len(queries)):
        row_masks = [mask[row] for mask in masks]
        diagonal = left = opened = nothing
        for column in columns:
            left = lax.max(left, opened) - gap_extend
            up[column] = lax.max(up[column], opened_above[column]) - gap_extend
            score = _cell(
                diagonal, left, up[column], row_masks, letters[column], scoring
            )
            best = lax.max(best, score)
            diagonal, above[column] = above[column], score
            opened = opened_above[column] = score - gap_open
    return best


def _cell(
    diagonal: Array,
    left: Array,
    up: Array,
    masks: list[Array],
    letter: Array,
    scoring: Scoring,
) -> Array:
    """Return H, given H(i-1, j-1), E(i, j) and F(i, j)."""
    highest, *between, lowest = map(diagonal.dtype.type, scoring.levels)
    zero = diagonal.dtype.type(0)
    gain: Array | np.integer = lowest
    for mask, level in zip(masks[1:], between, strict=True):
        gain = jnp.where(mask & letter != zero, level, gain)
    score = lax.max(
        lax.max(diagonal + gain, jnp.zeros_like(diagonal)), lax.max(left, up)
    )
    return jnp.where(masks[0] & letter != zero, diagonal + highest, score)


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


def _one_row_down(array: Array) -> Array:
    return jnp.concatenate([jnp.zeros_like(array[:1]), array[:-1]])
