"""Find rows whose target shares letters with a target that is reserved for testing.

A model that has seen a stretch of a test target in training is measured on what it
remembers. Two targets that share 20 letters in a row are windows of one transcript, or
of paralogues: by chance alone two random 50-mers do so once in 10⁹ pairs.
"""

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from jaxtyping import Bool

from mirjax.inputs import read_text
from mirjax.sequences.records import Pairs

LENGTH = 20  # nt
_DIGITS = 16  # hexadecimal digits of the SHA-256


def hash_words(targets: Iterable[str]) -> frozenset[str]:
    """Return the hashes of every 20 letters in a row of some targets.

    >>> sorted(hash_words(["ACGTACGTACGTACGTACGT", "ACGU"]))
    ['df3e7a7dc412a3df']

    Args:
      targets: 5'→3', of any length; U and T, upper and lower case are the same.

    Returns:
      The first 16 hexadecimal digits of the SHA-256 of each word, as DNA in upper
      case. A target of fewer than 20 letters has none.
    """
    return frozenset(
        hash_ for target in targets for hash_ in map(_hash, _words(target))
    )


def read_hashes(path: str | os.PathLike[str]) -> frozenset[str]:
    """Read a file of hashes, as `hash_words` makes them, one a line.

    It stands for a test set that is kept apart.

    Raises:
      ValueError: if the file is missing or empty, or a line is not a hash.
    """
    lines = read_text(path).split()
    for number, line in enumerate(lines, 1):
        if len(line) != _DIGITS or set(line) - set("0123456789abcdef"):
            raise ValueError(
                f"{path} line {number}: {line[:40]!r} is not a hash of {_DIGITS} "
                "hexadecimal digits in lower case"
            )
    return frozenset(lines)


def shares_word(
    targets: Sequence[str], reserved: frozenset[str]
) -> Bool[np.ndarray, " rows"]:
    """Determine which targets share 20 letters in a row with a reserved target.

    Args:
      targets: 5'→3'.
      reserved: the hashes of the reserved targets' words.

    Returns:
      Whether each one does.
    """
    found = {
        target: any(_hash(word) in reserved for word in _words(target))
        for target in dict.fromkeys(targets)
    }
    return np.array([found[target] for target in targets], bool)


def leaks(
    pairs: Pairs, tests: Sequence[Pairs], reserved: frozenset[str] = frozenset()
) -> Bool[np.ndarray, " rows"]:
    """Determine which rows must not be trained on.

    Args:
      pairs: candidates for training.
      tests: test sets.
      reserved: hashes of the words of further test targets; see `read_hashes`.

    Returns:
      Whether each row's target shares 20 letters in a row with a target of a test set,
      or the row repeats a pair of a test set (whose target may be shorter).
    """
    words = reserved.union(*(hash_words(test.targets) for test in tests))
    repeated = {
        pair for test in tests for pair in zip(test.mirnas, test.targets, strict=True)
    }
    own = zip(pairs.mirnas, pairs.targets, strict=True)
    return shares_word(pairs.targets, words) | np.array(
        [pair in repeated for pair in own], bool
    )


def _words(target: str) -> Iterator[str]:
    """Yield every 20 letters in a row, as DNA in upper case."""
    dna = target.upper().replace("U", "T")
    for start in range(len(dna) - LENGTH + 1):
        yield dna[start : start + LENGTH]


def _hash(word: str) -> str:
    return hashlib.sha256(word.encode("ascii")).hexdigest()[:_DIGITS]
