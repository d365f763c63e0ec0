"""duplex: a convolutional network over the map of stacked pairs, by diagonals.

The strands of a duplex are antiparallel, so that i + j is constant for all pairs of
miRNA letter i and target letter j in a helix: they lie on a diagonal of the map of all
pairs. A helix is stabilised by the stacking of adjacent pairs, so each point of the map
describes two pairs: miRNA letters i and i + 1 with target letters j and j + 1. The
first layer reads each diagonal with filters over the miRNA's positions. Convolutions
across diagonals follow, since bulges join adjacent diagonals. The parameters do not
depend on a target's length.

Members of a model are networks of different seeds, whose logits are averaged.

References:
  Xia et al. 1998, Biochemistry 37:14719, doi 10.1021/bi9809425 (nearest neighbours).
  Lakshminarayanan et al. 2017, arXiv 1612.01474 (members).
"""

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Key, UInt8

from mirjax.models.dropout import dropped
from mirjax.models.validation import check_rates, check_sizes
from mirjax.sequences import alphabet, pairing

_LETTERS = 4  # A, U, C, G: tokens 1 to 4
_STEPS = _LETTERS**2  # two adjacent letters
_SLOPE = 0.1  # of the leaky ReLU below 0
_INITIAL_NOISE = 0.1  # standard deviation


class Duplex(nn.Module):
    """Score whether a miRNA binds a target site; a `Classifier`.

    Padding beside a target changes nothing; unknown letters are read as padding.
    """

    max_mirna_length: int = 28  # nt
    max_target_length: int = 50  # nt
    stack_features: int = 16  # of two adjacent pairs
    filters: int = 96  # of a diagonal
    conv_features: int = 64  # filters of each convolution across diagonals
    conv_layers: int = 3
    first_width: int = 5  # diagonals that the first convolution reads; odd
    conv_width: int = 3  # diagonals that the others read; odd
    dense_features: int = 32  # units of the last hidden layer
    dropout: float | Array = 0.2  # rate, of whole channels; may be traced
    members: int = 1  # networks whose logits are averaged

    def __post_init__(self) -> None:
        """Raise a ValueError for invalid sizes."""
        sizes = ("max_mirna_length", "max_target_length", "stack_features", "filters")
        check_sizes(self, (*sizes, "conv_features", "conv_layers", "dense_features"))
        check_sizes(self, ("members", "first_width", "conv_width"))
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
        if self.members > 1:
            member = self.clone(members=1, parent=self, name="member")
            logits = nn.vmap(
                lambda network, *tokens: network(*tokens, train=train),
                variable_axes={"params": 0},
                split_rngs={"params": True, "dropout": True},
                in_axes=None,
                axis_size=self.members,
            )(member, mirnas, targets)
            return jnp.mean(logits, axis=0)
        rate = self.dropout

        def drop(x: Array) -> Array:
            if not train:
                return x
            channels = jnp.ones((x.shape[0], *(1,) * (x.ndim - 2), x.shape[-1]))
            return x * dropped(channels, rate, self.make_rng("dropout"))

        mirna_steps, target_steps = _steps(mirnas), _steps(targets)
        mask = stacked_diagonals(mirnas, targets)[:, :, None]
        stacks = StackMap(self.stack_features, name="stacks")(mirna_steps, target_steps)
        x = _activate(_dense(self.filters, "diagonals")(stacks))
        x = x * mask.astype(x.dtype)
        for layer in range(self.conv_layers):
            width = self.conv_width if layer else self.first_width
            y = UnfoldedConv(self.conv_features, width, name=f"conv_{layer}")(x)
            y = drop(_activate(y)) * mask.astype(x.dtype)
            x = x + y if layer else y
        pooled = drop(SoftMaximum(name="pool")(x, mask))
        hidden = _activate(_dense(self.dense_features, "hidden_dense")(pooled))
        return nn.Dense(1, name="output_dense")(hidden)[:, 0]


class StackMap(nn.Module):
    """The map of all stacks, along its diagonals: a learned embedding of each."""

    features: int  # of a stack

    @nn.compact
    def __call__(
        self,
        mirna_steps: Float[Array, "batch mirna_steps 16"],
        target_steps: Float[Array, "batch target_steps 16"],
    ) -> Float[Array, "batch diagonals facing"]:
        """Return what stands on each diagonal, by miRNA position; nothing is zeros."""
        embedding = self.param(
            "embedding", initial_stacks, (_STEPS, _STEPS, self.features)
        )
        rows, positions, _ = mirna_steps.shape
        # What each target step would be at each position of the row's miRNA.
        facing = jnp.einsum("nia,abf->nbif", mirna_steps, jnp.asarray(embedding))
        facing = facing.reshape(rows, _STEPS, positions * self.features)
        stacks = jnp.einsum("njb,nbx->njx", target_steps, facing)
        stacks = stacks.reshape(rows, -1, positions, self.features).swapaxes(1, 2)
        along = _skewed(stacks).swapaxes(1, 2)
        return along.reshape(rows, along.shape[1], positions * self.features)


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
        return _dense(self.features, "dense")(jnp.concatenate(copies, axis=-1))


