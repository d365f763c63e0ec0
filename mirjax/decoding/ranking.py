"""Exact ranking: log P(miRNA | target) of every miRNA of a list.

What miRNAs share is computed once: the target's encoding for all of them, and each
beginning for those that begin alike. The rest of each miRNA is one teacher-forced pass
over many at a time.
"""

import functools
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, UInt8

from mirjax.data import alphabet
from mirjax.decoding import beam
from mirjax.decoding.in_batches import in_batches
from mirjax.decoding.trie import NOWHERE, build_trie

# Beginnings are shared up to the length at which this share of the miRNAs, in number,
# begins differently: beyond, few share more.
_DISTINCT_SHARE = 0.8
_BLOCK = 256  # miRNAs scored at a time; with the batch of targets it bounds memory
_STRIDE = 2  # blocks of nearly equal lengths, to a multiple of this, compile once


class Level(NamedTuple):
    """The different beginnings of one length.

    Attributes:
      parents: of each, the beginning that is one letter shorter.
      tokens: their last letters.
    """

    parents: Int[np.ndarray, " nodes"]
    tokens: UInt8[np.ndarray, " nodes"]


class Block(NamedTuple):
    """Some miRNAs, without the letters that all levels cover.

    Attributes:
      columns: their numbers in the list.
      prefixes: the beginning of each, in the last level.
      tokens: the last letter of the beginning, the letters after it, EOS, padding.
    """

    columns: Int[np.ndarray, " size"]
    prefixes: Int[np.ndarray, " size"]
    tokens: UInt8[np.ndarray, "size time"]


class Plan(NamedTuple):
    """In what order miRNAs are scored."""

    levels: tuple[Level, ...]
    blocks: tuple[Block, ...]


def make_plan(mirnas: Sequence[str]) -> Plan:
    """Plan how to score miRNAs.

    Args:
      mirnas: distinct sequences over A, U, C, G.

    Raises:
      ValueError: if there are none, or one is empty or given twice.
    """
    if not mirnas or not all(mirnas):
        raise ValueError("no miRNAs to rank, or an empty one")
    if len(set(mirnas)) < len(mirnas):
        raise ValueError("a miRNA to rank is given twice")
    levels: list[Level] = []
    previous = {"": 0}
    for depth in range(1, min(map(len, mirnas)) + 1):
        nodes = sorted({mirna[:depth] for mirna in mirnas})
        parents = [previous[node[:-1]] for node in nodes]
        levels.append(
            Level(np.array(parents, np.int32), alphabet.encode(nodes, depth)[:, -1])
        )
        previous = {node: number for number, node in enumerate(nodes)}
        if len(nodes) >= _DISTINCT_SHARE * len(mirnas):
            break
    depth = len(levels)
    longest_first = np.argsort([-len(mirna) for mirna in mirnas], kind="stable")
    blocks = []
    for start in range(0, len(mirnas), _BLOCK):
        columns = longest_first[start : start + _BLOCK]
        chosen = [mirnas[column] for column in columns]
        time = len(chosen[0]) - depth + 2  # the letter before, the rest, EOS
        tokens = np.zeros((len(chosen), time + -time % _STRIDE), np.uint8)
        tokens[:, : time - 1] = alphabet.encode(
            [mirna[depth - 1 :] for mirna in chosen], time - 1
        )
        tokens[np.arange(len(chosen)), alphabet.lengths(chosen) - depth + 1] = (
            alphabet.EOS
        )
        prefixes = np.array([previous[mirna[:depth]] for mirna in chosen], np.int32)
        blocks.append(Block(columns, prefixes, tokens))
    return Plan(tuple(levels), tuple(blocks))


def _log_softmax(logits: Array, temperature: Array | float) -> Array:
    return jax.nn.log_softmax(logits.astype(jnp.float32) / temperature)


@functools.partial(jax.jit, static_argnames=("model",))
def read_levels(
    model: Any,
    params: Mapping[str, Any],
    targets: UInt8[Array, "batch target_length"],
    levels: Sequence[Level],
    temperature: Float[Array, ""] | float,
) -> tuple[Any, Float[Array, "batch nodes"]]:
    """Read every beginning but its last letter.

    Returns:
      The model's state of the beginnings, and log P(beginning | target).
    """
    variables, batch = {"params": params}, len(targets)
    state = model.apply(variables, targets, steps=len(levels), method="encode")
    previous = jnp.full((batch, 1), alphabet.BOS, jnp.uint8)
    log_prob = jnp.zeros((batch, 1), jnp.float32)
    for level in levels:
        parents = jnp.asarray(level.parents)
        state, logits = model.apply(
            variables, state, previous.reshape(-1), method="decode_step"
        )
        log_probs = _log_softmax(logits, temperature).reshape(*log_prob.shape, -1)
        rows = jnp.arange(batch)[:, None] * log_prob.shape[1] + parents[None]
        state = model.apply(variables, state, rows.reshape(-1), method="take_rows")
        gained = log_probs[:, parents, jnp.asarray(level.tokens) - 1]
        log_prob = log_prob[:, parents] + gained
        previous = jnp.broadcast_to(jnp.asarray(level.tokens)[None], log_prob.shape)
    return state, log_prob


