"""Multi-head attention, and the layers made of it.

References:
  Vaswani et al. 2017, arXiv 1706.03762 (attention).
  Xiong et al. 2020, arXiv 2002.04745 (normalising before each block, not after).
"""

import math
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from mirjax.models.dropout import dropped
from mirjax.sequences.prefix_tree import PrefixTree

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


def attend(
    q_GTHK: Float[Array, "groups time heads width"],
    seen: KeyValues,
    mask: Bool[Array, "#groups #time letters"],
) -> tuple[
    Float[Array, "groups time heads width"], Float[Array, "groups heads time letters"]
]:
    """Return what each head of each query sees, and its weights in float32."""
    scores_GHTS = jnp.einsum(
        "gthk,gshk->ghts", q_GTHK, seen.keys, preferred_element_type=jnp.float32
    ) / math.sqrt(q_GTHK.shape[-1])
    weights_GHTS = jax.nn.softmax(
        jnp.where(mask[:, None], scores_GHTS, _HIDDEN), axis=-1
    )
    heads_GTHK = jnp.einsum(
        "ghts,gshk->gthk", weights_GHTS.astype(seen.values.dtype), seen.values
    )
    return heads_GTHK, weights_GHTS


def _along(
    x_RNHK: Float[Array, "rows nodes heads width"], tree: PrefixTree
) -> Float[Array, "rows_and_mirnas time heads width"]:
    """Lay the nodes of a tree out along its paths."""
    along = x_RNHK[:, tree.paths]
    return along.reshape(-1, *along.shape[2:])


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
        tree: PrefixTree | None = None,
    ) -> tuple[
        Float[Array, "new_rows time features"],
        Float[Array, "groups heads time letters"],
    ]:
        """Attend.

        Args:
          queries_RTD: what looks.
          seen: what is looked at, of as many rows; or of fewer: then each row of it is
            looked at by equally many rows, one after the other; or of more: then one
            row of queries looks at each.
          mask: which letters may be seen; by each query, or one mask for all.
          tree: given if the queries and what is seen are its nodes: each looks at those
            before it on its path alone, and the mask is of the steps of a path.

        Returns:
          What the queries see, and the weights in float32, where the queries of rows
          that look at the same are joined.
        """
        rows, time, features = queries_RTD.shape
        groups = len(seen.keys)
        q_RTD = self._projection("query", features)(queries_RTD)
        if rows < groups:
            rows = groups
            q_RTD = jnp.broadcast_to(q_RTD, (rows, time, features))
        q_GTHK = q_RTD.reshape(groups, rows // groups * time, *seen.keys.shape[2:])
        if tree is None:
            heads_GTHK, weights_GHTS = attend(q_GTHK, seen, mask)
        else:
            along = [_along(x, tree) for x in (q_GTHK, *seen)]
            heads, weights_GHTS = attend(along[0], KeyValues(*along[1:]), mask)
            heads_GTHK = heads.reshape(groups, -1, *heads.shape[2:])[:, tree.places]
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

    def self_key_values(self, x_RTD: Float[Array, "rows time features"]) -> KeyValues:
        """Return what later letters see of these."""
        return self.self_memory(self.self_norm(x_RTD))

    def cross_key_values(
        self, source_RSD: Float[Array, "rows letters features"]
    ) -> KeyValues:
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
        tree: PrefixTree | None = None,
        train: bool = False,
    ) -> tuple[
        Float[Array, "new_rows time features"],
        Float[Array, "targets heads times letters"],
    ]:
        """Apply the layer.

        Args:
          x_RTD: the letters; one row that all targets share becomes a row a target.
          letters: what they see of each other; see `self_key_values`.
          letters_mask: which of those; see `Attention` for this and the tree.
          source: what they see of the targets; see `cross_key_values`.
          real: which of the targets' letters are no padding.
          tree: given if the letters are its nodes.
          train: apply dropout.

        Returns:
          The letters' new features, and the weights of the attention to the target.
        """
        change, _ = self.self_attention(
            self.self_norm(x_RTD), letters, letters_mask, tree
        )
        x_RTD = self.residual(x_RTD, change, train=train)
        change, weights = self.source_attention(
            self.source_norm(x_RTD), source, real[:, None]
        )
        x_RTD = self.residual(x_RTD, change, train=train)
        change = self.feed_forward(self.feed_forward_norm(x_RTD))
        return self.residual(x_RTD, change, train=train), weights