class SoftMaximum(nn.Module):
    """log Σ exp(s x) / s over positions, with a learned sharpness s for each channel.

    It lies above the maximum by at most log(positions) / s.
    """

    @nn.compact
    def __call__(
        self,
        x: Float[Array, "batch length channels"],
        mask: Bool[Array, "batch length 1"],
    ) -> Float[Array, "batch channels"]:
        """Pool the positions whose mask is true; without any, return zeros."""
        raw = self.param("sharpness", nn.initializers.ones, (x.shape[-1],))
        sharpness = (1.0 + nn.softplus(jnp.asarray(raw)))[None]
        # Where nothing is pooled all is, so that gradients are finite; then dropped.
        some = jnp.any(mask, axis=1)
        pooled = jax.nn.logsumexp(
            x * sharpness[None], axis=1, where=mask | ~some[:, None]
        )
        return pooled / sharpness * some.astype(x.dtype)


def initial_stacks(
    key: Key[Array, ""], shape: Sequence[int]
) -> Float[Array, "mirna_steps target_steps features"]:
    """Draw an initial embedding of stacks from the pairing rules.

    Args:
      key: random key of the noise that sets the features apart.
      shape: 16, 16, features.

    Returns:
      Small random numbers, to which the first features add 1 where it holds that: both
      letters of the stack are paired; the first is a Watson-Crick pair, the second is;
      the same of G and C, and of wobbles; both are Watson-Crick pairs; the first are
      not paired, the second are not.
    """
    noise = _INITIAL_NOISE * jax.random.normal(key, tuple(shape))
    letters = range(_LETTERS)
    of_pair = {
        (x, y): _pair_rules(alphabet.LETTERS[x] + alphabet.LETTERS[y])
        for x, y in itertools.product(letters, letters)
    }
    rules = np.zeros((_STEPS, _STEPS, 10), np.float32)
    for i, k, j, m in itertools.product(letters, repeat=4):
        first, second = of_pair[i, m], of_pair[k, j]  # the strands run antiparallel
        rules[_LETTERS * i + k, _LETTERS * j + m] = (
            first.paired and second.paired,
            *(first.watson_crick, second.watson_crick),
            *(first.strong, second.strong),
            *(first.wobble, second.wobble),
            first.watson_crick and second.watson_crick,
            *(not first.paired, not second.paired),
        )
    known = min(shape[2], rules.shape[2])
    return noise.at[:, :, :known].add(rules[:, :, :known])


class _PairRules(NamedTuple):
    """Properties of two opposite letters."""

    watson_crick: bool
    strong: bool  # G and C
    wobble: bool

    @property
    def paired(self) -> bool:
        return self.watson_crick or self.wobble


def _pair_rules(pair: str) -> _PairRules:
    watson_crick = pair in pairing.WATSON_CRICK
    return _PairRules(
        watson_crick, watson_crick and "G" in pair, pair in pairing.WOBBLE
    )


def stacked_diagonals(
    mirnas: UInt8[Array, "batch mirna_length"],
    targets: UInt8[Array, "batch target_length"],
) -> Bool[Array, "batch diagonals"]:
    """Return which diagonals hold two adjacent pairs of known letters.

    Args:
      mirnas: tokens.
      targets: tokens.

    Returns:
      A value for each i + j, from 0, where i and j number pairs of adjacent letters.
    """
    known = [jnp.any(_steps(tokens) > 0, axis=-1) for tokens in (mirnas, targets)]
    both = known[0][:, :, None, None] & known[1][:, None, :, None]
    return jnp.any(_skewed(both), axis=(1, 3))


def _skewed(
    stacks: Array,
) -> Float[Array, "batch i diagonals features"] | Bool[Array, "batch i diagonals 1"]:
    """Shift row i of a map by i, so that a diagonal i + j becomes a column.

    Args:
      stacks: a map, [batch, i, j, features].
    """
    rows, height, width, features = stacks.shape
    padded = jnp.pad(stacks, ((0, 0), (0, 0), (0, height), (0, 0)))
    flat = padded.reshape(rows, height * (width + height), features)
    return flat[:, :-height].reshape(rows, height, width + height - 1, features)


def _steps(
    tokens: UInt8[Array, "batch length"],
) -> Float[Array, "batch steps 16"]:
    """Return each two adjacent letters as features; zeros if one is not known."""
    codes = tokens.astype(jnp.int32)
    first, second = codes[:, :-1], codes[:, 1:]
    known = (first > 0) & (first <= _LETTERS) & (second > 0) & (second <= _LETTERS)
    step = _LETTERS * (first - 1) + second - 1
    return jax.nn.one_hot(jnp.where(known, step, -1), _STEPS)


def _dense(features: int, name: str) -> nn.Dense:
    return nn.Dense(features, kernel_init=nn.initializers.he_normal(), name=name)


def _activate(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    return nn.leaky_relu(x, _SLOPE)
