"""The attention Transformer: target site in, miRNA letters out.

References:
  Vaswani et al. 2017, arXiv 1706.03762, with each block normalised before it (Xiong et
  al. 2020, arXiv 2002.04745).
"""

from typing import NamedTuple

import flax.linen as nn
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Float, Int, UInt8

from mirjax.models.attention import (
    Context,
    DecoderLayer,
    EncoderLayer,
    KeyValues,
    Residual,
)
from mirjax.models.embedding import (
    WindowEmbedding,
    sinusoidal_positions,
    windows_of,
)
from mirjax.models.layers import reverse_padded
from mirjax.models.validation import check_rates, check_sizes
from mirjax.sequences import alphabet, pairing
from mirjax.sequences.prefix_tree import PrefixTree

DTYPES = ("float32", "bfloat16")


class State(NamedTuple):
    """The state of the decoder before a letter.

    There is a row per target for the target's letters, and a whole number of rows per
    target for the decoded ones.

    Attributes:
      cross_key_values: of the target's letters, for each decoder layer.
      valid: whether each letter of the target is not padding.
      self_key_values: of the letters decoded so far, for each decoder layer; the
        positions from `step` on are empty.
      recent: the last decoded tokens, one window, the last one first.
      step: number of tokens decoded so far, BOS included.
    """

    cross_key_values: tuple[KeyValues, ...]
    valid: Bool[Array, "targets target_length"]
    self_key_values: tuple[KeyValues, ...]
    recent: UInt8[Array, "rows window"]
    step: Int[Array, ""]


