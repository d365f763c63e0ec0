"""miRBind2: a convolutional network over the map of all letter pairs.

References:
  The released code and weights, github.com/BioGeMT/miRBind_2.0 (MIT); 147,249
  parameters.
"""

from collections.abc import Sequence
from typing import cast

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, UInt8

from mirjax.models.validation import check_rates, check_sizes
from mirjax.sequences import alphabet

NUM_PAIRS = 18  # 4 × 4 letters, one that is unused, and any pair with another letter
_UNKNOWN = 17
_SLOPE = 0.1  # of the leaky ReLU below 0
# From the codes of `alphabet` to the published order A, T, C, G: theirs are alike.
_FIRST = alphabet.encode(["A"], 1)[0, 0]


class ChannelAffine(nn.Module):
    """Scale and offset of each channel: batch normalisation with fixed statistics.

    With mean m and variance v of a trained batch normalisation, `scale` is its weight
    divided by √(v + ε), and `offset` its bias minus m × `scale`.
    """

    @nn.compact
    def __call__(self, values: Float[Array, "*shape channels"]) -> Float[Array, "..."]:
        """Return values × scale + offset."""
        channels = values.shape[-1]
        scale = self.param("scale", nn.initializers.ones, (channels,))
        offset = self.param("offset", nn.initializers.zeros, (channels,))
        shape = (1,) * (values.ndim - 1) + (channels,)
        scale, offset = (jnp.reshape(each, shape) for each in (scale, offset))
        return values * scale + offset


class SquareConv(nn.Module):
    """A convolution along both sequences; a filter of even width shortens them by 1."""

    features: int
    width: int  # nt, along both sequences

    @nn.compact
    def __call__(
        self, inputs: Float[Array, "batch mirna_length target_length channels"]
    ) -> Float[Array, "batch height width {self.features}"]:
        """Return one value for each filter and position."""
        shape = (self.width, self.width, inputs.shape[-1], self.features)
        kernel = self.param("kernel", nn.initializers.lecun_normal(), shape)
        bias = self.param("bias", nn.initializers.zeros, (self.features,))
        side = (self.width - 1) // 2  # 6 → 2, 3 → 1
        padding = ((0, 0), (side, side), (side, side), (0, 0))
        return _convolve(jnp.pad(inputs, padding), jnp.asarray(kernel)) + jnp.reshape(
            bias, (1, 1, 1, -1)
        )


@jax.custom_vjp
def _convolve(
    inputs: Float[Array, "batch height width channels"],
    kernel: Float[Array, "size size channels features"],
) -> Float[Array, "batch ..."]:
    """Convolve without padding.

    The gradient of the kernel is one product for each of its rows; on a CPU XLA's
      gradient takes many times as long.
    """
    return jax.lax.conv_general_dilated(
        inputs, kernel, (1, 1), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC")
    )


def _convolve_forward(inputs: Array, kernel: Array) -> tuple[Array, tuple[Array, ...]]:
    return _convolve(inputs, kernel), (inputs, kernel)


def _convolve_backward(
    saved: tuple[Array, ...], gradient: Float[Array, "batch height width features"]
) -> tuple[Array, Array]:
    inputs, kernel = saved
    size = kernel.shape[0]
    _, height, width, _ = gradient.shape
    rows = []
    for row in range(size):
        read = inputs[:, row : row + height]
        windows = jnp.concatenate(
            [read[:, :, column : column + width] for column in range(size)], axis=-1
        )
        rows.append(jnp.einsum("bhwc,bhwf->cf", windows, gradient))
    of_kernel = jnp.stack(rows).reshape(kernel.shape)
    # A convolution with the reversed kernel.
    side = size - 1
    of_inputs = _convolve(
        jnp.pad(gradient, ((0, 0), (side, side), (side, side), (0, 0))),
        jnp.swapaxes(kernel[::-1, ::-1], 2, 3),
    )
    return of_inputs, of_kernel


