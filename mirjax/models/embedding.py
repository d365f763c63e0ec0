"""Letters as features: each with those beside it, and where it stands.

References:
  Vaswani et al. 2017, arXiv 1706.03762 (positions).
"""

import math

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, UInt8

from mirjax.sequences import alphabet


def sinusoidal_positions(
    length: int, features: int
) -> Float[np.ndarray, "length features"]:
    """Return the position code: sines in the first half, cosines in the second.

    Args:
      length: positions, from 0.
      features: an even number; wavelengths run from 2π to 10,000 times that.
    """
    half = features // 2
    rates = np.exp(-math.log(10_000.0) * np.arange(half) / half)
    angles = np.arange(length)[:, None] * rates
    return np.concatenate([np.sin(angles), np.cos(angles)], axis=1).astype(np.float32)


def windows_of(
    tokens: UInt8[Array, "rows time"], width: int
) -> UInt8[Array, "rows time width"]:
    """Return each token and those before it, the nearest first; PAD before the first.

    Args:
      tokens: any.
      width: tokens of a window.
    """
    time = tokens.shape[1]
    before = jnp.pad(tokens, ((0, 0), (width - 1, 0)))
    shifted = [before[:, width - 1 - k : width - 1 - k + time] for k in range(width)]
    return jnp.stack(shifted, axis=-1)


class WindowEmbedding(nn.Module):
    """The sum of an embedding of each letter of a window by its place.

    What follows a few letters is then a matter of one layer. PAD embeds as zeros.
    """

    features: int = 128
    width: int = 8  # letters of a window

    @nn.compact
    def __call__(
        self, windows: UInt8[Array, "rows time width"]
    ) -> Float[Array, "rows time features"]:
        """Embed windows; see `windows_of`."""
        kernel = self.param(
            "kernel",
            nn.initializers.normal(self.width**-0.5),
            (self.width * alphabet.NUM_SYMBOLS, self.features),
        )
        letters = jax.nn.one_hot(windows.astype(jnp.int32) - 1, alphabet.NUM_SYMBOLS)
        return letters.reshape(*windows.shape[:2], -1) @ kernel
