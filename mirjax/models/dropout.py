"""Dropout with a rate that may be traced, and dropout around pooling in one draw.

References:
  Srivastava et al. 2014, JMLR 15:1929 (dropout).
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

_LEVELS = 1 << 16  # values of a draw of 16 bits


def dropped(
    x: Float[Array, "*shape"],
    rate: Float[Array, ""] | float,
    key: Key[Array, ""],
) -> Float[Array, "*shape"]:
    """Set values to zero at random, and scale up the others to keep the mean.

    Args:
      x: the values.
      rate: probability of a zero, 0 to below 1. With a traced rate, runs of different
        rates share one program.
      key: random key.
    """
    keep = 1.0 - rate
    return jnp.where(jax.random.bernoulli(key, keep, x.shape), x / keep, 0.0)


def dropped_maximum(
    first: Float[Array, "features windows batch"],
    second: Float[Array, "features windows batch"],
    rate: Float[Array, ""] | float,
    key: Key[Array, ""],
) -> Float[Array, "features windows batch"]:
    """Apply dropout before and after taking the larger of two values.

    The result is distributed as `dropped(maximum(dropped(first), dropped(second)))`,
    for values of 0 or above. One draw of 16 bits decides all three, instead of 32 bits
    for each, since random numbers are most of the cost of dropout on a CPU.

    Args:
      first: one value of each pair, 0 or above.
      second: the other value, 0 or above.
      rate: of each dropout, 0 to below 1; accurate to 1/65,536.
      key: random key.
    """
    features, *others = first.shape
    pairs_of_bits = jax.random.bits(key, (-(-features // 2), *others), jnp.uint32)
    halves = [pairs_of_bits & (_LEVELS - 1), pairs_of_bits >> 16]
    draws = jnp.concatenate(halves)[:features].astype(jnp.float32) / _LEVELS
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
