"""Bootstrap intervals, against resampling of the rows themselves."""

import numpy as np
import pytest

from mirjax.studies.intervals import fraction_interval, row_interval


def test_a_fraction_of_one_seed_is_the_bootstrap_of_its_rows():
    rng, correct = np.random.default_rng(0), np.arange(200) < 60
    means = [rng.choice(correct, 200).mean() for _ in range(4_000)]
    expected = np.quantile(means, (0.025, 0.975))
    found = fraction_interval([0.3], 200, draws=4_000)
    np.testing.assert_allclose(found, expected, atol=0.006)


def test_seeds_that_differ_widen_the_interval():
    low, high = fraction_interval([0.3] * 3, 200, draws=2_000)
    lower, higher = fraction_interval([0.2, 0.3, 0.4], 200, draws=2_000)
    assert lower < low < 0.3 < high < higher


@pytest.mark.parametrize("fraction", [0.0, 1.0])
def test_certain_fractions_have_no_width(fraction):
    assert fraction_interval([fraction] * 3, 50, draws=100) == (fraction, fraction)


def test_rows_are_drawn_for_all_seeds_at_once():
    labels = np.arange(300) % 2
    right = np.where(labels == 1, 0.9, 0.1)
    right[:60] = 1 - right[:60]
    probabilities = np.stack([right, right])

    def accuracy(labels, probabilities):
        return float(np.mean((probabilities > 0.5) == labels))

    found = row_interval(accuracy, labels, probabilities, draws=2_000)
    expected = fraction_interval([0.8], 300, draws=2_000)
    np.testing.assert_allclose(found, expected, atol=0.012)
