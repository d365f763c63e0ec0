"""Exact ranking: log P(miRNA | target) of every miRNA of a list.

What miRNAs share is computed once: the target's encoding for all of them, and each
beginning for those that begin alike; and what does not depend on the target, for all
targets at once.
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
from mirjax.inference.in_batches import in_batches
from mirjax.inference.trie import NOWHERE, build_trie
from mirjax.sequences import alphabet
from mirjax.sequences.prefix_tree import PrefixTree, plan_trees

_TREE = 64  # miRNAs read at a time; with the batch of targets it bounds memory


@functools.partial(jax.jit, static_argnames=("model",))
def rank_batch(
    model: Any,
    params: Mapping[str, Any],
    targets: UInt8[Array, "batch target_length"],
    trees: PrefixTree,
    temperature: Float[Array, ""] | float,
) -> Float[Array, "batch mirnas"]:
    """Return log P(miRNA and its EOS | target) of the miRNAs of all trees in turn.

    Args:
      model: as for `rank`.
      params: its parameters.
      targets: target tokens, 5'→3'.
      trees: of one shape, stacked along a new first axis.
      temperature: the logits are divided by it.
    """
    variables = {"params": params}
    state = model.apply(variables, targets, steps=0, method="encode")

    def score(tree: PrefixTree) -> Float[Array, "batch size"]:
        logits = model.apply(variables, state, tree, method="read_tree")
        log_probs = jax.nn.log_softmax(logits.astype(jnp.float32) / temperature)
        symbols = jnp.maximum(tree.following.astype(jnp.int32) - 1, 0)
        gained = log_probs[:, tree.paths, symbols]
        real = (tree.following != alphabet.PAD)[None]
        return jnp.sum(jnp.where(real, gained, 0.0), axis=-1)

    # One tree after the other, so that the memory of one serves the next.
    scores = lax.map(score, trees)
    return jnp.swapaxes(scores, 0, 1).reshape(len(targets), -1)


def rank(
    model: Any,
    params: Mapping[str, Any],
    targets: UInt8[np.ndarray, "rows target_length"],
    mirnas: Sequence[str],
    *,
    temperature: float = 1.0,
    batch_size: int = 4,
) -> Float[np.ndarray, "rows mirnas"]:
    """Return log P(miRNA and its EOS | target) of every miRNA for every target.

    Args:
      model: a generator with `encode` and `read_tree`.
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
    plan = plan_trees(mirnas, _TREE)
    longest = max(map(len, mirnas))
    if longest > model.max_mirna_length:
        raise ValueError(
            f"a miRNA to rank has {longest} nt, but the model emits at most "
            f"{model.max_mirna_length}"
        )
    trees = jax.tree.map(lambda *arrays: np.stack(arrays), *plan.trees)
    params, trees = jax.device_put((params, trees))
    scores = in_batches(
        lambda batch: (rank_batch(model, params, batch, trees, temperature),),
        targets,
        batch_size,
    )[0]
    return scores[:, plan.places]


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
      model: as for `rank`, and for `beam.decode`.
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
