"""Index of exact words: find where the words of queries occur in a database.

The positions of a database are sorted once by the sixteen letters that start at each,
two bits per letter. All occurrences of a word are then adjacent, and two binary
searches find them, for words of any length.
"""

import contextlib
import dataclasses
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Int64, UInt8, UInt32

from mirjax.blast.manifest import is_intact, seal_folder
from mirjax.blast.scratch import scratch_folder
from mirjax.sequences import alphabet

KEY_LETTERS = 16  # the most that 32 bits hold

_FOLDER = "words"
_CHUNK = 1 << 15  # occurrences at a time; their arrays fit the processor's cache


@dataclasses.dataclass(frozen=True, eq=False)
class WordIndex:
    """The positions of a database, sorted by the letters that start at each.

    Attributes:
      letters: tokens of the database, as joined by `join_letters`.
      keys: ascending keys of `KEY_LETTERS` letters each; a separator counts as an A.
      positions: index in `letters` of each key's first letter.
    """

    letters: UInt8[np.ndarray, " letters"]
    keys: UInt32[np.ndarray, " words"]
    positions: UInt32[np.ndarray, " words"]


@dataclasses.dataclass(frozen=True, eq=False)
class Occurrences:
    """Ranges of a `WordIndex`, one for each word of each query.

    Attributes:
      first: index of the range's first key.
      counts: number of keys in the range.
    """

    first: Int64[np.ndarray, "queries words"]
    counts: Int64[np.ndarray, "queries words"]


def join_letters(sequences: Sequence[str]) -> UInt8[np.ndarray, " letters"]:
    """Join sequences into one array of tokens, with PAD before, between and after.

    Args:
      sequences: RNA letters, 5'→3'.

    Returns:
      The tokens.

    >>> join_letters(["AU", "G"]).tolist()
    [0, 1, 2, 0, 4, 0]
    """
    text = "N".join(["", *sequences, ""])
    return alphabet.encode([text], len(text), unknown_as_pad=True)[0]


def build_index(letters: UInt8[np.ndarray, " letters"]) -> WordIndex:
    """Sort a database's positions by the letters that start at each.

    The peak memory is about 24 bytes per letter.

    Args:
      letters: tokens, as joined by `join_letters`.

    Returns:
      The index.
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
    """Load a database's index, or build it and save it in the database's folder.

    An index that has lost a file, or whose files have changed, is built again.

    Args:
      database: the folder. If it cannot be written, the index is not saved.
      letters: tokens of the database, as joined by `join_letters`.

    Returns:
      The index; a loaded one is memory-mapped.
    """
    folder = Path(database) / _FOLDER
    if is_intact(folder):
        keys, positions = (
            np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)
            for name in ("keys", "positions")
        )
        return WordIndex(letters, np.asarray(keys), np.asarray(positions))
    index = build_index(letters)
    with (
        contextlib.suppress(OSError),
        scratch_folder(Path(database), ".words-") as scratch,
    ):
        # A subfolder, since only its owner may read a temporary directory.
        unfinished = scratch / _FOLDER
        unfinished.mkdir()
        np.save(unfinished / "keys.npy", index.keys)
        np.save(unfinished / "positions.npy", index.positions)
        seal_folder(unfinished)
        with contextlib.suppress(FileNotFoundError):
            folder.rename(scratch / "damaged")
        unfinished.rename(folder)
    return index


def has_index(database: Path) -> bool:
    """Return whether the folder of a database holds its index."""
    return os.path.isdir(Path(database) / _FOLDER)


def find_words(
    index: WordIndex, queries: UInt8[np.ndarray, "queries length"], word: int
) -> Occurrences:
    """Find every occurrence of every word of queries of one length.

    Args:
      index: index of the database.
      queries: tokens, without a PAD.
      word: letters of a word, at most the queries' length. If it is more than
        `KEY_LETTERS`, only that many first letters are compared.

    Returns:
      The ranges of the index. A range may include words that a sequence's end cuts
      short, if the query's word continues with As there.
    """
    num_words = queries.shape[1] - word + 1
    unused_bits = np.uint32(2 * (KEY_LETTERS - min(word, KEY_LETTERS)))
    # The same keys as the database's. Padding keeps a key from reaching the next row.
    padded = np.pad(queries, ((0, 0), (0, KEY_LETTERS)))
    keys = _keys(padded.ravel()).reshape(padded.shape)[:, :num_words]
    lowest = (keys >> unused_bits) << unused_bits
    distinct, inverse = np.unique(lowest, return_inverse=True)
    highest = distinct | np.uint32((1 << int(unused_bits)) - 1)
    first = np.asarray(np.searchsorted(index.keys, distinct, side="left"))
    after = np.asarray(np.searchsorted(index.keys, highest, side="right"))
    counts = after - first
    inverse = inverse.reshape(lowest.shape)
    return Occurrences(first[inverse], counts[inverse])


def word_matches(
    index: WordIndex, occurrences: Occurrences
) -> Iterator[
    tuple[
        Int64[np.ndarray, " matches"],
        Int64[np.ndarray, " matches"],
        Int64[np.ndarray, " matches"],
    ]
]:
    """Expand ranges of an index to single matches, in chunks of bounded size.

    Args:
      index: index of the database.
      occurrences: ranges of it, as returned by `find_words`.

    Yields:
      Of each match in a chunk: row of the query, index of the word's first letter in
      the query, and index of that letter in `index.letters`.
    """
    num_words = occurrences.counts.shape[1]
    first, counts = occurrences.first.ravel(), occurrences.counts.ravel()
    ends = np.cumsum(counts)
    total = int(counts.sum())
    for start in range(0, total, _CHUNK):
        matches = np.arange(start, min(start + _CHUNK, total))
        ranges = np.searchsorted(ends, matches, side="right")
        keys = first[ranges] + matches - (ends[ranges] - counts[ranges])
        rows, offsets = np.divmod(ranges, num_words)
        yield rows, offsets, index.positions[keys].astype(np.int64)


def _keys(letters: UInt8[np.ndarray, " letters"]) -> UInt32[np.ndarray, " letters"]:
    """Return the `KEY_LETTERS` letters that start at each position, as one number."""
    keys = np.maximum(letters, 1).astype(np.uint32) - np.uint32(1)
    width = 1  # letters in a key
    while width < KEY_LETTERS:
        following = np.zeros_like(keys)
        following[:-width] = keys[width:]
        keys = (keys << np.uint32(2 * width)) | following
        width *= 2
    return keys
