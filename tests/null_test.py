"""Null distributions: counts where there are enough, a fitted tail beyond."""

import numpy as np
import pytest
from scipy import stats

from mirjax.scanning.null import TAIL, Null, to_logits


def test_pvalues_below_the_tail_are_counts():
    rng = np.random.default_rng(0)
    scores = np.sort(rng.normal(size=1_000))
    null = Null(scores, 20_000)
    for place in (0, 400, 1_000 - TAIL):
        expected = (scores >= scores[place]).sum() / 20_000
        assert null.pvalues(scores[[place]])[0] == pytest.approx(expected)
    assert null.pvalues(np.array([-99.0]))[0] == 1_000 / 20_000


def test_pvalues_never_rise_with_the_score():
    rng = np.random.default_rng(1)
    for scores in (rng.exponential(size=500), rng.integers(0, 30, 500).astype(float)):
        null = Null(np.sort(scores), 10_000)
        pvalues = null.pvalues(np.linspace(-1, 60, 2_000))
        assert (np.diff(pvalues) <= 0).all() and (pvalues > 0).all()


def test_a_lattice_has_a_geometric_tail():
    errors = []
    for seed in range(40):
        scores = np.random.default_rng(seed).geometric(0.3, 4_000)
        null = Null(np.sort(scores.astype(float)), 40_000)
        exact = 0.7**24
        errors.append(np.log(null.pvalues(np.array([25.0]))[0] / 0.1 / exact))
        assert null.fit_error() < 0.25
    stated = null.relative_error(exact * 0.1)
    assert abs(np.mean(errors)) < 3 * stated / np.sqrt(40)
    assert np.std(errors) == pytest.approx(stated, rel=0.5)


@pytest.mark.parametrize("shape", [0.0, -0.1, -0.2])
@pytest.mark.parametrize("expected", [10.0, 1.0])
def test_a_tail_that_falls_faster_than_an_exponential_is_found(shape, expected):
    """Drawn by SciPy, to where so many sites of 4,000 are expected."""
    beyond = stats.genpareto.isf(expected / 4_000, shape, scale=2)
    errors, stated = [], []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        scores = stats.genpareto.rvs(shape, scale=2, size=4_000, random_state=rng)
        null = Null(np.sort(scores), 40_000)
        errors.append(np.log(null.pvalues(np.array([beyond]))[0] * 40_000 / expected))
        stated.append(null.relative_error(expected / 40_000))
        assert null.fit_error() < 0.25
    assert abs(np.mean(errors)) < np.mean(stated)
    assert np.std(errors) == pytest.approx(np.mean(stated), rel=0.6)


def test_beyond_what_can_be_fitted_the_tail_is_exponential():
    scores = stats.genpareto.rvs(-0.4, size=4_000, random_state=1)
    null = Null(np.sort(scores), 40_000)
    found = np.log(null.pvalues(np.linspace(3, 6, 200)))
    np.testing.assert_allclose(np.diff(found, 2), 0, atol=1e-9)
    # It goes on where the fitted one turns into it.
    fine = null.pvalues(np.linspace(2.1, 3, 20_000))
    assert (np.diff(np.log(fine)) > -0.01).all()
    assert 0 < fine[-1] < 1e-6


def test_few_sites_give_counts_and_at_least_one():
    null = Null(np.array([1.0, 2.0, 3.0]), 1_000)
    assert null.pvalues(np.array([2.5, 9.0, 0.0])).tolist() == [0.001, 0.001, 0.003]
    assert Null(np.zeros(0), 1_000).pvalues(np.array([5.0])).tolist() == [0.001]
    same = Null(np.ones(300), 1_000)
    assert same.pvalues(np.array([1.0, 2.0])).tolist() == [0.3, 0.001]
    assert same.fit_error() is None and "no tail is fitted" in same.describe(0.3)


def test_logits_of_0_and_1_are_finite():
    found = to_logits(np.array([0.0, 0.5, 1.0], np.float32))
    assert np.isfinite(found).all() and found[1] == 0 and found[0] == -found[2]
    assert "known to 10%" in Null(np.arange(200.0), 10_000).describe(0.01)
