"""Optimal local alignment scores of many pairs of sequences, affine gaps, score only.

Pairs are sorted by length and scored in blocks, as many at a time as memory allows, in
the narrowest integers that hold every score. A block is split over all devices.

References:
  Smith & Waterman 1981, Identification of common molecular subsequences,
  doi 10.1016/0022-2836(81)90087-5.
  Gotoh 1982, An improved algorithm for matching biological sequences,
  doi 10.1016/0022-2836(82)90398-9.
"""

import collections
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

import jax
import numpy as np
from jaxtyping import Int, Int32, UInt8

from mirjax.align.kernels import QUERIES, WINDOW, Kernels, is_windowed
from mirjax.align.lanes import Lanes
from mirjax.align.scoring import Scoring

BLOCK_BYTES = 2**26
"""Memory for the work on one block of pairs, by default."""

SequenceList = Sequence[str] | UInt8[np.ndarray, "n length"]

T = TypeVar("T")

_AHEAD = 2  # blocks handed to the devices before the first one's scores are fetched


def score_pairs(
    queries: SequenceList,
    subjects: SequenceList,
    scoring: Scoring,
    *,
    pairs: Int[np.ndarray, "k 2"] | None = None,
    block_bytes: int = BLOCK_BYTES,
    devices: Sequence[jax.Device] | None = None,
) -> Int32[np.ndarray, " k"]:
    """Score pairs of sequences.

    Args:
      queries: RNA or DNA letters 5'→3', or rows of tokens padded on the right. A letter
        that stands for several scores the lowest there is, whatever it faces.
      subjects: likewise.
      scoring: what alignments score.
      pairs: numbers of a query and a subject, from 0, a row for each pair; by default
        each query with the subject of its own place.
      block_bytes: memory for the work on one block of pairs; the sequences and the
        result come on top.
      devices: which share the work; all by default.

    Returns:
      The score of the best local alignment of each pair, 0 if none is positive.

    Raises:
      ValueError: for a letter that is none, lists of different lengths without `pairs`,
        a pair out of range, or `block_bytes` below 1.
    """
    kernels = Kernels(scoring, block_bytes, devices)
    rows = Lanes(queries, "queries")
    columns = Lanes(subjects, "subjects", reverse=scoring.antiparallel)
    if pairs is None:
        if len(rows) != len(columns):
            raise ValueError(
                f"{len(rows)} queries and {len(columns)} subjects, without pairs"
            )
        places = np.arange(len(rows))
        pairs = np.stack([places, places], axis=1)
    pairs = np.asarray(pairs)
    _check_pairs(pairs, len(rows), len(columns))
    scores = np.zeros(len(pairs), np.int32)
    for block, result in _in_turn(_pair_blocks(kernels, rows, columns, pairs)):
        scores[block] = result[: len(block)]
    return scores


def score_all(
    queries: SequenceList,
    subjects: SequenceList,
    scoring: Scoring,
    *,
    block_bytes: int = BLOCK_BYTES,
    devices: Sequence[jax.Device] | None = None,
) -> Int32[np.ndarray, "n m"]:
    """Score every query with every subject.

    Args:
      queries: as for `score_pairs`.
      subjects: likewise.
      scoring: what alignments score.
      block_bytes: memory for the work on one block of pairs; the sequences and the
        result come on top.
      devices: which share the work; all by default.

    Returns:
      The score of the best local alignment of each pair, 0 if none is positive.

    Raises:
      ValueError: for a letter that is none, or `block_bytes` below 1.
    """
    kernels = Kernels(scoring, block_bytes, devices)
    rows = Lanes(queries, "queries")
    columns = Lanes(subjects, "subjects", reverse=scoring.antiparallel)
    scores = np.zeros((len(rows), len(columns)), np.int32)
    for (some, others), result in _in_turn(_table_blocks(kernels, rows, columns)):
        # A long subject is scored in several windows, which follow one another.
        first = np.flatnonzero(np.diff(others, prepend=-1))
        part = np.maximum.reduceat(result[: len(some), : len(others)], first, axis=1)
        place = np.ix_(some, others[first])
        scores[place] = np.maximum(scores[place], part)
    return scores


