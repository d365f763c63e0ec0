"""miTAR: a convolution and a bidirectional LSTM classify miRNA–target pairs.

References:
  Gu et al. 2021, BMC Bioinformatics, doi 10.1186/s12859-021-04026-6; sizes are those of
  the published code, which has 110,970 parameters.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, UInt8

from mirjax.models.dropout import dropped, dropped_maximum
from mirjax.models.layers import LSTM, WindowConv, bidirectional, reverse_padded
from mirjax.models.validation import check_rates, check_sizes

NUM_CODES = 5  # PAD, A, U, C, G
_POOL = 2  # windows


class Mitar(nn.Module):
    """Score whether a miRNA binds a target site; a `Classifier`.

    Inputs are 5'→3'. The published model was trained on miRNAs 3'→5', padded to 26,
    followed by the target: this module reverses and joins them. The output depends on
    padding, so `length` must not change after training.
    """

    length: int = 79  # nt: the miRNA's 26 and the target's; 66 for the miRAW variant
    embedding_features: int = 5  # of a letter
    embedding_limit: float = 0.05  # initial values: uniform within ± this
    conv_features: int = 320  # filters of the convolution
    conv_width: int = 12  # nt
    lstm_features: int = 32  # hidden units in each direction
    dense_features: int = 16  # units of the last hidden layer
    dropout: float | Array = 0.2  # rate, after each layer; may be traced
    max_mirna_length: int = 26  # nt

    def __post_init__(self) -> None:
        """Raise a ValueError for invalid sizes."""
        check_sizes(
            self,
            (
                "embedding_features",
                "conv_features",
                "conv_width",
                "lstm_features",
                "dense_features",
                "max_mirna_length",
            ),
        )
        check_rates(self, ("dropout",))
        shortest = max(self.max_mirna_length, self.conv_width + _POOL - 2) + 1
        if not self.embedding_limit > 0.0:
            raise ValueError(f"mitar: {self.embedding_limit=} must be above 0")
        if self.length < shortest:
            raise ValueError(f"mitar: length={self.length} is below {shortest}")
        super().__post_init__()

    @property
    def reads_unknown_letters(self) -> bool:
        """True: the published code reads N as its padding, code 0."""
        return True

    @property
    def min_target_length(self) -> int:
        """The shortest target, in nt."""
        return 1

    @property
    def max_target_length(self) -> int:
        """The longest target that fits beside the miRNA, in nt."""
        return self.length - self.max_mirna_length

    def example_inputs(self) -> tuple[Array, Array]:
        """Return inputs of one row, for `init`."""
        return (
            jnp.zeros((1, self.max_mirna_length), jnp.uint8),
            jnp.zeros((1, self.max_target_length), jnp.uint8),
        )

    @nn.compact
    def __call__(
        self,
        mirnas: UInt8[Array, "batch mirna_length"],
        targets: UInt8[Array, "batch target_length"],
        *,
        train: bool = False,
    ) -> Float[Array, " batch"]:
        """Score pairs; see `Classifier`.

        Both must be padded to their full lengths.
        """
        rate, glorot = self.dropout, nn.initializers.glorot_uniform()
        tokens = jnp.concatenate([reverse_padded(mirnas), targets], axis=1)
        letters = jax.nn.one_hot(tokens.T, NUM_CODES, axis=0)
        embedding = self.param(
            "embedding",
            lambda key, shape: (
                jax.random.uniform(key, shape, minval=-1.0) * self.embedding_limit
            ),
            (NUM_CODES, self.embedding_features),
        )
        embedding = jnp.asarray(embedding)  # parameters may be NumPy's
        conv = WindowConv(self.conv_features, self.conv_width, name="conv")
        # Even and odd windows are computed separately: pooling is then an elementwise
        # maximum.
        pooled = (self.length - self.conv_width + 1) // _POOL
        span = self.conv_width + (pooled - 1) * _POOL
        first, second = (
            nn.relu(conv(letters[:, i : i + span], embedding=embedding, stride=_POOL))
            for i in range(_POOL)
        )
        features = (
            dropped_maximum(first, second, rate, self.make_rng("dropout"))
            if train
            else jnp.maximum(first, second)
        )
        hidden = bidirectional(
            LSTM(self.lstm_features, activation="relu", name="forward_lstm"),
            LSTM(self.lstm_features, activation="relu", name="backward_lstm"),
            features,
        ).T
        if train:
            hidden = dropped(hidden, rate, self.make_rng("dropout"))
        hidden = nn.Dense(self.dense_features, kernel_init=glorot, name="hidden_dense")(
            hidden
        )
        hidden = nn.relu(hidden)
        if train:
            hidden = dropped(hidden, rate, self.make_rng("dropout"))
        return nn.Dense(1, kernel_init=glorot, name="output_dense")(hidden)[:, 0]
