"""Prefix trees of miRNAs, which a generator reads in one pass."""

from collections.abc import Sequence
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int, UInt8

from mirjax.sequences import alphabet


class Level(NamedTuple):
    """The distinct prefixes of one length.

    Attributes:
      tokens: the last letter of each prefix; BOS for the empty one.
      parents: index, in the previous level, of each prefix without its last letter.
    """

    tokens: UInt8[Array | np.ndarray, " nodes"]
    parents: Int[Array | np.ndarray, " nodes"]


class PrefixTree(NamedTuple):
    """The distinct prefixes of some miRNAs, its nodes.

    Attributes:
      levels: prefixes of 0 letters, of 1 letter, and so on; some levels are padded.
      paths: the nodes of each miRNA, from the root on; padded with the root.
      following: the symbol after each node of a path: the letters, EOS, then PAD.
      places: index of each node's first occurrence in the flattened paths.
    """

    levels: tuple[Level, ...]
    paths: Int[Array | np.ndarray, "mirnas time"]
    following: UInt8[Array | np.ndarray, "mirnas time"]
    places: Int[Array | np.ndarray, " nodes"]

    def windows(self, width: int) -> UInt8[Array, "nodes width"]:
        """Return the last letters of each node, in reverse; PAD stands before BOS.

        Args:
          width: letters to return.
        """
        before = jnp.zeros((1, width), jnp.uint8)
        windows = []
        for level in self.levels:
            before = jnp.roll(before[level.parents], 1, axis=1)
            before = before.at[:, 0].set(level.tokens)
            windows.append(before)
        return jnp.concatenate(windows)

    @property
    def depths(self) -> Int[np.ndarray, " nodes"]:
        """The number of letters of each node."""
        sizes = [len(level.tokens) for level in self.levels]
        return np.repeat(np.arange(len(sizes)), sizes)


class Plan(NamedTuple):
    """The order in which miRNAs are read.

    Attributes:
      trees: trees of one shape, each of successive miRNAs in alphabetical order.
      places: index of each listed miRNA among those of all trees.
    """

    trees: tuple[PrefixTree, ...]
    places: Int[Array | np.ndarray, " mirnas"]


def plan_trees(mirnas: Sequence[str], size: int) -> Plan:
    """Divide miRNAs into trees of one shape, so that reading them compiles once.

    Args:
      mirnas: distinct sequences over A, U, C, G.
      size: miRNAs in a tree; the last tree is padded.

    Raises:
      ValueError: if there are none, or one is empty or given twice.
    """
    if not mirnas or not all(mirnas):
        raise ValueError("no miRNAs to rank, or an empty one")
    if len(set(mirnas)) < len(mirnas):
        raise ValueError("a miRNA to rank is given twice")
    size = min(size, len(mirnas))
    order = sorted(range(len(mirnas)), key=mirnas.__getitem__)
    time = max(map(len, mirnas)) + 1
    blocks = [
        [mirnas[number] for number in order[start : start + size]]
        for start in range(0, len(order), size)
    ]
    by_depth = [
        [sorted({mirna[:d] for mirna in block if len(mirna) >= d}) for d in range(time)]
        for block in blocks
    ]
    widths = [max(map(len, depth)) for depth in zip(*by_depth, strict=True)]
    trees = [
        _fill(block, prefixes, widths, size)
        for block, prefixes in zip(blocks, by_depth, strict=True)
    ]
    return Plan(tuple(trees), np.argsort(order))


def _fill(
    block: Sequence[str],
    by_depth: Sequence[Sequence[str]],
    widths: Sequence[int],
    size: int,
) -> PrefixTree:
    """Build the tree of one block, each level padded to its width."""
    node_of: dict[str, int] = {}
    levels = []
    starts = np.cumsum([0, *widths])
    for depth, prefixes in enumerate(by_depth):
        tokens = np.full(widths[depth], alphabet.PAD, np.uint8)
        parents = np.zeros(widths[depth], np.int32)
        for place, prefix in enumerate(prefixes):
            node_of[prefix] = starts[depth] + place
            if depth:
                parents[place] = node_of[prefix[:-1]] - starts[depth - 1]
        if depth:
            tokens[: len(prefixes)] = alphabet.encode(prefixes, depth)[:, -1]
        else:
            tokens[0] = alphabet.BOS
        levels.append(Level(tokens, parents))
    time = len(widths)
    paths = np.zeros((size, time), np.int32)
    following = np.zeros((size, time), np.uint8)
    following[: len(block)] = alphabet.encode(block, time)
    following[np.arange(len(block)), alphabet.lengths(block)] = alphabet.EOS
    places = np.zeros(starts[-1], np.int32)
    # In reverse, so that the first occurrence of a node is kept.
    for row, mirna in reversed(list(enumerate(block))):
        paths[row, : len(mirna) + 1] = [
            node_of[mirna[:depth]] for depth in range(len(mirna) + 1)
        ]
        for depth in range(len(mirna) + 1):
            places[paths[row, depth]] = row * time + depth
    return PrefixTree(tuple(levels), paths, following, places)
