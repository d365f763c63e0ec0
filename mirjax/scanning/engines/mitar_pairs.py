"""What depends on windows, and on pairs of a miRNA and a window."""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, UInt8

from mirjax.scanning.engines import mitar_parts as parts
from mirjax.scanning.engines.mitar_factors import Factors, MirnaBlock
from mirjax.scanning.engines.mitar_layout import POOL, Steps


class _Windows(NamedTuple):
    """What depends on some windows alone, or on a group of miRNAs too.

    Attributes:
      context: one-hot, the first letters.
      own: the window's part of the two convolutions of each step `own`.
      shared: the forward LSTM's gate inputs of each step `shared`.
      after: the forward LSTM's gate inputs of the steps `window`.
      state: of the backward LSTM before the steps of pairs: h, then c.
    """

    context: Float[Array, "contexts windows"]
    own: Float[Array, "own 2 filters windows"]
    shared: Sequence[Float[Array, "gates groups windows"]]
    after: Float[Array, "window gates windows"]
    state: Float[Array, "states groups windows"]


def score_pairs(
    steps: Steps,
    mirna_length: int,
    weights: parts.Weights,
    factors: Factors,
    transcript: tuple[
        Float[Array, "both_gates positions"],
        UInt8[Array, " letters"],
        Int[Array, " windows"],
    ],
) -> Float[Array, "mirnas windows"]:
    """Return the logits of all miRNAs at some windows of a transcript.

    Args:
      steps: what each step depends on.
      mirna_length: letters that the model reads before the window.
      weights: the model's.
      factors: of the miRNAs.
      transcript: what `project_positions` returns, its tokens, and where the windows
        start.
    """
    windows = _of_windows(steps, mirna_length, weights, factors, transcript)
    logits = jax.lax.map(
        lambda block: _of_pairs(weights, block, windows), factors.blocks
    )
    return logits.reshape(-1, logits.shape[-1])


def _of_windows(
    steps: Steps,
    mirna_length: int,
    weights: parts.Weights,
    factors: Factors,
    transcript: tuple[Array, Array, Array],
) -> _Windows:
    """Compute what depends on some windows, or on a group of miRNAs too."""
    projected, tokens, starts = transcript
    gates, units = weights.forward.shape
    width, _, filters = weights.letters.shape
    count = len(starts)

    # ---- Steps of the window alone. ----
    relative = POOL * jnp.array(steps.window, jnp.int32) - mirna_length
    places = starts[None, :] + relative[:, None]
    inputs = jnp.moveaxis(projected[:, places], 1, 0)
    zeros = jnp.zeros((units, count))
    state = parts.run_steps(weights.backward, inputs[::-1, gates:], (zeros, zeros))

    # ---- Steps across the boundary. ----
    head = tokens[starts[:, None] + jnp.arange(width)[None, :]]
    shared: list[Array] = []
    state = (state[0][:, None], state[1][:, None])  # of one group
    for step, group in reversed(list(zip(steps.shared, factors.shared, strict=True))):
        pair = [
            mirna[:, :, None]
            + parts.convolve_part(weights, head, mirna_length - place)[:, None]
            for mirna, place in zip(
                group.convolutions, parts.convolutions_of(step), strict=True
            )
        ]
        both = parts.pooled_step(weights, pair)
        shared.insert(0, both[:gates])
        before = (state[0][:, group.following], state[1][:, group.following])
        state = parts.advance(weights.backward, both[gates:], before)
    own = [
        jnp.stack(
            [
                parts.convolve_part(weights, head, mirna_length - place)
                for place in parts.convolutions_of(step)
            ]
        )
        for step in steps.own
    ]
    numbers = parts.context_numbers(head, steps.context)
    return _Windows(
        context=jax.nn.one_hot(numbers, steps.num_contexts, axis=0),
        own=jnp.stack(own) if own else jnp.zeros((0, 2, filters, count)),
        shared=shared,
        after=inputs[:, :gates],
        state=jnp.concatenate(state),
    )


def _of_pairs(
    weights: parts.Weights, block: MirnaBlock, windows: _Windows
) -> Float[Array, "mirnas windows"]:
    """Return the logits of the miRNAs of a block at some windows."""
    gates, units = weights.forward.shape
    forward_h, forward_c = jnp.split(_of_context(block.state, windows), 2)
    forward = (forward_h, forward_c)

    # ---- Across the boundary, for each pair. ----
    own_backward = []
    for mirna, window in zip(block.own, windows.own, strict=True):
        pair = [
            of_mirna[:, :, None] + of_window[:, None, :]
            for of_mirna, of_window in zip(mirna, window, strict=True)
        ]
        inputs = parts.pooled_step(weights, pair)
        forward = parts.advance(weights.forward, inputs[:gates], forward)
        own_backward.append(inputs[gates:])
    for group, shared in zip(block.groups, windows.shared, strict=True):
        forward = parts.advance(weights.forward, shared[:, group], forward)

    # ---- On to the window's end, and back to the miRNA's. ----
    forward = parts.run_steps(weights.forward, windows.after[:, :, None], forward)
    first = (
        block.groups[0]
        if len(block.groups)
        else jnp.zeros(forward_h.shape[1], jnp.int32)
    )
    backward_h, backward_c = jnp.split(windows.state[:, first], 2)
    backward = (backward_h, backward_c)
    for inputs in reversed(own_backward):
        backward = parts.advance(weights.backward, inputs, backward)
    for inputs in block.few[::-1]:
        each = _of_context(inputs, windows)
        backward = parts.advance(weights.backward, each, backward)
    backward = parts.run_steps(
        weights.backward, block.first[::-1, :, :, None], backward
    )
    return parts.classify(weights, forward[0], backward[0])


def _of_context(
    table: Float[Array, "rows mirnas contexts"], windows: _Windows
) -> Float[Array, "rows mirnas windows"]:
    """Return the rows of the context of each window.

    A product with ones and zeros: exact, and faster than to gather numbers one by one.
    """
    rows, count, contexts = table.shape
    chosen = table.reshape(-1, contexts) @ windows.context
    return chosen.reshape(rows, count, -1)
