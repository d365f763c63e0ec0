"""Apply a function of one batch size to any number of targets."""

from collections.abc import Callable
from typing import TypeVar

import jax
import numpy as np
from jaxtyping import UInt8

Result = TypeVar("Result", bound=tuple)


def in_batches(
    decode_batch: Callable[[np.ndarray], Result],
    targets: UInt8[np.ndarray, "rows target_length"],
    batch_size: int,
) -> Result:
    """Apply a jitted function to batches of one size, so that it is compiled once.

    Args:
      decode_batch: takes target tokens, and returns a tuple of arrays with a row per
        target.
      targets: target tokens; there may be no rows.
      batch_size: rows at a time. A smaller number of targets is padded to the next
        power of two.

    Returns:
      The same tuple of NumPy arrays, with a row per target, in order.
    """
    rows = len(targets)
    batch_size = min(batch_size, 1 << max(rows - 1, 0).bit_length())
    if not rows:
        shapes = jax.eval_shape(decode_batch, np.zeros((1, targets.shape[1]), np.uint8))
        return jax.tree.map(lambda x: np.zeros((0, *x.shape[1:]), x.dtype), shapes)
    filled = np.pad(targets, ((0, -rows % batch_size), (0, 0)))
    # Dispatch all batches before reading one, so that the device never waits.
    batches = [
        decode_batch(filled[start : start + batch_size])
        for start in range(0, rows, batch_size)
    ]
    return jax.tree.map(
        lambda *parts: np.concatenate([np.asarray(part) for part in parts])[:rows],
        *batches,
    )