@functools.partial(jax.jit, static_argnames=("model",))
def score_block(
    model: Any,
    params: Mapping[str, Any],
    state: Any,
    beginnings: Float[Array, "batch nodes"],
    prefixes: Int[Array, " size"],
    tokens: UInt8[Array, "size time"],
    temperature: Float[Array, ""] | float,
) -> Float[Array, "batch size"]:
    """Return log P(miRNA | target) of a block; see `read_levels` and `Block`."""
    batch, nodes = beginnings.shape
    rows = jnp.arange(batch)[:, None] * nodes + prefixes[None]
    variables = {"params": params}
    state = model.apply(variables, state, rows.reshape(-1), method="take_rows")
    logits = model.apply(
        variables,
        state,
        jnp.tile(tokens[:, :-1], (batch, 1)),
        method="read_letters",
    )
    log_probs = _log_softmax(logits, temperature)
    following = tokens[:, 1:]
    log_probs = log_probs.reshape(batch, *following.shape, -1)
    symbols = jnp.maximum(following.astype(jnp.int32) - 1, 0)
    gained = jnp.take_along_axis(log_probs, symbols[None, ..., None], axis=-1)[..., 0]
    real = (following != alphabet.PAD)[None]
    return beginnings[:, prefixes] + jnp.sum(jnp.where(real, gained, 0.0), axis=-1)


def rank(
    model: Any,
    params: Mapping[str, Any],
    targets: UInt8[np.ndarray, "rows target_length"],
    mirnas: Sequence[str],
    *,
    temperature: float = 1.0,
    batch_size: int = 8,
) -> Float[np.ndarray, "rows mirnas"]:
    """Return log P(miRNA and its EOS | target) of every miRNA for every target.

    Args:
      model: a generator with `encode`, `decode_step`, `read_letters` and `take_rows`.
      params: its parameters.
      targets: target tokens, 5'→3'; none is fine.
      mirnas: distinct, none longer than the model emits.
      temperature: the logits are divided by it.
      batch_size: targets at a time; they bound the memory.

    Raises:
      ValueError: if there are no miRNAs, or one is empty, given twice or too long; or
        for a temperature that is not positive.
    """
    if not temperature > 0.0:
        raise ValueError(f"{temperature=} must be above 0")
    plan = make_plan(mirnas)
    longest = max(map(len, mirnas))
    if longest > model.max_mirna_length:
        raise ValueError(
            f"a miRNA to rank has {longest} nt, but the model emits at most "
            f"{model.max_mirna_length}"
        )
    order = np.argsort(np.concatenate([block.columns for block in plan.blocks]))

    def rank_batch(batch: Array) -> tuple[Any]:
        state, beginnings = read_levels(model, params, batch, plan.levels, temperature)
        scores = [
            score_block(
                model,
                params,
                state,
                beginnings,
                block.prefixes,
                block.tokens,
                temperature,
            )
            for block in plan.blocks
        ]
        return (jnp.concatenate(scores, axis=1)[:, order],)

    return in_batches(rank_batch, targets, batch_size)[0]


class TrueRanks(NamedTuple):
    """Where the true miRNA of each target stands.

    Attributes:
      ranks: from 1; infinity where it is no candidate.
      first: the number of the candidate that stands first.
      by_beam: the targets that a beam settled; the others took a whole ranking.
    """

    ranks: Float[np.ndarray, " rows"]
    first: Int[np.ndarray, " rows"]
    by_beam: int


def rank_true(
    model: Any,
    params: Mapping[str, Any],
    targets: UInt8[np.ndarray, "rows target_length"],
    true: Sequence[str],
    mirnas: Sequence[str],
    *,
    width: int = 64,
) -> TrueRanks:
    """Find the exact rank of the true miRNA of each target by log P(miRNA | target).

    A beam along the trie settles every target whose true miRNA is likelier than all
    that the beam had no place for; only the others are ranked whole.

    Args:
      model: as for `rank`.
      params: its parameters.
      targets: target tokens, 5'→3'.
      true: the miRNA of each target.
      mirnas: the candidates, distinct, none longer than the model emits.
      width: of the beam.
    """
    numbers = {mirna: number for number, mirna in enumerate(mirnas)}
    own = np.array([numbers.get(mirna, NOWHERE) for mirna in true], int)
    width = min(width, len(mirnas))
    found = beam.decode(
        model, params, targets, width=width, answers=width, trie=build_trie(mirnas)
    )
    is_own = (found.choices == own[:, None]) & (own != NOWHERE)[:, None]
    own_log_prob = np.max(found.log_probs, axis=1, initial=-np.inf, where=is_own)
    ranks = 1.0 + np.sum(found.log_probs > own_log_prob[:, None], axis=1)
    ranks[own == NOWHERE] = np.inf
    first = found.choices[:, 0].copy()
    # One that is no candidate has no rank, and then the first alone is asked for.
    asked = np.where(own == NOWHERE, found.log_probs[:, 0], own_log_prob)
    rest = np.flatnonzero(~(asked > found.lost))
    if len(rest):
        scores = rank(model, params, targets[rest], mirnas)
        first[rest] = scores.argmax(axis=1)
        held = own[rest] != NOWHERE
        own_scores = scores[held, own[rest][held]]
        ranks[rest[held]] = 1.0 + np.sum(scores[held] > own_scores[:, None], axis=1)
    return TrueRanks(ranks, first, len(targets) - len(rest))
