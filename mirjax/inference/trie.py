"""A trie of allowed miRNAs: which symbols may follow each prefix."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from mirjax.sequences import alphabet
from mirjax.sequences.alphabet import NUM_SYMBOLS

NOWHERE = -1  # no node, or no sequence


class Trie(NamedTuple):
    """Prefixes of sequences as numbered nodes; node 0 is the empty prefix.

    Attributes:
      sequences: the distinct sequences, in the order given.
      children: the node that each symbol (A, U, C, G, BOS, EOS) leads to, or NOWHERE.
        EOS leads to a leaf, which has no children.
      sequence_of: index of the sequence that ends at each leaf; NOWHERE at other nodes.
    """

    sequences: tuple[str, ...]
    children: Int[np.ndarray, "nodes 6"]
    sequence_of: Int[np.ndarray, " nodes"]

    @property
    def longest(self) -> int:
        """Length of the longest sequence, in letters."""
        return max(map(len, self.sequences))


def build_trie(sequences: Sequence[str]) -> Trie:
    """Build the trie of some sequences.

    Args:
      sequences: over A, U, C, G; duplicates are ignored.

    Raises:
      ValueError: if there are none.

    >>> build_trie(["AU", "A", "AU"]).sequences
    ('AU', 'A')
    """
    distinct = tuple(dict.fromkeys(sequences))
    if not distinct:
        raise ValueError("no sequences to build a trie of")
    symbols = {letter: i for i, letter in enumerate(alphabet.LETTERS)}
    children: list[list[int]] = [[NOWHERE] * NUM_SYMBOLS]
    sequence_of = [NOWHERE]

    def follow(node: int, symbol: int) -> int:
        if children[node][symbol] == NOWHERE:
            children[node][symbol] = len(children)
            children.append([NOWHERE] * NUM_SYMBOLS)
            sequence_of.append(NOWHERE)
        return children[node][symbol]

    for number, sequence in enumerate(distinct):
        node = 0
        for letter in sequence:
            node = follow(node, symbols[letter])
        sequence_of[follow(node, alphabet.EOS - 1)] = number
    return Trie(distinct, np.array(children, np.int32), np.array(sequence_of, np.int32))
