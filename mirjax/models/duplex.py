"""duplex: a convolutional network over the map of all letter pairs, by diagonals.

In a duplex the strands run antiparallel, so that miRNA letter i faces target letter j
where i + j is constant: along a diagonal of the map of all pairs. The first layer reads
each diagonal with filters over the miRNA's positions; the others are convolutions along
the diagonals. Nothing ties the parameters to a target's length.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, UInt8

from mirjax.models.dropout import dropped
from mirjax.models.validation import check_rates, check_sizes

_LETTERS = 4  # A, U, C, G: tokens 1 to 4
_SLOPE = 0.1  # of the leaky ReLU below 0
_EPSILON = 1e-3  # of layer normalisation, and the least value that is pooled


class Duplex(nn.Module):
    """Score whether a miRNA binds a target site; a `Classifier`.

    Padding changes nothing, on either side of a target. Letters that are not known are
    read as padding.
    """

    max_mirna_length: int = 28  # nt
    max_target_length: int = 50  # nt
    pair_features: int = 8  # of a pair of letters
    filters: int = 128  # of a diagonal
    conv_features: int = 64  # filters of each convolution along the diagonals
    conv_layers: int = 3
    first_width: int = 5  # diagonals that the first convolution reads; odd
    conv_width: int = 3  # diagonals that the others read; odd
    dense_features: int = 32  # units of the last hidden layer
    dropout: float | Array = 0.2  # rate, after each convolution; may be traced

    def __post_init__(self) -> None:
        """Raise a ValueError for sizes that no model can have."""
        sizes = ("max_mirna_length", "max_target_length", "pair_features", "filters")
        check_sizes(self, (*sizes, "conv_features", "conv_layers", "dense_features"))
        check_sizes(self, ("first_width", "conv_width"))
        check_rates(self, ("dropout",))
        for name in ("first_width", "conv_width"):
            if getattr(self, name) % 2 == 0:
                raise ValueError(f"duplex: {name}={getattr(self, name)} is not odd")
        super().__post_init__()

    @property
    def reads_unknown_letters(self) -> bool:
        """True: they are read as padding."""
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
        """Score pairs; see `Classifier`.

        Targets may be padded to any length, and on both sides.
        """
        rate = self.dropout

        def drop(x: Array) -> Array:
            return dropped(x, rate, self.make_rng("dropout")) if train else x

        valid = paired_diagonals(mirnas, targets)
        mask = valid[:, :, None].astype(jnp.float32)
        x = DiagonalFilters(self.pair_features, self.filters, name="diagonals")(
            mirnas, targets
        )
        x = _activate(nn.LayerNorm(epsilon=_EPSILON, name="diagonal_norm")(x)) * mask
        for layer in range(self.conv_layers):
            width = self.conv_width if layer else self.first_width
            y = UnfoldedConv(self.conv_features, width, name=f"conv_{layer}")(x)
            y = nn.LayerNorm(epsilon=_EPSILON, name=f"norm_{layer}")(y)
            y = drop(_activate(y)) * mask
            x = x + y if layer else y
        pooled = drop(GeneralisedMean(name="pool")(x, mask))
        hidden = nn.Dense(self.dense_features, name="hidden_dense")(pooled)
        hidden = _activate(nn.LayerNorm(epsilon=_EPSILON, name="hidden_norm")(hidden))
        return nn.Dense(1, name="output_dense")(hidden)[:, 0]


class DiagonalFilters(nn.Module):
    """Filters over the diagonals of the map of all pairs.

    The weight of a pair at miRNA position i is the product of a learned embedding of
    the pair and a learned profile of the position.
    """

    pair_features: int
    features: int  # filters

    @nn.compact
    def __call__(
        self,
        mirnas: UInt8[Array, "batch mirna_length"],
        targets: UInt8[Array, "batch target_length"],
    ) -> Float[Array, "batch diagonals features"]:
        """Return the filters' values at each diagonal; there are m + t - 1."""
        rows, length = mirnas.shape
        scale = 2.0 * (length * self.pair_features) ** -0.5
        pairs = self.param(
            "pairs",
            nn.initializers.normal(0.5),
            (_LETTERS, _LETTERS, self.pair_features),
        )
        profile = self.param(
            "profile",
            nn.initializers.normal(scale),
            (length, self.pair_features, self.features),
        )
        offsets = self.param(
            "offsets", nn.initializers.normal(0.1), (length, _LETTERS, self.features)
        )
        letters = _one_hot(mirnas)
        # The filters of each row's miRNA, over (position, target letter).
        weights = jnp.einsum("abr,irc->iabc", pairs, profile)
        weights = jnp.einsum("nia,iabc->nibc", letters, weights)
        weights = weights.reshape(rows, length * _LETTERS, self.features)
        offset = jnp.einsum("nia,iac->nc", letters, offsets)
        facing = _along_diagonals(_one_hot(targets), length)
        return jnp.einsum("nkx,nxc->nkc", facing, weights) + offset[:, None]


