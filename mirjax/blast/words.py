"""Exact words: where in a database the words of queries occur.

The positions of a database are sorted once by the sixteen letters that follow each, two
bits a letter, so that all occurrences of any word lie side by side and two binary
searches find them: a join of sorted k-mers, for words of any length.
"""

import contextlib
import dataclasses
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Int64, UInt8, UInt32

from mirjax.sequences import alphabet

KEY_LETTERS = 16  # as many as 32 bits hold

_FOLDER = "words"
_CHUNK = 1 << 15  # occurrences; their arrays stay in the processor's cache


@dataclasses.dataclass(frozen=True, eq=False)
class WordIndex:
    """The positions of a database, sorted by the letters that follow.

    Attributes:
      letters: the database as `join_letters` gives it.
      keys: ascending; `KEY_LETTERS` letters each, a separator counting as an A.
      positions: where in `letters` each key's first letter is.
    """

    letters: UInt8[np.ndarray, " letters"]
    keys: UInt32[np.ndarray, " words"]
    positions: UInt32[np.ndarray, " words"]


@dataclasses.dataclass(frozen=True, eq=False)
class Occurrences:
    """Ranges of an index, one for each word of each query.

    Attributes:
      first: the range's first number.
      counts: its length.
    """

    first: Int64[np.ndarray, "queries words"]
    counts: Int64[np.ndarray, "queries words"]


def join_letters(sequences: Sequence[str]) -> UInt8[np.ndarray, " letters"]:
    """Join sequences to one array of tokens, a PAD before, between and after them.

    Args:
      sequences: RNA letters, 5'→3'.
    """
    text = "N".join(["", *sequences, ""])
    return alphabet.encode([text], len(text), unknown_as_pad=True)[0]


def build_index(letters: UInt8[np.ndarray, " letters"]) -> WordIndex:
    """Sort a database's positions by the letters that follow.

    Takes about 24 bytes of memory a letter while it works.

    Args:
      letters: as `join_letters` gives them.
    """
    keys = _keys(letters)
    pairs = (keys.astype(np.uint64) << np.uint64(32)) | np.arange(
        len(letters), dtype=np.uint64
    )
    pairs = pairs[letters != alphabet.PAD]
    pairs.sort()
    return WordIndex(
        letters, (pairs >> np.uint64(32)).astype(np.uint32), pairs.astype(np.uint32)
    )


def load_index(database: Path, letters: UInt8[np.ndarray, " letters"]) -> WordIndex:
    """Load a database's index, or build it and keep it beside the database.

    Args:
      database: its folder. Where that cannot be written the index is not kept.
      letters: its letters, as `join_letters` gives them.
    """
    folder = Path(database) / _FOLDER
    if not folder.is_dir():
        index = build_index(letters)
        with (
            contextlib.suppress(OSError),
            tempfile.TemporaryDirectory(prefix=".words-", dir=database) as scratch,
        ):
            # One level down, where the umask decides who may read it.
            unfinished = Path(scratch) / _FOLDER
            unfinished.mkdir()
            np.save(unfinished / "keys.npy", index.keys)
            np.save(unfinished / "positions.npy", index.positions)
            unfinished.rename(folder)
        return index
    keys, positions = (
        np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)
        for name in ("keys", "positions")
    )
    return WordIndex(letters, np.asarray(keys), np.asarray(positions))


def has_index(database: Path) -> bool:
    """Whether a database's index is beside it already."""
    return os.path.isdir(Path(database) / _FOLDER)


def find_words(
    index: WordIndex, queries: UInt8[np.ndarray, "queries length"], word: int
) -> Occurrences:
    """Find every occurrence of every word of queries of one length.

    Args:
      index: of the database.
      queries: tokens, without a PAD.
      word: letters of a word, at most the queries' length. Of a longer word than
        `KEY_LETTERS` its first ones are found.

    Returns:
      The ranges of the index. A range may hold words that a sequence's end cuts short,
      where the query's word goes on with As.
    """
    shown = min(word, KEY_LETTERS)
    num_words = queries.shape[1] - word + 1
    spare = np.uint32(2 * (KEY_LETTERS - shown))
    # The same keys as the database's, from padded rows so that none runs into the next.
    padded = np.pad(queries, ((0, 0), (0, KEY_LETTERS)))
    keys = _keys(padded.ravel()).reshape(padded.shape)[:, :num_words]
    lowest = (keys >> spare) << spare
    distinct, which = np.unique(lowest, return_inverse=True)
    highest = distinct | np.uint32((1 << int(spare)) - 1)
    first = np.asarray(np.searchsorted(index.keys, distinct, side="left"))
    after = np.asarray(np.searchsorted(index.keys, highest, side="right"))
    counts = after - first
    which = which.reshape(lowest.shape)
    return Occurrences(first[which], counts[which])


def candidates(
    index: WordIndex, found: Occurrences
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """List the occurrences of words one by one, some ten thousand at a time.

    Args:
      index: of the database.
      found: ranges of it, as `find_words` gives them.

    Yields:
      Row of the query, the word's first letter in it, and in `index.letters`.
    """
    num_words = found.counts.shape[1]
    first, counts = found.first.ravel(), found.counts.ravel()
    ends = np.cumsum(counts)
    total = int(counts.sum())
    for start in range(0, total, _CHUNK):
        numbers = np.arange(start, min(start + _CHUNK, total))
        ranges = np.searchsorted(ends, numbers, side="right")
        places = first[ranges] + numbers - (ends[ranges] - counts[ranges])
        rows, offsets = np.divmod(ranges, num_words)
        yield rows, offsets, index.positions[places].astype(np.int64)


def _keys(letters: UInt8[np.ndarray, " letters"]) -> UInt32[np.ndarray, " letters"]:
    """Return the `KEY_LETTERS` letters from each position on, as one number."""
    keys = np.maximum(letters, 1).astype(np.uint32) - np.uint32(1)
    shown = 1
    while shown < KEY_LETTERS:
        following = np.zeros_like(keys)
        following[:-shown] = keys[shown:]
        keys = (keys << np.uint32(2 * shown)) | following
        shown *= 2
    return keys
