"""The CNN-LSTM encoder-decoder: target site in, miRNA letters out.

References:
  Chakraborty & Hasija 2019, IEEE/ACM TCBB, document 8807144; sizes are those of the
  published code, which has 2,650,246 parameters.
"""

import functools

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, UInt8

from mirjax.models.layers import LSTM, WindowConv, reverse_padded
from mirjax.models.recurrence import State
from mirjax.models.validation import check_rates, check_sizes
from mirjax.sequences import alphabet
from mirjax.sequences.prefix_tree import PrefixTree


class Seq2Seq(nn.Module):
    """Predict the miRNA that binds a target site; a `Generator`.

    Targets are given 5'→3'. The published encoder was trained on 3'→5' strands, so this
    one reverses them: it reads the letters opposite the miRNA's seed first. With
    `seed_last` it reads 5'→3', so that the letters opposite the seed, with which the
    decoder starts, are read last.
    """

    conv_features: int = 128  # filters of the encoder's convolution
    conv_width: int = 8  # nt
    dense_features: int = 128  # units of the dense layer before each LSTM
    lstm_features: int = 512  # hidden units of each LSTM
    dropout: float = 0.1  # rate, of the LSTMs' inputs
    recurrent_dropout: float = 0.4  # rate, of the LSTMs' hidden units
    seed_last: bool = False  # the encoder reads targets 5'→3', padding first
    max_target_length: int = 29  # nt
    max_mirna_length: int = 27  # nt; the decoder makes one step more, for EOS

    def __post_init__(self) -> None:
        """Raise a ValueError for invalid sizes."""
        check_sizes(
            self, ("conv_features", "conv_width", "dense_features", "lstm_features")
        )
        check_rates(self, ("dropout", "recurrent_dropout"))
        if self.conv_width > self.max_target_length:
            raise ValueError(
                f"seq2seq: conv_width={self.conv_width} is more than "
                f"max_target_length={self.max_target_length}"
            )
        super().__post_init__()

    @property
    def min_target_length(self) -> int:
        """Letters of the shortest target: those of one window of the convolution."""
        return self.conv_width

    def setup(self) -> None:
        """Make the layers."""
        self.encoder_conv = WindowConv(self.conv_features, self.conv_width)
        dense = functools.partial(
            nn.Dense, kernel_init=nn.initializers.glorot_uniform()
        )
        lstm = functools.partial(
            LSTM, self.lstm_features, self.dropout, self.recurrent_dropout
        )
        self.encoder_dense = dense(self.dense_features)
        self.encoder_lstm = lstm()
        self.decoder_dense = dense(self.dense_features)
        self.decoder_lstm = lstm()
        self.output_dense = dense(alphabet.NUM_SYMBOLS)

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
        """Score every next letter; see `Generator`."""
        state = self.encode(targets, train=train)
        outputs, _ = self.decoder_lstm(
            jnp.repeat(self._embedded_letters()[:, :, None], len(previous), axis=2),
            state,
            choice=_choice(previous.T),
            train=train,
        )
        # One product for all steps, in the layout of the outputs.
        logits = self.output_dense(jnp.moveaxis(outputs, 0, -1))
        return jnp.swapaxes(logits, 0, 1)

    def read_tree(
        self, state: State, tree: PrefixTree
    ) -> Float[Array, "targets nodes 6"]:
        """Score every next letter after every prefix; see `Generator`.

        Each prefix is read once per target.
        """
        batch, before = state[0].shape[1], 1
        logits = []
        for level in tree.levels:
            rows = jnp.arange(batch)[:, None] * before + level.parents[None]
            before = len(level.tokens)
            state, of_level = self.decode_step(
                self.gather_state(state, rows.reshape(-1)),
                jnp.tile(level.tokens, batch),
            )
            logits.append(of_level.reshape(batch, before, -1))
        return jnp.concatenate(logits, axis=1)

    def encode(
        self,
        targets: UInt8[Array, "batch target_length"],
        *,
        steps: int | None = None,
        train: bool = False,
    ) -> State:
        """Read targets; see `Generator`. The state has room for any number of steps."""
        del steps
        letters = jax.nn.one_hot(
            reverse_padded(targets).astype(jnp.int32) - 1, len(alphabet.LETTERS)
        )
        if self.seed_last:
            letters = letters[:, ::-1]  # padding first: all sites end on the last step
        windows = nn.relu(self.encoder_conv(letters.T))
        features = nn.relu(self.encoder_dense(windows.T))
        _, state = self.encoder_lstm(features.T, train=train)
        return state

    def decode_step(
        self, state: State, previous: UInt8[Array, " batch"]
    ) -> tuple[State, Float[Array, "batch 6"]]:
        """Advance the decoder by one letter; see `Generator`."""
        state = self.decoder_lstm.step(
            self._embedded_letters(), _choice(previous), state
        )
        return state, self.output_dense(state[0].T)

    def gather_state(
        self, state: State, rows: Int[Array, " new_rows"]
    ) -> tuple[Float[Array, "hidden new_rows"], Float[Array, "hidden new_rows"]]:
        """Return the state of the given rows; see `Generator`."""
        h, c = state
        return h[:, rows], c[:, rows]

    def _embedded_letters(self) -> Float[Array, "features letters"]:
        """Return the input of the decoder's LSTM for each token of the alphabet."""
        # PAD is a row of zeros, as in Keras.
        symbols = jnp.eye(alphabet.VOCABULARY_SIZE)[:, 1:]
        return nn.relu(self.decoder_dense(symbols)).T


def _choice(tokens: UInt8[Array, "..."]) -> Float[Array, "letters ..."]:
    """Return one-hot tokens, along a new first axis."""
    return jax.nn.one_hot(tokens, alphabet.VOCABULARY_SIZE, axis=0)