class UnfoldedConv(nn.Module):
    """A convolution along an axis, as one product over shifted copies.

    XLA's gradients of convolutions are slow on CPUs; those of products are fast.
    """

    features: int
    width: int  # odd

    @nn.compact
    def __call__(
        self, x: Float[Array, "batch length channels"]
    ) -> Float[Array, "batch length features"]:
        """Convolve; beyond the ends are zeros."""
        side = self.width // 2
        padded = jnp.pad(x, ((0, 0), (side, side), (0, 0)))
        copies = [padded[:, start : start + x.shape[1]] for start in range(self.width)]
        dense = nn.Dense(
            self.features, kernel_init=nn.initializers.he_normal(), name="dense"
        )
        return dense(jnp.concatenate(copies, axis=-1))


class GeneralisedMean(nn.Module):
    """A mean of powers over positions, with a learned exponent for each channel.

    References:
      Radenović et al. 2019, IEEE TPAMI, doi 10.1109/TPAMI.2018.2846566.
    """

    @nn.compact
    def __call__(
        self,
        x: Float[Array, "batch length channels"],
        mask: Float[Array, "batch length 1"],
    ) -> Float[Array, "batch channels"]:
        """Return the mean over the positions whose mask is 1."""
        raw = self.param("exponent", nn.initializers.ones, (x.shape[-1],))
        exponent = (1.0 + nn.softplus(jnp.asarray(raw)))[None]
        powers = (nn.softplus(x) + _EPSILON) ** exponent[None]
        count = jnp.maximum(jnp.sum(mask, axis=1), 1.0)
        mean = jnp.sum(powers * mask, axis=1) / count
        # Without any position the mean is 0, whose root has no gradient.
        return jnp.maximum(mean, _EPSILON**8) ** (1.0 / exponent)


def paired_diagonals(
    mirnas: UInt8[Array, "batch mirna_length"],
    targets: UInt8[Array, "batch target_length"],
) -> Bool[Array, "batch diagonals"]:
    """Return which diagonals hold a pair of known letters.

    Args:
      mirnas: tokens.
      targets: tokens.

    Returns:
      A value for each i + j, from 0.
    """
    known = (targets > 0)[:, :, None]
    facing = _along_diagonals(known, mirnas.shape[1])
    return jnp.any(facing & (mirnas > 0)[:, None, :], axis=-1)


def _along_diagonals(
    letters: Array, mirna_length: int
) -> Float[Array, "batch diagonals facing"] | Bool[Array, "batch diagonals facing"]:
    """Gather what faces each miRNA position on each diagonal; nothing is zeros.

    Args:
      letters: features of the target's letters, [batch, target_length, features].
      mirna_length: positions.

    Returns:
      At diagonal k, the features of target letter k - i for each position i, joined.
    """
    around = mirna_length - 1
    padded = jnp.pad(letters, ((0, 0), (around, around), (0, 0)))
    diagonals = letters.shape[1] + around
    facing = [
        padded[:, around - i : around - i + diagonals] for i in range(mirna_length)
    ]
    return jnp.concatenate(facing, axis=-1)


def _one_hot(
    tokens: UInt8[Array, "batch length"],
) -> Float[Array, "batch length 4"]:
    """Return letters as features; zeros for padding."""
    return jax.nn.one_hot(tokens.astype(jnp.int32) - 1, _LETTERS)


def _activate(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    return nn.leaky_relu(x, _SLOPE)
