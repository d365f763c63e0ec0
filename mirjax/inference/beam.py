"""Beam search for whole batches of targets, free or along a trie of allowed miRNAs."""

import functools
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct
from jax import lax
from jaxtyping import Array, Bool, Float, Int, UInt8

from mirjax.inference.in_batches import in_batches
from mirjax.inference.options import BEAM_WIDTH
from mirjax.inference.trie import NOWHERE, Trie
from mirjax.models.interfaces import DecoderState, Generator
from mirjax.sequences import alphabet
from mirjax.sequences.alphabet import NUM_SYMBOLS

_STAY = NUM_SYMBOLS  # the choice of an ended prefix, beside the symbols


@struct.dataclass
class BeamOptions:
    """Options of a beam search.

    Attributes:
      width: prefixes kept at each step.
      num_predictions: wanted for each target, at most `width`.
      length_penalty: predictions are ordered by log P / length**length_penalty, where
        the length counts the EOS: 0 orders by log P, 1 by its mean per symbol.
      temperature: the logits are divided by it. It is traced: all share one program.
      batch_size: targets at a time.
    """

    width: int = struct.field(pytree_node=False, default=BEAM_WIDTH)
    num_predictions: int = struct.field(pytree_node=False, default=1)
    length_penalty: float = struct.field(pytree_node=False, default=0.0)
    temperature: float | Float[Array, ""] = 1.0
    batch_size: int = struct.field(pytree_node=False, default=64)


class Beams(NamedTuple):
    """The best predictions for each target, best first.

    Attributes:
      tokens: letters, 5'→3', then EOS unless the steps ran out, then padding.
      log_probs: log P(miRNA and its EOS | target), natural logarithm; -infinity if
        there are fewer predictions than wanted.
      scores: what predictions are ordered by: log_probs, or these normalised by length.
      choices: along a trie, the index of each prediction in its `sequences`; else -1.
      best_pruned_log_prob: log P of the likeliest prefix that the search pruned.
        Predictions of a higher log P are exactly those that an exhaustive search would
        find, since no continuation of a prefix is likelier than the prefix.
    """

    tokens: UInt8[np.ndarray, "rows predictions time"]
    log_probs: Float[np.ndarray, "rows predictions"]
    scores: Float[np.ndarray, "rows predictions"]
    choices: Int[np.ndarray, "rows predictions"]
    best_pruned_log_prob: Float[np.ndarray, " rows"]


class TrieArrays(NamedTuple):
    """A trie on the device; see `Trie`."""

    children: Int[Array, "nodes 6"]
    sequence_of: Int[Array, " nodes"]


class _Search(NamedTuple):
    """The beams of all targets: arrays of [targets, width] slots."""

    state: DecoderState
    previous: Array  # uint8; PAD once a prefix has ended
    log_prob: Array  # float32; -infinity in an unused slot
    ended: Array  # bool
    node: Array  # int32, in the trie
    length: Array  # int32, symbols so far, EOS included
    tokens: Array  # uint8 [targets, width, time]
    best_pruned: Array  # float32 [targets], log P


@functools.partial(jax.jit, static_argnames=("model",))
def search_batch(
    model: Generator,
    params: Mapping[str, Any],
    targets: UInt8[Array, "batch target_length"],
    trie: TrieArrays | None,
    options: BeamOptions,
) -> tuple[
    UInt8[Array, "batch predictions time"],
    Float[Array, "batch predictions"],
    Float[Array, "batch predictions"],
    Int[Array, "batch predictions"],
    Float[Array, " batch"],
]:
    """Search one batch; see `decode`.

    Args:
      model: a generator.
      params: its parameters.
      targets: target tokens, 5'→3'.
      trie: of the allowed miRNAs, if not all are.
      options: of the search; the number of targets is the batch size.

    Returns:
      The fields of `Beams`.
    """
    apply = functools.partial(model.apply, {"params": params})
    batch, width = len(targets), options.width

    def step(search: _Search, time: Array) -> tuple[_Search, None]:
        state, logits = apply(
            search.state, search.previous.reshape(-1), method="decode_step"
        )
        log_probs = jax.nn.log_softmax(
            logits.astype(jnp.float32) / options.temperature
        ).reshape(batch, width, -1)
        search, parent = _extend(search, log_probs, trie, time)
        rows = (jnp.arange(batch)[:, None] * width + parent).reshape(-1)
        state = apply(state, rows, method="gather_state")
        return search._replace(state=state), None

    encoded = apply(targets, method="encode")
    rows = jnp.repeat(jnp.arange(batch), width)
    steps = model.max_mirna_length + 1
    start = _start(apply(encoded, rows, method="gather_state"), (batch, width), steps)
    search, _ = lax.scan(step, start, jnp.arange(steps))
    return _best(search, trie, options)


def _start(state: DecoderState, shape: tuple[int, int], steps: int) -> _Search:
    """Return the beams before the first step: of each target, one slot is used."""
    first_alone = jnp.where(jnp.arange(shape[1]) == 0, 0.0, -jnp.inf)
    return _Search(
        state=state,
        previous=jnp.full(shape, alphabet.BOS, jnp.uint8),
        log_prob=jnp.broadcast_to(first_alone, shape),
        ended=jnp.zeros(shape, bool),
        node=jnp.zeros(shape, jnp.int32),
        length=jnp.zeros(shape, jnp.int32),
        tokens=jnp.zeros((*shape, steps), jnp.uint8),
        best_pruned=jnp.full(shape[0], -jnp.inf),
    )


