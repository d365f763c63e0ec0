"""Optimal alignment scores of many pairs of sequences, with affine gaps.

Alignments are local or anchored and may have position weights; see `Scoring`.
Only scores are computed, no paths. Pairs are sorted by length and scored in blocks that
fit in memory, in the narrowest integers that hold every score. A block is split over
all devices.

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
from jaxtyping import Int, Int32

from mirjax.alignment.kernels import TILE_WORTH, Kernels
from mirjax.alignment.lanes import Lanes, SequenceList
from mirjax.alignment.scoring import Scoring

BLOCK_BYTES = 2**26
"""Default memory for scoring one block of pairs, in bytes."""

T = TypeVar("T")

_AHEAD = 2  # blocks dispatched before the first one's scores are fetched


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
      queries: RNA or DNA letters 5'→3', or rows of tokens padded on the right. An
        ambiguity code has the table's lowest score with every letter.
      subjects: likewise.
      scoring: scores and costs of the alignments.
      pairs: indices of a query and a subject, one row per pair; by default query i with
        subject i.
      block_bytes: memory for scoring one block of pairs, besides the sequences and the
        result.
      devices: devices to split each block over; by default all, of a CPU the first.

    Returns:
      The score of the best alignment of each pair, 0 if none is positive.

    Raises:
      ValueError: for a character that is neither a nucleotide nor an ambiguity code,
        lists of different lengths without `pairs`, a pair out of range, or
        `block_bytes` below 1.
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
    tile_worth: int = TILE_WORTH,
) -> Int32[np.ndarray, "n m"]:
    """Score every query with every subject.

    Args:
      queries: as for `score_pairs`.
      subjects: likewise.
      scoring: scores and costs of the alignments.
      block_bytes: memory for scoring one block of pairs, besides the sequences and the
        result.
      devices: devices to split each block over; by default all, of a CPU the first.
      tile_worth: cells to be scored from which the fastest kernel for short sequences
        is compiled, on a CPU: that takes many seconds.

    Returns:
      The score of the best alignment of each pair, 0 if none is positive.

    Raises:
      ValueError: for a character that is neither a nucleotide nor an ambiguity code,
        or `block_bytes` below 1.
    """
    rows = Lanes(queries, "queries")
    columns = Lanes(subjects, "subjects", reverse=scoring.antiparallel)
    # The side with more letters fills the lanes; the other is scored one at a time.
    exchange = rows.lengths.sum() > columns.lengths.sum()
    if exchange:
        rows, columns, scoring = columns, rows, scoring.transposed()
    kernels = Kernels(scoring, block_bytes, devices, tile_worth=tile_worth)
    scores = _score_table(kernels, rows, columns)
    return scores.T if exchange else scores


def _score_table(
    kernels: Kernels, rows: Lanes, columns: Lanes
) -> Int32[np.ndarray, "n m"]:
    scores = np.zeros((len(rows), len(columns)), np.int32)
    for (query, subject, first), result in _in_turn(
        _table_blocks(kernels, rows, columns)
    ):
        if first is None:
            scores[query, subject] = result[: len(subject)]
        else:
            # Windows of the first and last subject may also be in other blocks.
            best = np.maximum.reduceat(result, first)
            scores[query, subject] = np.maximum(scores[query, subject], best)
    return scores


def _pair_blocks(
    kernels: Kernels, queries: Lanes, subjects: Lanes, pairs: np.ndarray
) -> Iterator[tuple[np.ndarray, jax.Array]]:
    """Yield the indices of each block of pairs, and their scores."""
    heights = queries.heights[pairs[:, 0]] << 32 | subjects.heights[pairs[:, 1]]
    for shape in np.unique(heights):
        rows, columns = int(shape >> 32), int(shape & 0xFFFFFFFF)
        group = np.flatnonzero(heights == shape)
        kernel = kernels.choose(rows, columns, len(group))
        lanes = kernels.lanes(rows, columns, len(group), kernel)
        if kernel != "tile":
            # The number of steps of a block is that of its longest pair.
            lengths = queries.lengths[pairs[group, 0]]
            lengths = lengths + subjects.lengths[pairs[group, 1]]
            group = group[np.argsort(lengths, kind="stable")]
        for start in range(0, len(group), lanes):
            block = group[start : start + lanes]
            query, subject = pairs[block].T
            yield (
                block,
                kernels.score(
                    kernels.put(queries.take(query, rows, lanes)),
                    kernels.put(subjects.take(subject, columns, lanes)),
                    (
                        int(queries.lengths[query].max()),
                        int(subjects.lengths[subject].max()),
                    ),
                    kernel,
                ),
            )


def _table_blocks(
    kernels: Kernels, queries: Lanes, subjects: Lanes
) -> Iterator[tuple[tuple[int, np.ndarray, np.ndarray | None], jax.Array]]:
    """Score each query with each block of subjects.

    Yields:
      The index of the query, the indices of the subjects, and the lane of each
      subject's first window, or None where subjects are whole; then the scores.
    """
    for rows, some in queries.groups():
        longest_query = int(queries.lengths[some].max())
        for columns, members in subjects.groups():
            starts = None
            letters = len(some) * int(subjects.lengths[members].sum())
            window = kernels.window(rows, longest_query, columns, letters)
            if window is not None:
                columns, overlap = window
                members, starts = subjects.windows(members, columns, overlap)
            kernel = kernels.choose(rows, columns, len(some) * len(members))
            lanes = kernels.lanes(rows, columns, len(members), kernel)
            for begin in range(0, len(members), lanes):
                block = members[begin : begin + lanes]
                first = None
                if starts is None:
                    tokens = subjects.take(block, columns, lanes)
                else:
                    places = starts[begin : begin + lanes]
                    tokens = subjects.take_windows(block, places, columns, lanes)
                    first = np.flatnonzero(np.diff(block, prepend=-1))
                distinct = block if first is None else block[first]
                longest = int(subjects.lengths[block].clip(max=columns).max())
                subject_tokens = kernels.put(tokens)
                for query in some:
                    one = kernels.put(queries.take(query[None], rows, 1))
                    lengths = int(queries.lengths[query]), longest
                    result = kernels.score(one, subject_tokens, lengths, kernel)
                    yield (query, distinct, first), result


def _in_turn(
    blocks: Iterable[tuple[T, jax.Array]],
) -> Iterator[tuple[T, np.ndarray]]:
    """Fetch results in order, while the devices compute the next blocks."""
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
            raise ValueError(f"{pair=}: no such {name}, of {number} in all")
