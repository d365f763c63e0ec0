"""Exact ranking: log P(miRNA | target) of every miRNA of a list.

Shared work is done once: the encoding of a target for all miRNAs, each prefix for all
miRNAs that have it, and computations without the target for all targets.
"""

import functools
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int, UInt8

from mirjax.inference import beam
from mirjax.inference.finite import check_log_probs
from mirjax.inference.in_batches import in_batches
from mirjax.inference.trie import NOWHERE, build_trie
from mirjax.models.interfaces import Generator
from mirjax.sequences import alphabet
from mirjax.sequences.prefix_tree import PrefixTree, plan_trees

TREE_SIZE = 64  # miRNAs read at a time; with the batch of targets it bounds memory


@functools.partial(jax.jit, static_argnames=("model",))
def rank_batch(
    model: Generator,
    params: Mapping[str, Any],
    targets: UInt8[Array, "batch target_length"],
    trees: PrefixTree,
) -> Float[Array, "batch mirnas"]:
    """Return log P(miRNA and its EOS | target) for one batch of targets.

    Args:
      model: a generator.
      params: its parameters.
      targets: target tokens, 5'→3'.
      trees: prefix trees of one shape, stacked along a new first axis.

    Returns:
      A column for each miRNA of each tree in turn.
    """
    variables = {"params": params}
    state = model.apply(variables, targets, steps=0, method="encode")

    def score(tree: PrefixTree) -> Float[Array, "batch size"]:
        logits = model.apply(variables, state, tree, method="read_tree")
        log_probs = jax.nn.log_softmax(logits.astype(jnp.float32))
        symbols = jnp.maximum(tree.following.astype(jnp.int32) - 1, 0)
        gained = log_probs[:, tree.paths, symbols]
        valid = (tree.following != alphabet.PAD)[None]
        return jnp.sum(jnp.where(valid, gained, 0.0), axis=-1)

    # One tree after another, to bound memory.
    scores = lax.map(score, trees)
    return jnp.swapaxes(scores, 0, 1).reshape(len(targets), -1)


def rank(
    model: Generator,
    params: Mapping[str, Any],
    targets: UInt8[np.ndarray, "rows target_length"],
    mirnas: Sequence[str],
    *,
    batch_size: int = 4,
) -> Float[np.ndarray, "rows mirnas"]:
    """Return log P(miRNA and its EOS | target) of every miRNA for every target.

    Args:
      model: a generator.
      params: its parameters.
      targets: target tokens, 5'→3'; there may be no rows.
      mirnas: distinct, none longer than the model emits.
      batch_size: targets at a time; bounds memory.

    Raises:
      ValueError: if there are no miRNAs, or one is empty, given twice or too long.
      FloatingPointError: if a log-probability is NaN.
    """
    plan = plan_trees(mirnas, TREE_SIZE)
    longest = max(map(len, mirnas))
    if longest > model.max_mirna_length:
        raise ValueError(
            f"a miRNA to rank has {longest} nt, but the model emits at most "
            f"{model.max_mirna_length}"
        )
    trees = jax.tree.map(lambda *arrays: np.stack(arrays), *plan.trees)
    params, trees = jax.device_put((params, trees))
    scores = in_batches(
        lambda batch: (rank_batch(model, params, batch, trees),),
        targets,
        batch_size,
    )[0]
    check_log_probs(scores)
    return scores[:, plan.places]


class TrueRanks(NamedTuple):
    """Ranks of the true miRNA of each target.

    Attributes:
      ranks: from 1; infinity if the true miRNA is not a candidate.
      first: index of the candidate of rank 1.
    """

    ranks: Float[np.ndarray, " rows"]
    first: Int[np.ndarray, " rows"]


def rank_true(
    model: Generator,
    params: Mapping[str, Any],
    targets: UInt8[np.ndarray, "rows target_length"],
    true: Sequence[str],
    mirnas: Sequence[str],
    *,
    width: int = 64,
) -> TrueRanks:
    """Find the exact rank of the true miRNA of each target by log P(miRNA | target).

    A beam search along the trie of the candidates gives the exact rank if the true
    miRNA is likelier than every pruned prefix. For the other targets, all candidates
    are ranked.

    Args:
      model: a generator.
      params: its parameters.
      targets: target tokens, 5'→3'.
      true: the miRNA of each target.
      mirnas: the candidates, distinct, none longer than the model emits.
      width: prefixes that the beam keeps.
    """
    indices = {mirna: index for index, mirna in enumerate(mirnas)}
    own = np.array([indices.get(mirna, NOWHERE) for mirna in true], int)
    width = min(width, len(mirnas))
    options = beam.BeamOptions(width=width, num_predictions=width)
    beams = beam.decode(model, params, targets, options, trie=build_trie(mirnas))
    check_log_probs(beams.log_probs)
    is_own = (beams.choices == own[:, None]) & (own != NOWHERE)[:, None]
    own_log_prob = np.max(beams.log_probs, axis=1, initial=-np.inf, where=is_own)
    ranks = 1.0 + np.sum(beams.log_probs > own_log_prob[:, None], axis=1)
    ranks[own == NOWHERE] = np.inf
    first = beams.choices[:, 0].copy()
    # A true miRNA that is not a candidate has no rank: only the first is needed.
    needed = np.where(own == NOWHERE, beams.log_probs[:, 0], own_log_prob)
    rest = np.flatnonzero(~(needed > beams.best_pruned_log_prob))
    if len(rest):
        scores = rank(model, params, targets[rest], mirnas)
        first[rest] = scores.argmax(axis=1)
        known = own[rest] != NOWHERE
        own_scores = scores[known, own[rest][known]]
        ranks[rest[known]] = 1.0 + np.sum(scores[known] > own_scores[:, None], axis=1)
    return TrueRanks(ranks, first)
