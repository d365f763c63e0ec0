"""Multi-head attention, and the encoder and decoder layers built from it.

Suffixes name the axes of an array: R rows, T time steps of the queries, S letters of
the keys, H heads, K features of a head, D features, G rows of the keys.

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

# The score of a masked letter, whose weight becomes 0. It is finite, since the softmax
# of a row of infinities, such as a padding row of a batch, is NaN.
_MASKED_SCORE = float(jnp.finfo(jnp.float32).min) / 2


class KeyValues(NamedTuple):
    """Keys and values of some letters; "width" is the number of features of a head."""

    keys: Float[Array, "rows letters heads width"]
    values: Float[Array, "rows letters heads width"]


class Context(NamedTuple):
    """The letters that queries attend to.

    Attributes:
      key_values: of the letters; their rows are the "groups" below.
      mask: whether each query may attend to each letter. An axis of size 1 is broadcast
        over all groups or all steps.
    """

    key_values: KeyValues
    mask: Bool[Array, "#groups #steps letters"]


def attend(
    q_GTHK: Float[Array, "groups time heads width"], context: Context
) -> tuple[
    Float[Array, "groups time heads width"], Float[Array, "groups heads time letters"]
]:
    """Return scaled dot-product attention of each head, and its weights in float32.

    Args:
      q_GTHK: the queries.
      context: letters in as many rows.
    """
    keys, values = context.key_values
    scores_GHTS = jnp.einsum(
        "gthk,gshk->ghts", q_GTHK, keys, preferred_element_type=jnp.float32
    ) / math.sqrt(q_GTHK.shape[-1])
    weights_GHTS = jax.nn.softmax(
        jnp.where(context.mask[:, None], scores_GHTS, _MASKED_SCORE), axis=-1
    )
    heads_GTHK = jnp.einsum(
        "ghts,gshk->gthk", weights_GHTS.astype(values.dtype), values
    )
    return heads_GTHK, weights_GHTS


def _along_paths(
    x_RNHK: Float[Array, "rows nodes heads width"], tree: PrefixTree
) -> Float[Array, "rows_and_mirnas time heads width"]:
    """Gather the nodes of each path of a tree: a row per row and miRNA."""
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
        context: Context,
        tree: PrefixTree | None = None,
    ) -> tuple[
        Float[Array, "new_rows time features"],
        Float[Array, "groups heads joined letters"],
    ]:
        """Attend.

        Queries and context may differ in rows. If the context has fewer, each of its
        rows is used for equally many adjacent rows of queries. If it has more, there
        must be one row of queries, which attends to each row of the context.

        Args:
          queries_RTD: features of the letters that attend.
          context: the letters that they attend to.
          tree: given if the letters of both are the nodes of a tree: each node then
            attends to the nodes before it on its path, and the mask is that of the
            steps of a path.

        Returns:
          New features of the queries, in as many rows as the larger of the two, and
          the weights in float32: queries of the rows that share a row of the context
          are joined along one axis.
        """
        rows, time, features = queries_RTD.shape
        keys = context.key_values.keys
        groups = len(keys)
        q_RTD = self._projection("query", features)(queries_RTD)
        if rows < groups:
            rows = groups
            q_RTD = jnp.broadcast_to(q_RTD, (rows, time, features))
        q_GTHK = q_RTD.reshape(groups, rows // groups * time, *keys.shape[2:])
        if tree is None:
            heads_GTHK, weights_GHTS = attend(q_GTHK, context)
        else:
            along_q, *along = [
                _along_paths(x, tree) for x in (q_GTHK, *context.key_values)
            ]
            heads, weights_GHTS = attend(
                along_q, Context(KeyValues(*along), context.mask)
            )
            heads_GTHK = heads.reshape(groups, -1, *heads.shape[2:])[:, tree.places]
        joined_RTD = heads_GTHK.reshape(rows, time, features)
        return self._projection("output", features)(joined_RTD), weights_GHTS

    @nn.nowrap
    def _projection(self, name: str, features: int) -> nn.Dense:
        return nn.Dense(features, dtype=self.dtype, name=name)


class Memory(nn.Module):
    """Projects features to the keys and values that queries attend to."""

    heads: int = 4  # each of features / heads
    dtype: str = "float32"  # of the products

    @nn.compact
    def __call__(self, x_RSD: Float[Array, "rows letters features"]) -> KeyValues:
        """Return the keys and values of letters."""
        *rows_and_letters, features = x_RSD.shape
        shape = (*rows_and_letters, self.heads, features // self.heads)
        return KeyValues(
            nn.Dense(features, dtype=self.dtype, name="key")(x_RSD).reshape(shape),
            nn.Dense(features, dtype=self.dtype, name="value")(x_RSD).reshape(shape),
        )


class FeedForward(nn.Module):
    """Two dense layers with a ReLU between them, applied to each letter."""

    hidden_features: int = 512  # units between the two
    dtype: str = "float32"  # of the products

    @nn.compact
    def __call__(
        self, x_RTD: Float[Array, "rows time features"]
    ) -> Float[Array, "rows time features"]:
        """Apply the layers."""
        hidden = nn.Dense(self.hidden_features, dtype=self.dtype, name="hidden")(x_RTD)
        output = nn.Dense(x_RTD.shape[-1], dtype=self.dtype, name="output")
        return output(nn.relu(hidden))


class Residual(nn.Module):
    """A residual connection: adds the output of a block to its input, with dropout."""

    rate: float | Array = 0.0  # dropout rate in training; may be traced

    @nn.compact
    def __call__(
        self,
        x: Float[Array, "#rows time features"],
        change: Float[Array, "rows time features"],
        *,
        train: bool,
    ) -> Float[Array, "rows time features"]:
        """Return the sum, in float32 whatever the type of the block's output.

        Args:
          x: input of the block; one row is broadcast to all.
          change: output of the block.
          train: apply dropout, from the rng stream "dropout".
        """
        if train and not (isinstance(self.rate, float) and self.rate == 0.0):
            change = dropped(change, self.rate, self.make_rng("dropout"))
        return x + change


class EncoderLayer(nn.Module):
    """Self-attention among the letters of a target, then a feed-forward block."""

    heads: int = 4  # of the attention
    hidden_features: int = 512  # of the feed-forward block
    dropout: float | Array = 0.0  # rate after each block; may be traced
    dtype: str = "float32"  # of the products

    @nn.compact
    def __call__(
        self,
        x_RSD: Float[Array, "rows letters features"],
        mask: Bool[Array, "rows 1 letters"],
        *,
        train: bool,
    ) -> Float[Array, "rows letters features"]:
        """Apply the layer.

        Args:
          x_RSD: features of the letters.
          mask: which letters are not padding.
          train: apply dropout, from the rng stream "dropout".
        """
        normed = nn.LayerNorm(name="self_norm")(x_RSD)
        key_values = Memory(self.heads, self.dtype, name="self_memory")(normed)
        attention = Attention(self.heads, self.dtype, name="self_attention")
        change, _ = attention(normed, Context(key_values, mask))
        x_RSD = Residual(self.dropout)(x_RSD, change, train=train)
        normed = nn.LayerNorm(name="feed_forward_norm")(x_RSD)
        feed_forward = FeedForward(
            self.hidden_features, self.dtype, name="feed_forward"
        )
        return Residual(self.dropout)(x_RSD, feed_forward(normed), train=train)


class DecoderLayer(nn.Module):
    """Causal self-attention, attention to the target, then a feed-forward block."""

    heads: int = 4  # of both attentions
    hidden_features: int = 512  # of the feed-forward block
    dropout: float | Array = 0.0  # rate after each block; may be traced
    dtype: str = "float32"  # of the products

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
        """Return the keys and values of decoded letters, for later letters."""
        return self.self_memory(self.self_norm(x_RTD))

    def cross_key_values(
        self, source_RSD: Float[Array, "rows letters features"]
    ) -> KeyValues:
        """Return the keys and values of target letters, for decoded letters."""
        return self.source_memory(source_RSD)

    def __call__(
        self,
        x_RTD: Float[Array, "rows time features"],
        decoded: Context,
        target: Context,
        *,
        tree: PrefixTree | None = None,
        train: bool = False,
    ) -> tuple[
        Float[Array, "new_rows time features"],
        Float[Array, "targets heads joined letters"],
    ]:
        """Apply the layer.

        Args:
          x_RTD: features of decoded letters; one row, shared by all targets, becomes a
            row per target.
          decoded: decoded letters; see `self_key_values`.
          target: letters of the targets; see `cross_key_values`.
          tree: given if the decoded letters are its nodes; see `Attention`.
          train: apply dropout, from the rng stream "dropout".

        Returns:
          New features of the letters, and the weights of the attention to the target;
          see `Attention`.
        """
        change, _ = self.self_attention(self.self_norm(x_RTD), decoded, tree)
        x_RTD = self.residual(x_RTD, change, train=train)
        change, weights = self.source_attention(self.source_norm(x_RTD), target)
        x_RTD = self.residual(x_RTD, change, train=train)
        change = self.feed_forward(self.feed_forward_norm(x_RTD))
        return self.residual(x_RTD, change, train=train), weights