def _allowed(
    search: _Search, trie: TrieArrays | None
) -> Bool[Array, "batch width symbols"]:
    """Return which symbols may follow each prefix: BOS never does."""
    allowed = jnp.arange(NUM_SYMBOLS) != alphabet.BOS - 1
    allowed = jnp.broadcast_to(allowed, (*search.node.shape, NUM_SYMBOLS))
    if trie is not None:
        allowed &= trie.children[search.node] != NOWHERE
    return allowed


def _extend(
    search: _Search,
    log_probs: Float[Array, "batch width symbols"],
    trie: TrieArrays | None,
    time: Int[Array, ""],
) -> tuple[_Search, Int[Array, "batch width"]]:
    """Extend every prefix by every symbol, and keep the likeliest.

    Args:
      search: before the step.
      log_probs: of the next symbol after each prefix.
      trie: of the allowed miRNAs, if not all are.
      time: the step, from 0.

    Returns:
      The beams with the decoder's former state, and the slot that each prefix extends.
    """
    width = log_probs.shape[1]
    # An ended prefix is extended by padding alone, at no cost.
    stay = jnp.full(NUM_SYMBOLS + 1, -jnp.inf).at[_STAY].set(0.0)
    gains = jnp.where(_allowed(search, trie), log_probs, -jnp.inf)
    gains = jnp.pad(gains, ((0, 0), (0, 0), (0, 1)), constant_values=-jnp.inf)
    gains = jnp.where(search.ended[..., None], stay[None, None], gains)
    reached = search.log_prob[..., None] + gains
    log_prob, choice = lax.top_k(reached.reshape(len(reached), -1), width + 1)
    best_pruned = jnp.maximum(search.best_pruned, log_prob[:, width])
    log_prob, choice = log_prob[:, :width], choice[:, :width]
    parent, symbol = jnp.divmod(choice, NUM_SYMBOLS + 1)

    def inherit(x: Array) -> Array:
        index = parent.reshape(*parent.shape, *[1] * (x.ndim - 2))
        return jnp.take_along_axis(x, index, axis=1)

    ended = symbol == _STAY
    token = jnp.where(ended, alphabet.PAD, symbol + 1).astype(jnp.uint8)
    node = inherit(search.node)
    if trie is not None:
        following = trie.children[node, jnp.minimum(symbol, NUM_SYMBOLS - 1)]
        node = jnp.where(ended, node, following)
    extended = search._replace(
        previous=token,
        log_prob=log_prob,
        ended=ended | (token == alphabet.EOS),
        node=node,
        length=inherit(search.length) + (~ended).astype(jnp.int32),
        tokens=inherit(search.tokens).at[:, :, time].set(token),
        best_pruned=best_pruned,
    )
    return extended, parent


def _best(
    search: _Search, trie: TrieArrays | None, options: BeamOptions
) -> tuple[Array, Array, Array, Array, Array]:
    """Return the best predictions of finished beams: the fields of `Beams`."""
    log_prob, choices = search.log_prob, jnp.full(search.node.shape, NOWHERE)
    if trie is not None:
        choices = trie.sequence_of[search.node]
        # The node of an unused slot means nothing.
        choices = jnp.where(jnp.isfinite(log_prob), choices, NOWHERE)
    scores = log_prob / search.length.astype(jnp.float32) ** options.length_penalty
    scores, order = lax.top_k(scores, options.num_predictions)
    tokens = jnp.take_along_axis(search.tokens, order[..., None], axis=1)
    log_prob, choices = (
        jnp.take_along_axis(x, order, axis=1) for x in (log_prob, choices)
    )
    return tokens, log_prob, scores, choices, search.best_pruned


def decode(
    model: Generator,
    params: Mapping[str, Any],
    targets: UInt8[np.ndarray, "rows target_length"],
    options: BeamOptions | None = None,
    *,
    trie: Trie | None = None,
) -> Beams:
    """Find the likeliest miRNAs for each target.

    The search keeps the likeliest prefixes at every step; one that has ended keeps its
    slot among them. Along a trie, every prefix is one of an allowed miRNA, and every
    prediction is an allowed miRNA. BOS is never predicted.

    Args:
      model: a generator.
      params: its parameters.
      targets: target tokens, 5'→3'; there may be no rows.
      options: of the search; by default `BeamOptions()`.
      trie: of the allowed miRNAs, none longer than the model emits.

    Returns:
      One row per target, in order.

    Raises:
      ValueError: for an option out of range, or a trie of miRNAs too long.

    References:
      Freitag & Al-Onaizan 2017, doi 10.18653/v1/W17-3207 (beam search).
      Wu et al. 2016, arXiv 1609.08144 (normalising by length).
    """
    options = options or BeamOptions()
    width, num_predictions = options.width, options.num_predictions
    if not 1 <= num_predictions <= width:
        raise ValueError(f"{num_predictions=} must be from 1 to {width=}")
    if not options.temperature > 0.0:
        raise ValueError(f"temperature={options.temperature} must be above 0")
    if trie is not None and trie.longest > model.max_mirna_length:
        raise ValueError(
            f"an allowed miRNA has {trie.longest} nt, but the model emits at most "
            f"{model.max_mirna_length}"
        )
    arrays = None
    if trie is not None:
        arrays = TrieArrays(jnp.asarray(trie.children), jnp.asarray(trie.sequence_of))
    return in_batches(
        lambda batch: Beams(*search_batch(model, params, batch, arrays, options)),
        targets,
        options.batch_size,
    )
