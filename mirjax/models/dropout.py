"""Dropout whose share may be traced, and dropout around a pooling from one draw.

References:
  Srivastava et al. 2014, JMLR 15:1929 (dropout).
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

_DRAWS = 1 << 16


def dropped(
    x: Float[Array, "*shape"], rate: Float[Array, ""] | float, key: Array
) -> Float[Array, "*shape"]:
    """Set a share of the values to zero, and scale up the rest to keep the mean.

    Args:
      x: the values.
      rate: the share, 0 to below 1; a traced one lets runs of several shares be one
        program.
      key: decides which.
    """
    keep = 1.0 - rate
    return jnp.where(jax.random.bernoulli(key, keep, x.shape), x / keep, 0.0)


def dropped_maximum(
    first: Float[Array, "features windows batch"],
    second: Float[Array, "features windows batch"],
    rate: Float[Array, ""] | float,
    key: Array,
) -> Float[Array, "features windows batch"]:
    """Drop values that are not negative, take the larger of each two, and drop again.

    It is distributed as `dropped(maximum(dropped(first), dropped(second)))`. One draw
    of 16 bits decides all three, where they would take 32 bits each: drawing is most
    of what dropout costs on a CPU.

    Args:
      first: one value of each pair, 0 or above.
      second: the other.
      rate: the share dropped each time, 0 to below 1; to the nearest 1/65,536.
      key: decides which.
    """
    features, *others = first.shape
    pairs_of_bits = jax.random.bits(key, (-(-features // 2), *others), jnp.uint32)
    halves = [pairs_of_bits & (_DRAWS - 1), pairs_of_bits >> 16]
    draws = jnp.concatenate(halves)[:features].astype(jnp.float32) / _DRAWS
    keep = 1.0 - rate
    both, only_one = keep**3, keep**2 * rate
    kept = jnp.where(
        draws < both,
        jnp.maximum(first, second),
        jnp.where(
            draws < both + only_one,
            first,
            jnp.where(draws < both + 2 * only_one, second, 0.0),
        ),
    )
    return kept / keep**2
