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
from mirjax.sequences import alphabet
from mirjax.sequences.prefix_tree import PrefixTree

DTYPES = ("float32", "bfloat16")


class State(NamedTuple):
    """What the decoder knows before a letter, of a whole number of rows a target.

    Attributes:
      sources: of each decoder layer, the target letters; a row a target.
      real: which of them are no padding.
      letters: of each decoder layer, the symbols read so far.
      recent: the last of those, the nearest first, as many as a window has.
      step: how many were read; the places after them are empty.
    """

    sources: tuple[KeyValues, ...]
    real: Bool[Array, "targets target_length"]
    letters: tuple[KeyValues, ...]
    recent: UInt8[Array, "rows window"]
    step: Int[Array, ""]


class Transformer(nn.Module):
    """Predict the miRNA that binds a target site, letter by letter.

    Targets come 5'→3'. The encoder reads them 3'→5', as the seq2seq model's does, so
    that the seed's partner has the same positions in every site, whatever its length;
    and it reads the letters that pair with theirs. So a site that pairs well looks much
    as its miRNA does, and one embedding serves both.
    """

    encoder_layers: int = 3
    decoder_layers: int = 3
    features: int = 128  # of a letter; even, and a multiple of heads
    heads: int = 4
    hidden_features: int = 512  # of the dense layers
    window: int = 8  # letters that are embedded together: one, and those before it
    dropout: float = 0.2  # share of what each block and the embedding gives
    dtype: str = "float32"  # of the products: float32 or bfloat16
    max_target_length: int = 29  # nt
    max_mirna_length: int = 27  # nt; the decoder makes one step more, for EOS

    min_target_length = 1  # nt

    def __post_init__(self) -> None:
        """Raise a ValueError for sizes that no model can have."""
        for name in (
            "encoder_layers",
            "decoder_layers",
            "heads",
            "hidden_features",
            "window",
            "max_target_length",
            "max_mirna_length",
        ):
            if getattr(self, name) < 1:
                raise ValueError(
                    f"transformer: {name}={getattr(self, name)} is below 1"
                )
        if self.features < 2 or self.features % 2 or self.features % self.heads:
            raise ValueError(
                f"transformer: features={self.features} must be even and a multiple of "
                f"heads={self.heads}"
            )
        # A sweep trains several shares at once: they are traced, and not yet known.
        share = self.dropout
        if isinstance(share, (int, float)) and not 0.0 <= share < 1.0:
            raise ValueError(f"transformer: dropout={share}: 0 to below 1")
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
        """Return inputs of one row, of the shapes that `init` needs."""
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
        """Score every next letter, teacher-forced.

        Args:
          targets: target sites, 5'→3', padded on the right, to any length.
          previous: the letters before each step: BOS, then the miRNA, 5'→3'.
          train: apply dropout, from the rng stream "dropout".

        Returns:
          Logits over A, U, C, G, BOS, EOS, in float32.
        """
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
        """Read target sites.

        Args:
          targets: 5'→3', padded on the right.
          steps: the letters that the state is to hold at most; by default as many as
            the longest miRNA takes.
          train: apply dropout.

        Returns:
          The state before the first letter, a row a target.
        """
        steps = self.max_mirna_length + 1 if steps is None else steps
        tokens = reverse_padded(targets)
        real = tokens != alphabet.PAD
        facing = jnp.asarray(alphabet.COMPLEMENT)[tokens]
        after = windows_of(facing[:, ::-1], self.window)[:, ::-1]
        x_BSD = self._embed(
            windows_of(facing, self.window), np.arange(tokens.shape[1]), after, train
        )
        for layer in self.encoder:
            x_BSD = layer(x_BSD, real[:, None], train=train)
        x_BSD = self.encoder_norm(x_BSD)
        sources = tuple(layer.cross_key_values(x_BSD) for layer in self.decoder)
        empty = jnp.zeros((len(targets), steps, *sources[0].keys.shape[2:]), self.dtype)
        letters = tuple(KeyValues(empty, empty) for _ in self.decoder)
        recent = jnp.zeros((len(targets), self.window), jnp.uint8)
        return State(sources, real, letters, recent, jnp.int32(0))

    def read_tree(
        self, state: State, tree: PrefixTree
    ) -> Float[Array, "targets nodes 6"]:
        """Score every next letter after every beginning of some miRNAs.

        Args:
          state: from `encode`.
          tree: the beginnings; what they are before they see a target is computed once
            for all targets.

        Returns:
          Logits over A, U, C, G, BOS, EOS, in float32, without dropout.
        """
        windows = tree.windows(self.window)[None]
        x_RND = self._embed(windows, tree.depths)
        causal = jnp.tri(tree.paths.shape[1], dtype=bool)[None]
        for layer, source in zip(self.decoder, state.sources, strict=True):
            x_RND, _ = layer(
                x_RND,
                layer.self_key_values(x_RND),
                causal,
                source,
                state.real,
                tree=tree,
            )
        return self.output_dense(self.decoder_norm(x_RND))

    def attention_weights(
        self,
        targets: UInt8[Array, "batch target_length"],
        previous: UInt8[Array, "batch time"],
    ) -> Float[Array, "layers batch heads time target_length"]:
        """Return how much each step of the decoder looks at each target letter.

        Args:
          targets: target sites, 5'→3', padded on the right.
          previous: the letters before each step.

        Returns:
          Weights that sum to 1 over the letters of the target, 5'→3'; 0 on padding.
        """
        state = self.encode(targets, steps=0)
        _, weights = self._read(state, previous, train=False)
        # The encoder reversed the letters; reversing twice is where they came from.
        length = targets.shape[1]
        sizes = jnp.sum(targets != alphabet.PAD, axis=1)[:, None]
        places = jnp.arange(length)[None]
        source = jnp.where(places < sizes, sizes - 1 - places, places)
        return jnp.take_along_axis(
            jnp.stack(weights), source[None, :, None, None], axis=-1
        )

    def _read(
        self, state: State, previous: UInt8[Array, "rows time"], train: bool
    ) -> tuple[Float[Array, "rows time 6"], list[Array]]:
        causal = jnp.tri(previous.shape[1], dtype=bool)[None]
        x_RTD = self._embed(
            windows_of(previous, self.window),
            np.arange(previous.shape[1]),
            train=train,
        )
        weights = []
        for layer, source in zip(self.decoder, state.sources, strict=True):
            x_RTD, layer_weights = layer(
                x_RTD,
                layer.self_key_values(x_RTD),
                causal,
                source,
                state.real,
                train=train,
            )
            weights.append(layer_weights)
        return self.output_dense(self.decoder_norm(x_RTD)), weights

    def decode_step(
        self, state: State, previous: UInt8[Array, " rows"]
    ) -> tuple[State, Float[Array, "rows 6"]]:
        """Advance the decoder by one letter, without dropout.

        Args:
          state: from `encode` or the step before, with an empty place.
          previous: the letters before this step, BOS at first.

        Returns:
          The next state, and logits over A, U, C, G, BOS, EOS.
        """
        step = state.step
        recent = jnp.roll(state.recent, 1, axis=1).at[:, 0].set(previous)
        x_RTD = self._embed(recent[:, None], step[None])
        written = jnp.arange(state.letters[0].keys.shape[1]) <= step
        remembered = []
        for layer, source, letters in zip(
            self.decoder, state.sources, state.letters, strict=True
        ):
            own = layer.self_key_values(x_RTD)
            letters = KeyValues(
                *(
                    lax.dynamic_update_slice_in_dim(old, new, step, axis=1)
                    for old, new in zip(letters, own, strict=True)
                )
            )
            x_RTD, _ = layer(x_RTD, letters, written[None, None], source, state.real)
            remembered.append(letters)
        logits = self.output_dense(self.decoder_norm(x_RTD))[:, 0]
        state = state._replace(letters=tuple(remembered), recent=recent, step=step + 1)
        return state, logits

    def gather_state(self, state: State, rows: Int[Array, " new_rows"]) -> State:
        """Return the state of chosen rows, as many for each target.

        Args:
          state: of a whole number of rows a target.
          rows: their numbers, those of the first target first; one may recur.
        """
        letters = tuple(KeyValues(*(x[rows] for x in seen)) for seen in state.letters)
        return state._replace(letters=letters, recent=state.recent[rows])

    def _embed(
        self,
        windows: UInt8[Array, "rows time window"],
        positions: Int[Array | np.ndarray, " time"],
        after: UInt8[Array, "rows time window"] | None = None,
        train: bool = False,
    ) -> Float[Array, "rows time features"]:
        """Embed letters with those before them and, given these, those after them."""
        x = self.letter_embedding(windows)
        if after is not None:
            x = x + self.after_embedding(after)
        longest = max(self.max_target_length, self.max_mirna_length + 1)
        code = jnp.asarray(sinusoidal_positions(longest, self.features))
        x = x + code[positions][None]
        return self.residual(jnp.zeros_like(x), x, train=train)