class Transformer(nn.Module):
    """Predict the miRNA that binds a target site; a `Generator` with attention.

    Targets are given 5'→3', padded to any length. The encoder reads their complements
    3'→5', so that the letters opposite the miRNA's seed have the same positions in
    every site, a site that pairs well resembles its miRNA, and both use one embedding.
    """

    encoder_layers: int = 3
    decoder_layers: int = 3
    features: int = 128  # of a letter; even, and a multiple of heads
    heads: int = 4
    hidden_features: int = 512  # units of the feed-forward blocks
    window: int = 8  # letters embedded together: one and those before it
    dropout: float = 0.2  # rate, after each block and the embedding
    dtype: str = "float32"  # of the products: float32 or bfloat16
    max_target_length: int = 29  # nt
    max_mirna_length: int = 27  # nt; the decoder makes one step more, for EOS

    min_target_length = 1  # nt

    def __post_init__(self) -> None:
        """Raise a ValueError for invalid sizes."""
        check_sizes(
            self,
            (
                "encoder_layers",
                "decoder_layers",
                "heads",
                "hidden_features",
                "window",
                "max_target_length",
                "max_mirna_length",
            ),
        )
        if self.features < 2 or self.features % 2 or self.features % self.heads:
            raise ValueError(
                f"transformer: features={self.features} must be even and a multiple of "
                f"heads={self.heads}"
            )
        check_rates(self, ("dropout",))
        if self.dtype not in DTYPES:
            raise ValueError(
                f"transformer: dtype={self.dtype!r} is not one of {DTYPES}"
            )
        super().__post_init__()

    def setup(self) -> None:
        """Make the layers."""
        options = (self.heads, self.hidden_features, self.dropout, self.dtype)
        self.letter_embedding = WindowEmbedding(self.features, self.window)
        self.after_embedding = WindowEmbedding(self.features, self.window)
        self.residual = Residual(self.dropout)
        self.encoder = [EncoderLayer(*options) for _ in range(self.encoder_layers)]
        self.encoder_norm = nn.LayerNorm()
        self.decoder = [DecoderLayer(*options) for _ in range(self.decoder_layers)]
        self.decoder_norm = nn.LayerNorm()
        self.output_dense = nn.Dense(alphabet.NUM_SYMBOLS)

    def example_inputs(self) -> tuple[Array, Array]:
        """Return inputs of one row, for `init`."""
        return (
            jnp.zeros((1, self.max_target_length), jnp.uint8),
            jnp.zeros((1, self.max_mirna_length + 1), jnp.uint8),
        )

    def __call__(
        self,
        targets: UInt8[Array, "batch target_length"],
        previous: UInt8[Array, "batch time"],
        *,
        train: bool = False,
    ) -> Float[Array, "batch time 6"]:
        """Score every next letter, in float32; see `Generator`."""
        state = self.encode(targets, steps=0, train=train)
        logits, _ = self._read(state, previous, train)
        return logits

    def encode(
        self,
        targets: UInt8[Array, "batch target_length"],
        *,
        steps: int | None = None,
        train: bool = False,
    ) -> State:
        """Read targets; see `Generator`."""
        steps = self.max_mirna_length + 1 if steps is None else steps
        tokens = reverse_padded(targets)
        valid = tokens != alphabet.PAD
        facing = jnp.asarray(pairing.COMPLEMENT)[tokens]
        after = windows_of(facing[:, ::-1], self.window)[:, ::-1]
        x_BSD = self._embed(
            windows_of(facing, self.window), np.arange(tokens.shape[1]), after, train
        )
        for layer in self.encoder:
            x_BSD = layer(x_BSD, valid[:, None], train=train)
        x_BSD = self.encoder_norm(x_BSD)
        cross = tuple(layer.cross_key_values(x_BSD) for layer in self.decoder)
        empty = jnp.zeros((len(targets), steps, *cross[0].keys.shape[2:]), self.dtype)
        return State(
            cross_key_values=cross,
            valid=valid,
            self_key_values=tuple(KeyValues(empty, empty) for _ in self.decoder),
            recent=jnp.zeros((len(targets), self.window), jnp.uint8),
            step=jnp.int32(0),
        )

    def read_tree(
        self, state: State, tree: PrefixTree
    ) -> Float[Array, "targets nodes 6"]:
        """Score every next letter after every prefix; see `Generator`.

        Values that do not depend on the target are computed once for all targets.
        """
        windows = tree.windows(self.window)[None]
        x_RND = self._embed(windows, tree.depths)
        causal = jnp.tri(tree.paths.shape[1], dtype=bool)[None]
        for layer, target in zip(self.decoder, _targets(state), strict=True):
            decoded = Context(layer.self_key_values(x_RND), causal)
            x_RND, _ = layer(x_RND, decoded, target, tree=tree)
        return self.output_dense(self.decoder_norm(x_RND))

    def attention_weights(
        self,
        targets: UInt8[Array, "batch target_length"],
        previous: UInt8[Array, "batch time"],
    ) -> Float[Array, "layers batch heads time target_length"]:
        """Return the weight of each target letter; see `AttentionGenerator`."""
        state = self.encode(targets, steps=0)
        _, weights = self._read(state, previous, train=False)
        # The encoder reversed the letters, so the weights of each row are reversed
        # back.
        positions = jnp.arange(targets.shape[1])[None]
        sizes = jnp.sum(targets != alphabet.PAD, axis=1)[:, None]
        source = jnp.where(positions < sizes, sizes - 1 - positions, positions)
        return jnp.take_along_axis(
            jnp.stack(weights), source[None, :, None, None], axis=-1
        )

    def _read(
        self, state: State, previous: UInt8[Array, "rows time"], train: bool
    ) -> tuple[Float[Array, "rows time 6"], list[Array]]:
        """Return the logits of all steps, and each layer's attention to the target."""
        causal = jnp.tri(previous.shape[1], dtype=bool)[None]
        x_RTD = self._embed(
            windows_of(previous, self.window),
            np.arange(previous.shape[1]),
            train=train,
        )
        weights = []
        for layer, target in zip(self.decoder, _targets(state), strict=True):
            decoded = Context(layer.self_key_values(x_RTD), causal)
            x_RTD, layer_weights = layer(x_RTD, decoded, target, train=train)
            weights.append(layer_weights)
        return self.output_dense(self.decoder_norm(x_RTD)), weights

    def decode_step(
        self, state: State, previous: UInt8[Array, " rows"]
    ) -> tuple[State, Float[Array, "rows 6"]]:
        """Advance the decoder by one letter; see `Generator`."""
        step = state.step
        recent = jnp.roll(state.recent, 1, axis=1).at[:, 0].set(previous)
        x_RTD = self._embed(recent[:, None], step[None])
        written = jnp.arange(state.self_key_values[0].keys.shape[1]) <= step
        all_key_values = []
        for layer, target, before in zip(
            self.decoder, _targets(state), state.self_key_values, strict=True
        ):
            of_letter = layer.self_key_values(x_RTD)
            key_values = KeyValues(
                *(
                    lax.dynamic_update_slice_in_dim(old, new, step, axis=1)
                    for old, new in zip(before, of_letter, strict=True)
                )
            )
            x_RTD, _ = layer(x_RTD, Context(key_values, written[None, None]), target)
            all_key_values.append(key_values)
        logits = self.output_dense(self.decoder_norm(x_RTD))[:, 0]
        state = state._replace(
            self_key_values=tuple(all_key_values), recent=recent, step=step + 1
        )
        return state, logits

    def gather_state(self, state: State, rows: Int[Array, " new_rows"]) -> State:
        """Return the state of the given rows; see `Generator`."""
        gathered = tuple(
            KeyValues(*(x[rows] for x in key_values))
            for key_values in state.self_key_values
        )
        return state._replace(self_key_values=gathered, recent=state.recent[rows])

    def _embed(
        self,
        windows: UInt8[Array, "rows time window"],
        positions: Int[Array | np.ndarray, " time"],
        after: UInt8[Array, "rows time window"] | None = None,
        train: bool = False,
    ) -> Float[Array, "rows time features"]:
        """Embed letters with those before them and, if given, with those after them."""
        x = self.letter_embedding(windows)
        if after is not None:
            x = x + self.after_embedding(after)
        longest = max(self.max_target_length, self.max_mirna_length + 1)
        code = jnp.asarray(sinusoidal_positions(longest, self.features))
        x = x + code[positions][None]
        return self.residual(jnp.zeros_like(x), x, train=train)


def _targets(state: State) -> list[Context]:
    """Return the letters of the targets that each decoder layer attends to."""
    mask = state.valid[:, None]
    return [Context(key_values, mask) for key_values in state.cross_key_values]