def _pair_blocks(
    kernels: Kernels, queries: Lanes, subjects: Lanes, pairs: np.ndarray
) -> Iterator[tuple[np.ndarray, jax.Array]]:
    """Yield the numbers of some pairs and their scores, until all are scored."""
    rows, columns = queries.heights[pairs[:, 0]], subjects.heights[pairs[:, 1]]
    lengths = queries.lengths[pairs[:, 0]] + subjects.lengths[pairs[:, 1]]
    order = np.lexsort((lengths, columns, rows))
    changes = np.flatnonzero(np.diff(rows[order]) | np.diff(columns[order])) + 1
    for group in np.split(order, changes):
        if not len(group):
            continue
        shape = int(rows[group[0]]), int(columns[group[0]])
        lanes = kernels.lanes(*shape, len(group))
        for start in range(0, len(group), lanes):
            block = group[start : start + lanes]
            query, subject = pairs[block].T
            yield (
                block,
                kernels.pairs(
                    queries.take(query, shape[0], lanes),
                    subjects.take(subject, shape[1], lanes),
                    _steps(queries.lengths[query], subjects.lengths[subject]),
                ),
            )


def _table_blocks(
    kernels: Kernels, queries: Lanes, subjects: Lanes
) -> Iterator[tuple[tuple[np.ndarray, np.ndarray], jax.Array]]:
    """Yield the numbers of some queries, those of some subjects, and their scores.

    A subject that was cut into windows has its number repeated: its score is the
    highest there is, in this block and in others.
    """
    for rows, some in queries.groups():
        overlap = kernels.scoring.span(int(queries.lengths[some].max()))
        for columns, others in subjects.groups():
            starts = None
            if is_windowed(rows, columns, overlap):
                others, starts = subjects.windows(others, WINDOW, overlap)
                columns = WINDOW
            lanes = kernels.lanes(rows, columns, len(others))
            for first in range(0, len(others), lanes):
                block = slice(first, first + lanes)
                if starts is None:
                    tokens = subjects.take(others[block], columns, lanes)
                else:
                    tokens = subjects.take_windows(
                        others[block], starts[block], columns, lanes
                    )
                for number in range(0, len(some), QUERIES):
                    members = some[number : number + QUERIES]
                    lengths = subjects.lengths[others[block]].clip(max=columns)
                    yield (
                        (members, others[block]),
                        kernels.table(
                            queries.take(members, rows, len(members)).T,
                            tokens,
                            _steps(queries.lengths[members], lengths),
                        ),
                    )


def _steps(queries: np.ndarray, subjects: np.ndarray) -> int:
    """Return how many antidiagonals the longest pair has."""
    return max(1, int(queries.max() + subjects.max()) - 1)


def _in_turn(
    blocks: Iterable[tuple[T, jax.Array]],
) -> Iterator[tuple[T, np.ndarray]]:
    """Fetch results in order, while the devices work on the blocks that follow."""
    waiting: collections.deque[tuple[T, jax.Array]] = collections.deque()
    for block in blocks:
        waiting.append(block)
        if len(waiting) > _AHEAD:
            numbers, result = waiting.popleft()
            yield numbers, np.asarray(result)
    for numbers, result in waiting:
        yield numbers, np.asarray(result)


def _check_pairs(pairs: np.ndarray, queries: int, subjects: int) -> None:
    if pairs.ndim != 2 or pairs.shape[1] != 2 or pairs.dtype.kind not in "iu":
        raise ValueError(
            f"pairs: {pairs.dtype} of shape {pairs.shape}, not integer rows of 2"
        )
    for column, (name, number) in enumerate(
        (("query", queries), ("subject", subjects))
    ):
        wrong = (pairs[:, column] < 0) | (pairs[:, column] >= number)
        if wrong.any():
            pair = pairs[wrong.argmax()].tolist()
            raise ValueError(f"{pair=}: there are {number} sequences to be its {name}")
