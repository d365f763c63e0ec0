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
      state: of the forward LSTM after the steps `few`: h, then c, for all contexts.
      few: the backward LSTM's gate inputs of the steps `few`, for all contexts.
      first: the backward LSTM's gate inputs of the steps `mirna`.
      own: the miRNA's part of the two convolutions of each step `own`.
      groups: the group of each miRNA at each step `shared`.
    """

    state: Float[Array, "states mirnas contexts"]
    few: Float[Array, "few gates mirnas contexts"]
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
    rows = jnp.minimum(jnp.arange(num_blocks * block), count - 1)  # the last again
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
    contexts = parts.all_contexts(steps.context)

    def convolutions(step: int) -> list[Array]:
        places = parts.convolutions_of(step)
        return [parts.convolve_part(weights, mirnas, -place) for place in places]

    state = (jnp.zeros((units, count)),) * 2
    first = []
    for step in steps.mirna:
        inputs = parts.pooled_step(weights, convolutions(step))
        state = parts.advance(weights.forward, inputs[:gates], state)
        first.append(inputs[gates:])
    shape = (units, count, len(contexts))
    state = (
        jnp.broadcast_to(state[0][:, :, None], shape),
        jnp.broadcast_to(state[1][:, :, None], shape),
    )
    few = []
    for step in steps.few:
        of_contexts = [
            parts.convolve_part(weights, contexts, length - place)
            for place in parts.convolutions_of(step)
        ]
        pair = [
            mirna[:, :, None] + context[:, None, :]
            for mirna, context in zip(convolutions(step), of_contexts, strict=True)
        ]
        inputs = parts.pooled_step(weights, pair)
        state = parts.advance(weights.forward, inputs[:gates], state)
        few.append(inputs[gates:])
    filters = len(weights.conv_bias)
    own = [jnp.stack(convolutions(step)) for step in steps.own]
    return MirnaBlock(
        state=jnp.concatenate(state),
        few=_stacked(few, (gates, *shape[1:])),
        first=_stacked(first, (gates, count)),
        own=_stacked(own, (2, filters, count)),
        groups=groups,
    )


def _stacked(arrays: Sequence[Array], shape: tuple[int, ...]) -> Array:
    """Stack arrays of a shape; there may be none."""
    return jnp.stack(arrays) if arrays else jnp.zeros((0, *shape))
