"""A scan engine for the duplex model: its first layer is read from a table.

The first layer is linear. What a stack of letter pairs adds to a diagonal depends only
on its position in the miRNA and on two adjacent letters of each partner, so that one
small table holds all values, and a diagonal is a sum of its rows. The other layers read
only the diagonals that exist for the miRNA's length.
"""

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from jaxtyping import Array, Float, Int, UInt8

from mirjax.models.duplex import Duplex, SoftMaximum, stacked_diagonals
from mirjax.models.members import split_members
from mirjax.scanning.engines.plain import PlainEngine, probabilities, windows_of
from mirjax.scanning.threads import check_stop
from mirjax.xla import compiler_options

_BATCH_FILTERS = 20_480  # of the pairs that a program scores: they fit a core's cache
_LENGTHS = (24,)  # miRNA lengths, nt: a program for each, and one for longer miRNAs
_LETTERS = 4  # A, U, C, G: tokens 1 to 4
_STEPS = _LETTERS**2 + 1  # two adjacent letters; the last: one of them is unknown
_SLOPE = 0.1  # of the leaky ReLU below 0


@dataclasses.dataclass(frozen=True, eq=False)
class DuplexEngine(PlainEngine):
    """The `Engine` of a `Duplex` classifier."""

    @functools.cached_property
    def _read_lengths(self) -> Int[np.ndarray, " mirnas"]:
        """Letters that the program of each miRNA reads."""
        longest = self.trained.model.max_mirna_length
        lengths = [each for each in _LENGTHS if each < longest] + [longest]
        needed = np.array([len(mirna) for mirna in self.mirnas], np.int64)
        return np.array(lengths)[np.searchsorted(lengths, needed)]

    @property
    def _batch(self) -> int:
        """Pairs that a program scores, a power of 2."""
        most = max(32, _BATCH_FILTERS // self._members[0][1].shape[1])
        return 1 << (most.bit_length() - 1)

    @functools.cached_property
    def _members(self) -> list[tuple[Mapping[str, Any], Array]]:
        """The parameters and the table of each member."""
        params = [jax.device_put(dict(x.params)) for x in split_members(self.trained)]
        return [(each, _make_table(each)) for each in params]

    def score_pairs(
        self,
        transcript: UInt8[np.ndarray, " length"],
        mirnas: Int[np.ndarray, " pairs"],
        starts: Int[np.ndarray, " pairs"],
    ) -> Float[np.ndarray, " pairs"]:
        """Return the probability of chosen miRNAs at chosen windows; see `Engine`."""
        if not len(mirnas):
            return np.zeros(0, np.float32)
        (logits,) = self._read_pairs(_score, transcript, mirnas, starts)
        return probabilities(logits, self.temperature)

    def embed_pairs(
        self,
        transcript: UInt8[np.ndarray, " length"],
        mirnas: Int[np.ndarray, " pairs"],
        starts: Int[np.ndarray, " pairs"],
    ) -> tuple[Float[np.ndarray, " pairs"], Float[np.ndarray, "pairs channels"]]:
        """Return the probability of each pair, and its embedding.

        The embedding is what the last two layers read: the soft maximum of each channel
        of the last convolution. Those of several members are joined.

        Args:
          transcript: as for `score_pairs`, as are the others.
          mirnas: at least one.
          starts: of the windows.
        """
        logits, embedding = self._read_pairs(_embed, transcript, mirnas, starts)
        return probabilities(logits, self.temperature), embedding

    def _read_pairs(
        self,
        function: Callable[..., tuple[Array, ...]],
        transcript: UInt8[np.ndarray, " length"],
        mirnas: Int[np.ndarray, " pairs"],
        starts: Int[np.ndarray, " pairs"],
    ) -> list[Float[np.ndarray, "pairs ..."]]:
        """Return the results of `_score` or `_embed` for any number of pairs."""
        windows = windows_of(transcript, self.window_length)
        read = self._read_lengths[mirnas]
        run, batch = _compiled(function, self.trained.model), self._batch
        order, parts = [], []
        for length in np.unique(read):
            chosen = np.flatnonzero(read == length)
            for first in range(0, len(chosen), batch):
                check_stop()
                pairs = chosen[first : first + batch]
                filled = np.pad(pairs, (0, batch - len(pairs)), mode="edge")
                tokens = self._mirna_tokens[mirnas[filled], :length]
                rows = (tokens, windows[starts[filled]])
                parts.append(run(self._members, *rows))
                order.append(pairs)
        places = np.argsort(np.concatenate(order))
        sizes = [len(pairs) for pairs in order]
        return [
            np.concatenate([x[:n] for x, n in zip(each, sizes, strict=True)])[places]
            for each in zip(*jax.device_get(parts), strict=True)
        ]


@jax.jit
def _make_table(params: Mapping[str, Any]) -> Float[Array, "rows filters"]:
    """Return the value of each stack in a diagonal, at each position of a miRNA.

    The rows are ordered by position, then by the miRNA's step, then by the target's.
    """
    embedding = params["stacks"]["embedding"]
    kernel = params["diagonals"]["kernel"]
    by_position = kernel.reshape(-1, embedding.shape[-1], kernel.shape[-1])
    known = jnp.einsum("abs,isf->iabf", embedding, by_position, precision="highest")
    table = jnp.pad(known, ((0, 0), (0, 1), (0, 1), (0, 0)))
    return table.reshape(-1, kernel.shape[-1])


@functools.lru_cache(maxsize=16)
def _compiled(
    function: Callable[..., tuple[Array, ...]], model: Duplex
) -> Callable[..., tuple[Array, ...]]:
    """Return `_score` or `_embed` of a model, jitted; equal models share it."""
    of_model = functools.partial(function, model)
    return jax.jit(of_model, compiler_options=compiler_options())


def _score(
    model: Duplex,
    members: Sequence[tuple[Mapping[str, Any], Float[Array, "rows filters"]]],
    mirnas: UInt8[Array, "pairs mirna_length"],
    targets: UInt8[Array, "pairs target_length"],
) -> tuple[Float[Array, " pairs"]]:
    """Return the mean logit of the members, for each pair."""
    return _embed(model, members, mirnas, targets)[:1]


def _embed(
    model: Duplex,
    members: Sequence[tuple[Mapping[str, Any], Float[Array, "rows filters"]]],
    mirnas: UInt8[Array, "pairs mirna_length"],
    targets: UInt8[Array, "pairs target_length"],
) -> tuple[Float[Array, " pairs"], Float[Array, "pairs channels"]]:
    """Return the mean logit of the members, and what their last layers read."""
    read = [_read_member(model, *each, mirnas, targets) for each in members]
    logits, pooled = zip(*read, strict=True)
    return jnp.mean(jnp.stack(logits), axis=0), jnp.concatenate(pooled, axis=1)


def _read_member(
    model: Duplex,
    params: Mapping[str, Any],
    table: Float[Array, "rows filters"],
    mirnas: UInt8[Array, "pairs mirna_length"],
    targets: UInt8[Array, "pairs target_length"],
) -> tuple[Float[Array, " pairs"], Float[Array, "pairs channels"]]:
    """Return the logit of one member, and what its last layers read."""

    def run(module: nn.Module, name: str, *arrays: Array) -> Any:
        return module.apply({"params": params[name]}, *arrays)

    mask = stacked_diagonals(mirnas, targets)[:, :, None]
    sums = _sum_stacks(table, mirnas, targets) + params["diagonals"]["bias"][None, None]
    real = mask.astype(sums.dtype)
    x = _activate(sums) * real
    for layer in range(model.conv_layers):
        y = _activate(_convolve(params[f"conv_{layer}"]["dense"], x)) * real
        x = x + y if layer else y
    pooled = run(SoftMaximum(), "pool", x, mask)
    hidden = _activate(run(nn.Dense(model.dense_features), "hidden_dense", pooled))
    return run(nn.Dense(1), "output_dense", hidden)[:, 0], pooled


def _sum_stacks(
    table: Float[Array, "rows filters"],
    mirnas: UInt8[Array, "pairs mirna_length"],
    targets: UInt8[Array, "pairs target_length"],
) -> Float[Array, "pairs diagonals filters"]:
    """Sum the table's rows along each diagonal."""
    mirna_steps, target_steps = _steps(mirnas), _steps(targets)
    count, width = mirna_steps.shape[1], target_steps.shape[1]
    side = ((0, 0), (count - 1, count - 1))
    around = jnp.pad(target_steps, side, constant_values=_STEPS - 1)
    sums = jnp.zeros(())
    for position in range(count):
        # Diagonal k holds the target's step k - position.
        first = count - 1 - position
        facing = around[:, first : first + count + width - 1]
        rows = (position * _STEPS + mirna_steps[:, position, None]) * _STEPS + facing
        sums = sums + table.at[rows].get(mode="promise_in_bounds")
    return sums


def _steps(tokens: UInt8[Array, "pairs length"]) -> Int[Array, "pairs steps"]:
    """Return the number of each two adjacent letters."""
    codes = tokens.astype(jnp.int32)
    first, second = codes[:, :-1], codes[:, 1:]
    known = (first > 0) & (first <= _LETTERS) & (second > 0) & (second <= _LETTERS)
    return jnp.where(known, _LETTERS * (first - 1) + second - 1, _STEPS - 1)


def _convolve(
    layer: Mapping[str, Any], x: Float[Array, "pairs length channels"]
) -> Float[Array, "pairs length features"]:
    """Convolve as `UnfoldedConv` does; forward, XLA's convolution is faster."""
    kernel = layer["kernel"].reshape(-1, x.shape[-1], layer["kernel"].shape[-1])
    y = jax.lax.conv_general_dilated(
        x, kernel, (1,), "SAME", dimension_numbers=("NWC", "WIO", "NWC")
    )
    return y + layer["bias"][None, None]


def _activate(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    return nn.leaky_relu(x, _SLOPE)
