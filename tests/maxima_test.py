"""The best of duplexes near one another, against a plain greedy choice."""

import numpy as np

from mirjax.scanning.maxima import best_apart

APART = 22


def plain_choice(owners, ends, scores):
    taken = []
    for n in sorted(range(len(scores)), key=lambda n: (-scores[n], owners[n], ends[n])):
        if not any(
            owners[n] == owners[m] and abs(ends[n] - ends[m]) < APART for m in taken
        ):
            taken.append(n)
    return sorted(taken)


def test_duplexes_are_taken_from_the_best_on():
    rng = np.random.default_rng(3)
    for spread in (400, 4_000):
        places = [rng.integers(0, 6, 300), rng.integers(1, spread, 300)]
        owners, ends = np.unique(np.stack(places, axis=1), axis=0).T
        scores = rng.integers(0, 5, len(owners))
        taken = np.flatnonzero(best_apart(owners, ends, scores, APART))
        assert taken.tolist() == plain_choice(owners, ends, scores)
        assert len(taken) < len(owners)


def test_a_duplex_that_is_left_out_hides_no_other():
    ends = np.array([10, 30, 50])
    taken = best_apart(np.zeros(3, int), ends, np.array([3, 2, 1]), APART)
    assert taken.tolist() == [True, False, True]


def test_no_duplexes():
    nothing = np.zeros(0, np.int64)
    assert best_apart(nothing, nothing, nothing, APART).shape == (0,)
