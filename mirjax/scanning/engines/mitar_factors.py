"""What depends on the miRNAs alone, computed once for a search."""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, UInt8

from mirjax.scanning.engines import mitar_parts as parts
from mirjax.scanning.engines.mitar_layout import Steps


class MirnaBlock(NamedTuple):
    """What depends on some miRNAs alone.

    Attributes:
      state: of the forward LSTM after the steps `few`: h, then c, for each context.
      few: the backward LSTM's gate inputs of each step `few`, for the letters it sees.
      first: the backward LSTM's gate inputs of the steps `mirna`.
      own: the miRNA's part of the two convolutions of each step `own`.
      groups: the group of each miRNA at each step `shared`.
    """

    state: Float[Array, "mirnas contexts states"]
    few: Sequence[Float[Array, "mirnas _ gates"]]
    first: Float[Array, "first gates mirnas"]
    own: Float[Array, "own 2 filters mirnas"]
    groups: Int[Array, "shared mirnas"]


class Shared(NamedTuple):
    """A shared step: the groups' part of its convolutions; `Groups.following`."""

    convolutions: Float[Array, "2 filters groups"]
    following: Int[Array, " groups"]


class Factors(NamedTuple):
    """What depends on the miRNAs alone: blocks have a leading axis."""

    blocks: MirnaBlock
    shared: Sequence[Shared]


def make_factors(
    steps: Steps,
    block: int,
    weights: parts.Weights,
    mirnas: UInt8[Array, "mirnas length"],
    groups: Sequence[tuple[Array, Array, Array]],
) -> Factors:
    """Compute what depends on the miRNAs alone.

    Args:
      steps: what each step depends on.
      block: miRNAs in a block; the last is repeated to fill the last block.
      weights: the model's.
      mirnas: as the model reads them: 3'→5', padded.
      groups: of each shared step; see `Groups.arrays`.
    """
    count = len(mirnas)
    num_blocks = -(-count // block)
    rows = jnp.minimum(jnp.arange(num_blocks * block), count - 1)  # repeat the last
    group_of = [of_mirnas[rows] for _, of_mirnas, _ in groups]
    blocks = jax.lax.map(
        lambda each: _of_mirnas(steps, weights, *each),
        (
            mirnas[rows].reshape(num_blocks, block, -1),
            _stacked(group_of, (len(rows),))
            .astype(jnp.int32)
            .reshape(len(groups), num_blocks, block)
            .swapaxes(0, 1),
        ),
    )
    shared = [
        Shared(
            jnp.stack(
                [
                    parts.convolve_part(weights, mirnas[members], -place)
                    for place in parts.convolutions_of(step)
                ]
            ),
            following,
        )
        for step, (members, _, following) in zip(steps.shared, groups, strict=True)
    ]
    return Factors(blocks, shared)


def _of_mirnas(
    steps: Steps,
    weights: parts.Weights,
    mirnas: UInt8[Array, "mirnas length"],
    groups: Int[Array, "shared mirnas"],
) -> MirnaBlock:
    """Compute what depends on the miRNAs of one block."""
    count, length = mirnas.shape
    units, gates = weights.forward.shape[1], weights.forward.shape[0]

    def convolutions(step: int) -> list[Array]:
        places = parts.convolutions_of(step)
        return [parts.convolve_part(weights, mirnas, -place) for place in places]

    state = (jnp.zeros((units, count)),) * 2
    first = []
    for step in steps.mirna:
        inputs = parts.pooled_step(weights, convolutions(step))
        state = parts.advance(weights.forward, inputs[:gates], state)
        first.append(inputs[gates:])
    state = (state[0][:, :, None], state[1][:, :, None])
    few = []
    for step, letters in zip(steps.few, steps.letters, strict=True):
        contexts = parts.all_contexts(letters)
        pair = [
            mirna[:, :, None]
            + parts.convolve_part(weights, contexts, length - place)[:, None, :]
            for mirna, place in zip(
                convolutions(step), parts.convolutions_of(step), strict=True
            )
        ]
        inputs = parts.pooled_step(weights, pair)
        # The first digits of a context's number are the letters of the step before.
        times = len(contexts) // state[0].shape[2]
        before = (jnp.repeat(state[0], times, 2), jnp.repeat(state[1], times, 2))
        state = parts.advance(weights.forward, inputs[:gates], before)
        few.append(inputs[gates:].transpose(1, 2, 0))
    filters = len(weights.conv_bias)
    own = [jnp.stack(convolutions(step)) for step in steps.own]
    return MirnaBlock(
        state=jnp.concatenate(state).transpose(1, 2, 0),
        few=few,
        first=_stacked(first, (gates, count)),
        own=_stacked(own, (2, filters, count)),
        groups=groups,
    )


def _stacked(arrays: Sequence[Array], shape: tuple[int, ...]) -> Array:
    """Stack arrays of a shape; there may be none."""
    return jnp.stack(arrays) if arrays else jnp.zeros((0, *shape))
