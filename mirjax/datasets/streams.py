"""Streams of training rows: groups of which an epoch visits a given number of rows.

An epoch visits all positive pairs once, together with equally many of their generated
negatives and a part of a large pool. The rows of an epoch and their order are a pure
function of (seed, epoch).
"""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int, Key, UInt8

from mirjax.datasets.batches import epoch_order
from mirjax.sequences import alphabet


class Stream(NamedTuple):
    """Adjoining rows of a training set.

    Attributes:
      rows: their number.
      per_epoch: number of rows that an epoch visits, drawn again for each epoch.
      shift: highest number of letters by which a target may be moved; see
        `shift_targets`.
    """

    rows: int
    per_epoch: int
    shift: int = 0


def whole(num_rows: int) -> tuple[Stream, ...]:
    """Return the stream of a training set whose rows are all visited in an epoch."""
    return (Stream(num_rows, num_rows),)


def rows_per_epoch(streams: Sequence[Stream]) -> int:
    """Return the number of rows that an epoch visits."""
    return sum(stream.per_epoch for stream in streams)


def draw_order(
    seed: Int[Array, ""] | int, epoch: Int[Array, ""] | int, streams: Sequence[Stream]
) -> Int[Array, " visited"]:
    """Return the rows that an epoch visits, in order.

    Args:
      seed: of the run.
      epoch: number of the epoch, from 0.
      streams: divisions of the training set, in order.

    Returns:
      Row numbers of the training set, each once at most.
    """
    if len(streams) == 1 and streams[0].per_epoch == streams[0].rows:
        return epoch_order(seed, epoch, streams[0].rows)
    key = jax.random.fold_in(jax.random.key(seed), epoch)
    parts, start = [], 0
    for number, (rows, per_epoch, _) in enumerate(streams):
        drawn = jax.random.permutation(jax.random.fold_in(key, number), rows)
        parts.append(start + drawn[:per_epoch])
        start += rows
    last = jax.random.fold_in(key, len(streams))
    return jax.random.permutation(last, jnp.concatenate(parts))


def shift_limits(
    streams: Sequence[Stream], rows: Int[Array, " rows"]
) -> Int[Array, " rows"]:
    """Return the highest number of letters by which each row's target may be moved."""
    ends = jnp.cumsum(jnp.asarray([stream.rows for stream in streams]))
    limits = jnp.asarray([stream.shift for stream in streams])
    return limits[jnp.searchsorted(ends, rows, side="right")]


def shift_targets(
    key: Key[Array, ""],
    targets: UInt8[Array, "batch target_length"],
    limits: Int[Array, " batch"],
) -> UInt8[Array, "batch target_length"]:
    """Move each target within its row by a random number of letters.

    So a model learns that a site need not be in the middle of its window. Letters moved
    out of the row are cut off, and the other end is padded.

    Args:
      key: random key.
      targets: tokens.
      limits: each row is moved by -limit to limit letters, all equally likely.
    """
    length = targets.shape[1]
    moved = jax.random.randint(key, limits.shape, -limits, limits + 1)
    source = jnp.arange(length)[None, :] - moved[:, None]
    inside = (source >= 0) & (source < length)
    letters = jnp.take_along_axis(targets, jnp.clip(source, 0, length - 1), axis=1)
    return jnp.where(inside, letters, jnp.uint8(alphabet.PAD))
