"""The best of sites that overlap, against a plain greedy choice."""

import numpy as np

from mirjax.scanning.candidates import APART, Candidates
from mirjax.scanning.maxima import best_apart, best_in_windows


def plain_choice(found, scores):
    taken = []
    order = sorted(
        range(len(scores)), key=lambda n: (-scores[n], -found.scores[n], found.ends[n])
    )
    for n in order:
        if not any(
            found.mirnas[n] == found.mirnas[m]
            and found.transcripts[n] == found.transcripts[m]
            and abs(found.ends[n] - found.ends[m]) < APART
            for m in taken
        ):
            taken.append(n)
    return sorted(taken)


def test_sites_are_taken_from_the_best_on():
    rng = np.random.default_rng(3)
    for spread in (400, 4_000):
        rows = np.unique(
            np.stack(
                [
                    rng.integers(0, 3, 300),
                    rng.integers(0, 2, 300),
                    rng.integers(1, spread, 300),
                ],
                axis=1,
            ),
            axis=0,
        )
        found = Candidates(*rows.T, rng.integers(1, 3, len(rows)))
        scores = rng.integers(0, 5, len(rows)).astype(float)
        taken = np.flatnonzero(best_apart(found, scores))
        assert taken.tolist() == plain_choice(found, scores)
        assert len(taken) < len(rows)


def test_a_site_that_is_left_out_hides_no_other():
    found = Candidates(*np.array([[0, 0, 0], [0, 0, 0], [10, 30, 50], [1, 1, 1]]))
    taken = best_apart(found, np.array([3.0, 2.0, 1.0]))
    assert taken.tolist() == [True, False, True]


def test_no_sites():
    found = Candidates(*np.zeros((4, 0), np.int64))
    assert best_apart(found, np.zeros(0)).shape == (0,)


def test_a_window_has_the_best_duplex_that_it_holds():
    rng = np.random.default_rng(5)
    rows = np.unique(rng.integers(0, [2, 2, 500], (200, 3)), axis=0)
    found = Candidates(*rows.T, rng.integers(1, 30, len(rows)))
    windows = np.maximum(found.ends - 36, 0)
    best = best_in_windows(found, windows, 50)
    for row, other in enumerate(best):
        held = [
            n
            for n in range(len(rows))
            if found.mirnas[n] == found.mirnas[row]
            and found.transcripts[n] == found.transcripts[row]
            and windows[row] + 8 <= found.ends[n] <= windows[row] + 50
        ]
        assert other in [row, *held]
        most = max(found.scores[n] for n in [row, *held])
        assert found.scores[other] == most
        if found.scores[row] == most:
            assert other == row
