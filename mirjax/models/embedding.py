"""k-mer embedding of letters, and sinusoidal positions.

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
    """Return a code of each position: sines in the first half, cosines in the second.

    Args:
      length: number of positions, from 0.
      features: an even number; wavelengths grow from 2π to 10,000 times that.

    >>> sinusoidal_positions(1, 4)
    array([[0., 0., 1., 1.]], dtype=float32)
    """
    half = features // 2
    rates = np.exp(-math.log(10_000.0) * np.arange(half) / half)
    angles = np.arange(length)[:, None] * rates
    return np.concatenate([np.sin(angles), np.cos(angles)], axis=1).astype(np.float32)


def windows_of(
    tokens: UInt8[Array, "rows time"], width: int
) -> UInt8[Array, "rows time width"]:
    """Return each token with those before it, the nearest first.

    Args:
      tokens: rows of tokens; PAD precedes the first of a row.
      width: tokens of a window.

    >>> windows_of(jnp.array([[1, 2, 3]], jnp.uint8), 2).tolist()
    [[[1, 0], [2, 1], [3, 2]]]
    """
    time = tokens.shape[1]
    before = jnp.pad(tokens, ((0, 0), (width - 1, 0)))
    shifted = [before[:, width - 1 - k : width - 1 - k + time] for k in range(width)]
    return jnp.stack(shifted, axis=-1)


class WindowEmbedding(nn.Module):
    """Embeds windows of letters: the sum of an embedding per letter and position.

    So the next layer can learn which letter follows which k-mer. PAD embeds as
    zeros.
    """

    features: int = 128  # of an embedding
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