_convolve.defvjp(_convolve_forward, _convolve_backward)


class MirBind2(nn.Module):
    """Score whether a miRNA binds a target site; a `Classifier`.

    Its published weights were trained on targets of 50 nt; shorter ones are padded.
    """

    max_mirna_length: int = 28  # nt
    max_target_length: int = 50  # nt
    pair_features: int = 8  # of a pair of letters
    conv_features: Sequence[int] = (128, 64, 32)  # filters of each convolution
    conv_widths: Sequence[int] = (6, 3, 3)  # nt, along both sequences
    dense_features: int = 30  # units of the last hidden layer
    dropout: float | Array = 0.2  # rate, after each pooling and the hidden layer

    def __post_init__(self) -> None:
        """Raise a ValueError for invalid sizes."""
        sizes = ("max_mirna_length", "max_target_length", "pair_features")
        check_sizes(self, (*sizes, "dense_features"))
        check_rates(self, ("dropout",))
        if len(self.conv_features) != len(self.conv_widths):
            raise ValueError(
                f"mirbind2: {self.conv_features=} and {self.conv_widths=} differ in "
                "length"
            )
        # Convert lists of a config or a file: a static argument under jit must be
        # hashable.
        object.__setattr__(self, "conv_features", tuple(self.conv_features))
        object.__setattr__(self, "conv_widths", tuple(self.conv_widths))
        super().__post_init__()

    @property
    def reads_unknown_letters(self) -> bool:
        """True: in the published code, pairs with any other letter have the code 17."""
        return True

    @property
    def min_target_length(self) -> int:
        """The shortest target, in nt."""
        return 1

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
        """Score pairs; see `Classifier`."""
        drop = nn.Dropout(cast(float, self.dropout), deterministic=not train)
        pairs = jax.nn.one_hot(pair_codes(mirnas, targets), NUM_PAIRS)
        features = nn.Dense(self.pair_features, name="pair_dense")(pairs)
        blocks = zip(self.conv_features, self.conv_widths, strict=True)
        for number, (filters, width) in enumerate(blocks):
            features = SquareConv(filters, width, name=f"conv_{number}")(features)
            features = ChannelAffine(name=f"affine_{number}")(features)
            features = nn.leaky_relu(features, _SLOPE)
            features = drop(_halve(features))
        # Channels first, as in the published weights.
        flat = jnp.moveaxis(features, -1, 1).reshape(features.shape[0], -1)
        hidden = nn.Dense(self.dense_features, name="hidden_dense")(flat)
        hidden = nn.leaky_relu(ChannelAffine(name="hidden_affine")(hidden), _SLOPE)
        return nn.Dense(1, name="output_dense")(drop(hidden))[:, 0]


def _halve(
    features: Float[Array, "batch height width channels"],
) -> Float[Array, "batch half_height half_width channels"]:
    """Return the maximum of each 2 × 2 block; an odd last row or column is left out."""
    batch, height, width, channels = features.shape
    even = features[:, : height // 2 * 2, : width // 2 * 2]
    squares = even.reshape(batch, height // 2, 2, width // 2, 2, channels)
    return jnp.max(squares, axis=(2, 4))


def pair_codes(
    mirnas: UInt8[Array, "batch mirna_length"],
    targets: UInt8[Array, "batch target_length"],
) -> Int[Array, "batch mirna_length target_length"]:
    """Return the code of each pair of letters: 4 × miRNA letter + target letter, or 17.

    Letters are numbered A, U, C, G from 0; a pair with padding has 17.
    """
    first, second = (
        tokens.astype(jnp.int32) - int(_FIRST) for tokens in (mirnas, targets)
    )
    known = (first >= 0)[:, :, None] & (second >= 0)[:, None, :]
    return jnp.where(known, 4 * first[:, :, None] + second[:, None, :], _UNKNOWN)
