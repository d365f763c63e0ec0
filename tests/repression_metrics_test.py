"""Tests of mirjax.evaluation.metrics.repression."""

import numpy as np
import pytest
from scipy import stats

from mirjax.evaluation.metrics import repression


def _example(genes=60, mirnas=3):
    rng = np.random.default_rng(3)
    observed = rng.normal(0, 0.6, (genes, mirnas))
    return observed + rng.normal(0, 0.8, observed.shape), observed


def _average_precision(relevant, score):
    """Sum of precision times the step of recall, over ranks; no ties."""
    ranked = relevant[np.argsort(-score)]
    precision = np.cumsum(ranked) / np.arange(1, len(ranked) + 1)
    return precision[ranked].sum() / ranked.sum()


def test_measure_agrees_with_definitions():
    predicted, observed = (column[:, 0] for column in _example())
    found = repression.measure(predicted, observed)
    r = np.corrcoef(predicted, observed)[0, 1]
    rho = np.corrcoef(predicted.argsort().argsort(), observed.argsort().argsort())[0, 1]
    precision = _average_precision(observed < -0.5, -predicted)
    assert [*found.values()] == pytest.approx([r, r * r, rho, precision])


def test_constant_predictor_and_no_repressed_gene():
    found = repression.measure(np.zeros(5), np.arange(5.0))
    assert (found["pearson_r"], found["r2"], found["spearman_rho"]) == (0, 0, 0)
    assert np.isnan(found["average_precision"])
    assert np.isnan(repression.mean_over_mirnas([found])["average_precision"])


def test_mean_leaves_out_what_a_mirna_lacks():
    rows = [dict.fromkeys(repression.METRICS, value) for value in (0.2, 0.4)]
    rows[1]["average_precision"] = float("nan")
    means = repression.mean_over_mirnas(rows)
    assert means["r2"] == pytest.approx(0.3)
    assert means["average_precision"] == pytest.approx(0.2)


def test_bootstrap_intervals_hold_the_mean_and_narrow_with_genes():
    widths = []
    for genes in (40, 640):
        predicted, observed = _example(genes)
        rows = [
            repression.measure(*c) for c in zip(predicted.T, observed.T, strict=True)
        ]
        mean = repression.mean_over_mirnas(rows)["pearson_r"]
        low, high = repression.bootstrap_over_genes(predicted, observed, resamples=60)[
            "pearson_r"
        ]
        assert low < mean < high
        widths.append(high - low)
        low, high = repression.bootstrap_over_mirnas(rows)["pearson_r"]
        assert low <= mean <= high
    assert widths[1] < widths[0] / 2


def test_bootstrap_is_reproducible():
    example = _example()
    first, second = (
        repression.bootstrap_over_genes(*example, resamples=5, seed=1) for _ in "12"
    )
    assert first == second


def test_distributions_give_the_largest_gap_of_cumulative_fractions():
    observed = _example()[1][:, 0]
    members = observed < 0.2
    without = ~members
    found = repression.distributions(
        observed, {"8mer": members, "6mer": np.zeros(60, bool)}, without
    )
    assert list(found) == ["8mer"]
    grid = np.sort(observed)
    gaps = [
        abs(np.mean(observed[members] <= x) - np.mean(observed[without] <= x))
        for x in grid
    ]
    assert found["8mer"].ks == pytest.approx(max(gaps))
    assert found["8mer"].median == pytest.approx(np.median(observed[members]))
    expected = stats.ks_2samp(observed[members], observed[without]).pvalue
    assert found["8mer"].ks_pvalue == pytest.approx(expected)
