"""Beam search for a whole batch of targets, free or along a trie of real miRNAs."""

import functools
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int, UInt8

from mirjax.inference.in_batches import in_batches
from mirjax.inference.trie import NOWHERE, Trie
from mirjax.sequences import alphabet
from mirjax.sequences.alphabet import NUM_SYMBOLS


class Beams(NamedTuple):
    """The best answers found for each target, best first.

    Attributes:
      tokens: letters, 5'→3', then EOS unless the steps ran out, then padding.
      log_probs: log P(miRNA and its EOS | target), natural logarithm; -infinity where
        there are fewer answers than asked for.
      scores: what they are ordered by: log_probs, normalised by length if asked for.
      choices: along a trie, the number of each answer in its `sequences`; else -1.
      lost: log P of the likeliest prefix that the beam had no place for. Whatever
        begins with it is less likely still: the answers of a higher log P are all that
        there are, as an exhaustive search would find them.
    """

    tokens: UInt8[np.ndarray, "rows answers time"]
    log_probs: Float[np.ndarray, "rows answers"]
    scores: Float[np.ndarray, "rows answers"]
    choices: Int[np.ndarray, "rows answers"]
    lost: Float[np.ndarray, " rows"]


class _Search(NamedTuple):
    """Beams of every target, side by side: [targets, width]."""

    state: Any
    previous: Array  # uint8; PAD once a beam has ended
    log_prob: Array  # float32; -infinity for a beam that there is not
    ended: Array  # bool
    node: Array  # int32, in the trie
    length: Array  # int32, symbols so far, EOS included
    tokens: Array  # uint8 [targets, width, time]
    lost: Array  # float32 [targets]


@functools.partial(
    jax.jit, static_argnames=("model", "width", "answers", "length_penalty")
)
def search_batch(
    model: Any,
    params: Mapping[str, Any],
    targets: UInt8[Array, "batch target_length"],
    children: Int[Array, "nodes 6"] | None,
    sequence_of: Int[Array, " nodes"] | None,
    temperature: Float[Array, ""] | float,
    *,
    width: int,
    answers: int,
    length_penalty: float,
) -> tuple[
    UInt8[Array, "batch answers time"],
    Float[Array, "batch answers"],
    Float[Array, "batch answers"],
    Int[Array, "batch answers"],
    Float[Array, " batch"],
]:
    """Search one batch; see `decode`. Returns the fields of `Beams`."""
    variables = {"params": params}
    batch, steps = targets.shape[0], model.max_mirna_length + 1
    # An ended beam goes on with padding alone, at no cost.
    stay = jnp.full(NUM_SYMBOLS + 1, -jnp.inf).at[NUM_SYMBOLS].set(0.0)

    def step(search: _Search, time: Array) -> tuple[_Search, None]:
        state, logits = model.apply(
            variables, search.state, search.previous.reshape(-1), method="decode_step"
        )
        log_probs = jax.nn.log_softmax(logits.astype(jnp.float32) / temperature)
        allowed = jnp.arange(NUM_SYMBOLS) != alphabet.BOS - 1
        allowed = jnp.broadcast_to(allowed, (batch, width, NUM_SYMBOLS))
        if children is not None:
            allowed &= children[search.node] != NOWHERE
        gains = jnp.where(allowed, log_probs.reshape(batch, width, -1), -jnp.inf)
        gains = jnp.pad(gains, ((0, 0), (0, 0), (0, 1)), constant_values=-jnp.inf)
        gains = jnp.where(search.ended[..., None], stay[None, None], gains)
        reached = search.log_prob[..., None] + gains
        log_prob, choice = lax.top_k(reached.reshape(batch, -1), width + 1)
        lost = jnp.maximum(search.lost, log_prob[:, width])
        log_prob, choice = log_prob[:, :width], choice[:, :width]
        parent, symbol = jnp.divmod(choice, NUM_SYMBOLS + 1)

        def inherit(x: Array) -> Array:
            index = parent.reshape(*parent.shape, *[1] * (x.ndim - 2))
            return jnp.take_along_axis(x, index, axis=1)

        ended = symbol == NUM_SYMBOLS
        token = jnp.where(ended, alphabet.PAD, symbol + 1).astype(jnp.uint8)
        node = inherit(search.node)
        if children is not None:
            following = children[node, jnp.minimum(symbol, NUM_SYMBOLS - 1)]
            node = jnp.where(ended, node, following)
        rows = (jnp.arange(batch)[:, None] * width + parent).reshape(-1)
        found = _Search(
            state=model.apply(variables, state, rows, method="gather_state"),
            previous=token,
            log_prob=log_prob,
            ended=ended | (token == alphabet.EOS),
            node=node,
            length=inherit(search.length) + ~ended,
            tokens=inherit(search.tokens).at[:, :, time].set(token),
            lost=lost,
        )
        return found, None

    first = model.apply(variables, targets, method="encode")
    rows = jnp.repeat(jnp.arange(batch), width)
    # All beams start alike: only the first counts until they differ.
    alone = jnp.where(jnp.arange(width) == 0, 0.0, -jnp.inf)
    shape = (batch, width)
    start = _Search(
        state=model.apply(variables, first, rows, method="gather_state"),
        previous=jnp.full(shape, alphabet.BOS, jnp.uint8),
        log_prob=jnp.broadcast_to(alone, shape),
        ended=jnp.zeros(shape, bool),
        node=jnp.zeros(shape, jnp.int32),
        length=jnp.zeros(shape, jnp.int32),
        tokens=jnp.zeros((*shape, steps), jnp.uint8),
        lost=jnp.full(batch, -jnp.inf),
    )
    search, _ = lax.scan(step, start, jnp.arange(steps))
    log_prob, choices = search.log_prob, jnp.full(shape, NOWHERE)
    if sequence_of is not None:
        choices = sequence_of[search.node]
        # A beam that there is not stands anywhere.
        choices = jnp.where(jnp.isfinite(log_prob), choices, NOWHERE)
    scores = log_prob / search.length.astype(jnp.float32) ** length_penalty
    scores, order = lax.top_k(scores, answers)
    tokens = jnp.take_along_axis(search.tokens, order[..., None], axis=1)
    log_prob, choices = (
        jnp.take_along_axis(x, order, axis=1) for x in (log_prob, choices)
    )
    return tokens, log_prob, scores, choices, search.lost


