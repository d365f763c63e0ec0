"""Tests of mirjax.evaluation.score_fusion on choices made by known weights."""

import numpy as np
import pytest

from mirjax.evaluation.score_fusion import can_fuse, fit_weights, fuse_scores

WEIGHTS = np.array([1.5, 0.0, 0.02])
ROWS, CANDIDATES = 4000, 8


@pytest.fixture(scope="module")
def choices():
    """Scores of three kinds and scales, and choices drawn by a conditional logit."""
    rng = np.random.default_rng(0)
    scales = np.array([1.0, 5.0, 60.0])[:, None, None]
    scores = scales * rng.normal(size=(3, ROWS, CANDIDATES))
    utility = np.tensordot(WEIGHTS, scores, axes=1)
    true = np.argmax(utility + rng.gumbel(size=utility.shape), axis=1)
    return scores, true


def test_weights_are_those_that_made_the_choices(choices):
    found = fit_weights(*choices)
    np.testing.assert_allclose(found[0], WEIGHTS[0], rtol=0.1)
    np.testing.assert_allclose(found[1], 0.0, atol=0.02)
    np.testing.assert_allclose(found[2], WEIGHTS[2], rtol=0.1)


def test_the_slope_at_the_weights_is_zero(choices):
    scores, true = choices
    weights = fit_weights(scores, true)

    def loss(weights):
        total = np.tensordot(weights, scores, axes=1)
        chosen = total[np.arange(ROWS), true]
        return np.mean(np.log(np.exp(total).sum(axis=1)) - chosen)

    least = loss(weights)
    for step in np.eye(3) * 0.01:
        assert loss(weights + step) > least
        assert loss(weights - step) > least


def test_a_row_is_scored_by_weights_of_other_rows_alone(choices):
    scores, true = choices
    targets = [str(row // 2) for row in range(ROWS)]  # two rows a target
    whole = fuse_scores(scores, true, targets)
    changed = true.copy()
    changed[:2] = (true[:2] + 1) % CANDIDATES
    again = fuse_scores(scores, changed, targets)
    same = (whole == again).all(axis=1)
    assert same[0] and same[1]  # its own choice does not move its score
    assert 0.3 < 1 - same.mean() < 0.7  # but that of the other half


def test_rows_without_a_true_candidate_are_scored_and_not_fitted_on(choices):
    scores, true = choices[0][:, :50], choices[1][:50].copy()
    targets = [str(row) for row in range(50)]
    true[:10] = -1
    found = fuse_scores(scores, true, targets)
    assert np.isfinite(found).all()
    moved = scores.copy()
    moved[:, :10] += np.random.default_rng(1).normal(size=(3, 10, CANDIDATES))
    np.testing.assert_array_equal(fuse_scores(moved, true, targets)[10:], found[10:])


def test_both_halves_need_a_row_to_fit_on(choices):
    targets = [str(row) for row in range(20)]
    # A half whose weights nothing fits is the one whose other half has no row.
    true = np.full(20, -1)
    assert not can_fuse(true, targets)
    true[:1] = 0
    assert not can_fuse(true, targets)
    with pytest.raises(ValueError, match="no rows"):
        fuse_scores(choices[0][:, :20], true, targets)
    true[:] = 0
    assert can_fuse(true, targets)
    assert np.isfinite(fuse_scores(choices[0][:, :20], true, targets)).all()


def test_no_rows_are_an_error(choices):
    with pytest.raises(ValueError, match="no rows"):
        fuse_scores(choices[0][:, :5], np.full(5, -1), list("abcde"))
