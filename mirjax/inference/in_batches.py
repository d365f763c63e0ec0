"""Any number of targets through a function of batches of one size."""

from collections.abc import Callable
from typing import Any, TypeVar

import jax
import numpy as np
from jaxtyping import UInt8

Result = TypeVar("Result", bound=tuple)


def in_batches(
    decode_batch: Callable[[Any], Result],
    targets: UInt8[np.ndarray, "rows target_length"],
    batch_size: int,
) -> Result:
    """Apply a jitted function to batches, so that it is compiled once.

    Args:
      decode_batch: takes target tokens and gives a tuple of arrays, a row a target.
      targets: any number of rows, none too.
      batch_size: rows at a time; fewer rows are filled up to a power of two.

    Returns:
      The arrays as NumPy's, one row a target, in order.
    """
    rows = len(targets)
    batch_size = min(batch_size, 1 << max(rows - 1, 0).bit_length())
    if not rows:
        shapes = jax.eval_shape(decode_batch, np.zeros((1, targets.shape[1]), np.uint8))
        return jax.tree.map(lambda x: np.zeros((0, *x.shape[1:]), x.dtype), shapes)
    filled = np.pad(targets, ((0, -rows % batch_size), (0, 0)))
    # Dispatched all at once and read after, so that the device never waits for us.
    batches = [
        decode_batch(filled[start : start + batch_size])
        for start in range(0, rows, batch_size)
    ]
    return jax.tree.map(
        lambda *parts: np.concatenate([np.asarray(part) for part in parts])[:rows],
        *batches,
    )