def decode(
    model: Any,
    params: Mapping[str, Any],
    targets: UInt8[np.ndarray, "rows target_length"],
    *,
    width: int = 8,
    answers: int = 1,
    trie: Trie | None = None,
    length_penalty: float = 0.0,
    temperature: float = 1.0,
    batch_size: int = 64,
) -> Beams:
    """Find the likeliest answers for each target.

    The search keeps the likeliest `width` prefixes at every step; an answer that has
    ended keeps its place among them. With a trie every prefix is one of a real miRNA,
    and every answer a real one. BOS is never an answer.

    Args:
      model: a generator with `encode`, `decode_step`, `gather_state` and
        `max_mirna_length`.
      params: its parameters.
      targets: target tokens, 5'→3'; none is fine.
      width: prefixes kept.
      answers: wanted for each target, at most `width`.
      trie: of the allowed miRNAs, none longer than the model emits.
      length_penalty: answers are ordered by log P / length**length_penalty, where the
        length counts the EOS; 0 orders by log P, 1 by the mean a symbol.
      temperature: the logits are divided by it.
      batch_size: targets searched at a time.

    Returns:
      One row a target, in order.

    Raises:
      ValueError: for an argument out of range, or a trie of miRNAs too long.

    References:
      Freitag & Al-Onaizan 2017, doi 10.18653/v1/W17-3207 (beam search).
      Wu et al. 2016, arXiv 1609.08144 (normalising by length).
    """
    if not 1 <= answers <= width:
        raise ValueError(f"{answers=} must be from 1 to {width=}")
    if not temperature > 0.0:
        raise ValueError(f"{temperature=} must be above 0")
    if trie is not None and trie.longest > model.max_mirna_length:
        raise ValueError(
            f"an allowed miRNA has {trie.longest} nt, but the model emits at most "
            f"{model.max_mirna_length}"
        )
    children, sequence_of = (None, None) if trie is None else map(jnp.asarray, trie[1:])
    return in_batches(
        lambda batch: Beams(
            *search_batch(
                model,
                params,
                batch,
                children,
                sequence_of,
                temperature,
                width=width,
                answers=answers,
                length_penalty=length_penalty,
            )
        ),
        targets,
        batch_size,
    )
