"""The pairs of the best local alignment that ends at a given letter of a subject.

The scores are those of `end_scores`. Here the cells are stored and traced back from the
last pair. This is for the few alignments that are shown, since each needs the memory of
its whole table. Lanes, the last axis, are alignments.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Int16, Int64, UInt8

from mirjax.alignment.scoring import Scoring
from mirjax.sequences import alphabet

_LANES = 1024  # alignments at a time
_TOKENS = alphabet.VOCABULARY_SIZE + 1  # and one for other values
_NONE = -(2**14)  # below any score, and far from the end of int16


class _Cells(NamedTuple):
    """The cells of the recurrence; row and column 0 are its border."""

    best: Int16[np.ndarray, "rows columns lanes"]  # of any alignment that ends here
    paired: Int16[np.ndarray, "rows columns lanes"]  # of those that end with a pair
    across: Int16[np.ndarray, "rows columns lanes"]  # in a gap along the subject
    down: Int16[np.ndarray, "rows columns lanes"]  # in a gap along the query
    last: Int16[np.ndarray, "rows lanes"]  # whose last pair, in the last column, gains


def best_partners(
    queries: UInt8[np.ndarray, "lanes letters"],
    segments: UInt8[np.ndarray, "lanes columns"],
    scoring: Scoring,
) -> Int64[np.ndarray, "lanes letters"]:
    """Return the segment letter that is opposite each query letter.

    Of alignments with the same score, the one whose last pair has the query letter
    nearest to the 5' end is taken, then the one that pairs letters instead of skipping
    them, then the shorter one.

    Args:
      queries: miRNA tokens, 5'→3', padded on the right.
      segments: of the subject, 5'→3', each ends with the last pair of its alignment
        and is long enough for it; see `end_scores.longest_span`.
      scoring: antiparallel, of local alignments.

    Returns:
      For each query letter, the column of the segment that it is aligned with; -1 for
      letters that are skipped or outside the alignment, and for all letters if the
      score is 0.
    """
    partners = np.full(queries.shape, -1, np.int64)
    for start in range(0, len(queries), _LANES):
        lanes = slice(start, start + _LANES)
        cells = _fill(queries[lanes, ::-1].T, segments[lanes].T, scoring)
        partners[lanes] = _follow(cells, scoring)[:, ::-1]
    return partners


def _fill(
    rows: UInt8[np.ndarray, "rows lanes"],
    columns: UInt8[np.ndarray, "columns lanes"],
    scoring: Scoring,
) -> _Cells:
    """Compute the cells; the first row is the query's last letter."""
    shape = len(rows) + 1, len(columns) + 1, rows.shape[1]
    best = np.zeros(shape, np.int16)
    paired, across, down = (np.full(shape, _NONE, np.int16) for _ in range(3))
    opened = np.int16(scoring.gap_open)
    extend = np.int16(scoring.gap_extend)
    last = np.full((len(rows) + 1, rows.shape[1]), _NONE, np.int16)
    gains = _gains(len(rows), scoring)
    columns = np.minimum(columns, _TOKENS - 1)
    for i, letters in enumerate(rows, 1):
        gained = gains[i - 1][letters, columns]
        paired[i, 1:] = best[i - 1, :-1] + gained
        last[i] = np.where(gained[-1] > 0, paired[i, -1], _NONE)
        down[i, 1:] = np.maximum(down[i - 1, 1:], best[i - 1, 1:] - opened) - extend
        np.maximum(paired[i], down[i], out=best[i])
        np.maximum(best[i], np.int16(0), out=best[i])
        for j in range(1, shape[1]):
            longer = np.maximum(across[i, j - 1], best[i, j - 1] - opened)
            across[i, j] = longer - extend
            np.maximum(best[i, j], across[i, j], out=best[i, j])
    return _Cells(best, paired, across, down, last)


def _gains(rows: int, scoring: Scoring) -> Int16[np.ndarray, "rows tokens tokens"]:
    """Return the score of token pairs in each row; padding of a query never pairs."""
    table = np.full((_TOKENS, _TOKENS), scoring.lowest)
    letters = slice(alphabet.A, alphabet.A + 4)
    table[letters, letters] = scoring.table
    weights = np.ones(rows, np.int64)
    weights[: len(scoring.weights)] = scoring.weights[:rows]
    gains = weights[::-1, None, None] * table
    gains[:, alphabet.PAD] = _NONE
    return gains.astype(np.int16)


def _follow(cells: _Cells, scoring: Scoring) -> Int64[np.ndarray, "lanes rows"]:
    """Trace alignments back from their last pairs, in the last column."""
    size, width, lanes = cells.best.shape
    partners = np.full((lanes, size - 1), -1, np.int64)
    last = cells.last[::-1]  # the query's 5' end first
    row = size - 1 - last.argmax(axis=0)
    lane = np.flatnonzero(last.max(axis=0) > 0)
    row, column = row[lane], np.full(len(lane), width - 1)
    table = np.zeros(len(lane), np.int64)  # which of `paired`, `down`, `across`
    opening = scoring.gap_open + scoring.gap_extend
    while len(lane):
        place = row, column, lane
        is_pair, is_down = table == 0, table == 1
        partners[lane[is_pair], row[is_pair] - 1] = column[is_pair] - 1
        value = np.where(is_down, cells.down[place], cells.across[place])
        row = row - (table <= 1)
        column = column - (table != 1)
        before = cells.best[row, column, lane]
        ends = is_pair & (before == 0)
        chosen = np.where(
            cells.paired[row, column, lane] == before,
            0,
            np.where(cells.down[row, column, lane] == before, 1, 2),
        )
        table = np.where(is_pair | (value == before - opening), chosen, table)
        lane, row, column, table = (x[~ends] for x in (lane, row, column, table))
    return partners
