"""Multi-head attention, the layers made of it, and sinusoidal positions.

References:
  Vaswani et al. 2017, arXiv 1706.03762 (attention, positions).
  Xiong et al. 2020, arXiv 2002.04745 (normalising before each block, not after).
"""

import math
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from mirjax.models.dropout import dropped

# A score that no softmax lets through, yet not infinite: a row of nothing but padding,
# such as fills up a batch, has no NaN.
_HIDDEN = float(jnp.finfo(jnp.float32).min) / 2


class KeyValues(NamedTuple):
    """What attention looks at.

    Attributes:
      keys: [rows, letters, heads, width].
      values: of the same shape.
    """

    keys: Float[Array, "rows letters heads width"]
    values: Float[Array, "rows letters heads width"]


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


class Attention(nn.Module):
    """Scaled dot-product attention of several heads."""

    heads: int = 4  # each of features / heads
    dtype: str = "float32"  # of the products; the softmax is in float32

    @nn.compact
    def __call__(
        self,
        queries_RTD: Float[Array, "rows time features"],
        seen: KeyValues,
        mask: Bool[Array, "#groups #time letters"],
    ) -> tuple[
        Float[Array, "rows time features"], Float[Array, "groups heads time letters"]
    ]:
        """Attend.

        Args:
          queries_RTD: what looks.
          seen: what is looked at, of as many rows, or of fewer: then each row of it is
            looked at by equally many rows, one after the other.
          mask: which letters may be seen; by each query, or one mask for all.

        Returns:
          What the queries see, and the weights in float32, where the queries of rows
          that look at the same are joined.
        """
        rows, time, features = queries_RTD.shape
        width = features // self.heads
        groups = len(seen.keys)
        q_GTHK = self._projection("query", features)(queries_RTD).reshape(
            groups, rows // groups * time, self.heads, width
        )
        scores_GHTS = jnp.einsum(
            "gthk,gshk->ghts", q_GTHK, seen.keys, preferred_element_type=jnp.float32
        ) / math.sqrt(width)
        weights_GHTS = jax.nn.softmax(
            jnp.where(mask[:, None], scores_GHTS, _HIDDEN), axis=-1
        )
        heads_GTHK = jnp.einsum(
            "ghts,gshk->gthk", weights_GHTS.astype(seen.values.dtype), seen.values
        )
        seen_RTD = heads_GTHK.reshape(rows, time, features)
        return self._projection("output", features)(seen_RTD), weights_GHTS

    @nn.nowrap
    def _projection(self, name: str, features: int) -> nn.Dense:
        return nn.Dense(features, dtype=self.dtype, name=name)


class Memory(nn.Module):
    """The keys and values of what is looked at."""

    heads: int = 4
    dtype: str = "float32"

    @nn.compact
    def __call__(self, x_RSD: Float[Array, "rows letters features"]) -> KeyValues:
        """Project; see `KeyValues`."""
        *rows_and_letters, features = x_RSD.shape
        shape = (*rows_and_letters, self.heads, features // self.heads)
        return KeyValues(
            nn.Dense(features, dtype=self.dtype, name="key")(x_RSD).reshape(shape),
            nn.Dense(features, dtype=self.dtype, name="value")(x_RSD).reshape(shape),
        )


class FeedForward(nn.Module):
    """Two dense layers with a ReLU between, on each letter alone."""

    hidden_features: int = 512
    dtype: str = "float32"

    @nn.compact
    def __call__(
        self, x_RTD: Float[Array, "rows time features"]
    ) -> Float[Array, "rows time features"]:
        """Apply the layers."""
        hidden = nn.Dense(self.hidden_features, dtype=self.dtype, name="hidden")(x_RTD)
        output = nn.Dense(x_RTD.shape[-1], dtype=self.dtype, name="output")
        return output(nn.relu(hidden))


class Residual(nn.Module):
    """Adds what a block gives to what it was given, after dropout."""

    rate: float | Array = 0.0  # share dropped in training; may be traced

    @nn.compact
    def __call__(self, x: Array, change: Array, *, train: bool) -> Array:
        """Return the sum."""
        if train and not (isinstance(self.rate, float) and self.rate == 0.0):
            change = dropped(change, self.rate, self.make_rng("dropout"))
        return x + change  # in float32, whatever the blocks compute in


class EncoderLayer(nn.Module):
    """Attention among the target's letters, then dense layers."""

    heads: int = 4
    hidden_features: int = 512
    dropout: float | Array = 0.0
    dtype: str = "float32"

    @nn.compact
    def __call__(
        self,
        x_RSD: Float[Array, "rows letters features"],
        mask: Bool[Array, "rows 1 letters"],
        *,
        train: bool,
    ) -> Float[Array, "rows letters features"]:
        """Apply the layer; `mask` says which letters may be seen."""
        normed = nn.LayerNorm(name="self_norm")(x_RSD)
        seen = Memory(self.heads, self.dtype, name="self_memory")(normed)
        attention = Attention(self.heads, self.dtype, name="self_attention")
        change, _ = attention(normed, seen, mask)
        x_RSD = Residual(self.dropout)(x_RSD, change, train=train)
        normed = nn.LayerNorm(name="feed_forward_norm")(x_RSD)
        feed_forward = FeedForward(
            self.hidden_features, self.dtype, name="feed_forward"
        )
        return Residual(self.dropout)(x_RSD, feed_forward(normed), train=train)


class DecoderLayer(nn.Module):
    """Attention among the letters so far, to the target, then dense layers."""

    heads: int = 4
    hidden_features: int = 512
    dropout: float | Array = 0.0
    dtype: str = "float32"

    def setup(self) -> None:
        """Make the blocks."""
        self.self_norm = nn.LayerNorm()
        self.self_memory = Memory(self.heads, self.dtype)
        self.self_attention = Attention(self.heads, self.dtype)
        self.source_norm = nn.LayerNorm()
        self.source_memory = Memory(self.heads, self.dtype)
        self.source_attention = Attention(self.heads, self.dtype)
        self.feed_forward_norm = nn.LayerNorm()
        self.feed_forward = FeedForward(self.hidden_features, self.dtype)
        self.residual = Residual(self.dropout)

    def remember(self, x_RTD: Float[Array, "rows time features"]) -> KeyValues:
        """Return what later letters see of these."""
        return self.self_memory(self.self_norm(x_RTD))

    def look_up(self, source_RSD: Float[Array, "rows letters features"]) -> KeyValues:
        """Return what letters see of the target."""
        return self.source_memory(source_RSD)

    def __call__(
        self,
        x_RTD: Float[Array, "rows time features"],
        letters: KeyValues,
        letters_mask: Bool[Array, "1 #time seen"],
        source: KeyValues,
        real: Bool[Array, "targets target_length"],
        *,
        train: bool = False,
    ) -> tuple[
        Float[Array, "rows time features"], Float[Array, "targets heads times letters"]
    ]:
        """Apply the layer.

        Returns:
          The letters' new features, and the weights of the attention to the target.
        """
        change, _ = self.self_attention(self.self_norm(x_RTD), letters, letters_mask)
        x_RTD = self.residual(x_RTD, change, train=train)
        change, weights = self.source_attention(
            self.source_norm(x_RTD), source, real[:, None]
        )
        x_RTD = self.residual(x_RTD, change, train=train)
        change = self.feed_forward(self.feed_forward_norm(x_RTD))
        return self.residual(x_RTD, change, train=train), weights
