"""Tests of classification metrics, by hand and against scikit-learn."""

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from mirjax.evaluation.metrics import classification
from mirjax.evaluation.options import ThresholdRule

LABELS = np.array([1, 1, 1, 1, 0, 0, 0, 0, 0, 1])
PROBABILITIES = np.array([0.9, 0.8, 0.4, 0.5, 0.7, 0.1, 0.2, 0.5, 0.0, 1.0])


def test_metrics_by_hand():
    found = classification.classification_metrics(LABELS, PROBABILITIES)
    # Above 0.5 are 0.9, 0.8, 1.0 and 0.7: 3 of 5 positives and 1 of 5 negatives.
    expected = {
        "n": 10,
        "accuracy": 7 / 10,
        "sensitivity": 3 / 5,
        "specificity": 4 / 5,
        "f1": 2 * 3 / (2 * 3 + 1 + 2),
        "ppv": 3 / 4,
        "npv": 4 / 6,
        "brier": (0.01 + 0.04 + 0.36 + 0.25 + 0.49 + 0.01 + 0.04 + 0.25) / 10,
        # Of 25 pairs of a positive and a negative, 21 are in order and 1 is tied.
        "auroc": 21.5 / 25,
        # Positives stand at ranks 1, 2, 3, then 2 of 2 with a tie, then after 0.7.
        "average_precision": (1 + 1 + 1) / 5 + (4 / 6) / 5 + (5 / 7) / 5,
    }
    for name, value in expected.items():
        assert found[name] == pytest.approx(value), name


def test_another_threshold_moves_only_what_depends_on_it():
    half = classification.classification_metrics(LABELS, PROBABILITIES)
    low = classification.classification_metrics(LABELS, PROBABILITIES, threshold=0.15)
    assert low["sensitivity"] == 1.0
    assert low["specificity"] == 2 / 5
    for name in ("brier", "auroc", "average_precision", "ece"):
        assert low[name] == half[name]


def test_metrics_of_many_rows_agree_with_scikit_learn():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 500)
    probabilities = np.clip(0.4 * labels + rng.normal(0.3, 0.3, 500), 0, 1)
    found = classification.classification_metrics(labels, probabilities, 0.6)
    called = probabilities > 0.6
    assert found["f1"] == pytest.approx(sklearn_metrics.f1_score(labels, called))
    assert found["ppv"] == pytest.approx(
        sklearn_metrics.precision_score(labels, called)
    )
    assert found["brier"] == pytest.approx(
        sklearn_metrics.brier_score_loss(labels, probabilities)
    )
    assert found["accuracy"] == pytest.approx(
        sklearn_metrics.accuracy_score(labels, called)
    )


def test_calibration_error_by_hand():
    # Bins of a tenth: {0.0} {0.1} {0.2} {0.4} {0.5, 0.5} {0.7} {0.8} {0.9, 1.0}.
    gaps = 0.0 + 0.1 + 0.2 + 0.6 + 2 * 0.0 + 0.7 + 0.2 + 2 * 0.05
    found = classification.calibration_error(LABELS, PROBABILITIES)
    assert found == pytest.approx(gaps / 10)
    certain = classification.calibration_error(LABELS, LABELS.astype(float))
    assert certain == 0.0


@pytest.mark.parametrize(
    ("between", "n", "accuracy", "dropped"),
    # Above 0.75: 3 right. Below 0.25: 3 right. Between: 2 positives, 2 negatives.
    [("drop", 6, 1.0, 4), ("positive", 10, 0.8, 0), ("negative", 10, 0.8, 0)],
)
def test_three_way_rule(between, n, accuracy, dropped):
    found = classification.three_way_metrics(
        LABELS, PROBABILITIES, ThresholdRule(0.75, 0.25, between)
    )
    assert (found["n"], found["accuracy"], found["dropped"]) == (n, accuracy, dropped)
    assert (found["sensitivity"] == 1.0) == (between != "negative")
    assert (found["specificity"] == 1.0) == (between != "positive")


def test_three_way_rule_as_published_drops_what_lies_on_the_threshold():
    found = classification.three_way_metrics(
        LABELS, PROBABILITIES, ThresholdRule(0.5, 0.5)
    )
    assert (found["n"], found["dropped"]) == (8, 2)
    with pytest.raises(ValueError, match="every probability lies"):
        classification.three_way_metrics(LABELS, PROBABILITIES, ThresholdRule(1.0, 0.0))
    with pytest.raises(ValueError, match="no lower threshold"):
        classification.three_way_metrics(LABELS, PROBABILITIES, ThresholdRule())


@pytest.mark.slow
def test_intervals_hold_the_figure_and_narrow_with_more_rows():
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 2, 1_000)
    probabilities = np.clip(0.3 * labels + rng.uniform(0, 0.7, 1_000), 0, 1)
    widths = []
    for n in (250, 1_000):
        metrics = classification.classification_metrics(labels[:n], probabilities[:n])
        found = classification.bootstrap_intervals(labels[:n], probabilities[:n])
        assert set(found) == set(metrics) - {"n"}
        low, high = found["accuracy"]
        assert low < metrics["accuracy"] < high
        # The normal interval of a binomial is an independent oracle.
        error = np.sqrt(metrics["accuracy"] * (1 - metrics["accuracy"]) / n)
        assert high - low == pytest.approx(2 * 1.96 * error, rel=0.25)
        widths.append(high - low)
    assert widths[1] < widths[0] / 1.6
    again = classification.bootstrap_intervals(labels[:250], probabilities[:250])
    other = classification.bootstrap_intervals(
        labels[:250], probabilities[:250], seed=1
    )
    assert again != other


def test_rows_of_one_class_have_a_warning():
    ones = np.ones(4, int)
    metrics = classification.classification_metrics(ones, np.full(4, 0.9))
    assert metrics["accuracy"] == 1.0
    for name in ("auroc", "average_precision", "specificity", "npv"):
        assert metrics[name] is None
    assert "meaningless" in classification.one_class_warning(ones)
    assert "every row is labelled 0" in classification.one_class_warning(0 * ones)
    assert classification.one_class_warning(LABELS) is None
    assert "auroc" not in classification.bootstrap_intervals(ones, np.full(4, 0.9))


@pytest.mark.parametrize(
    ("labels", "probabilities", "message"),
    [
        ([], [], "no rows"),
        ([0, 2], [0.5, 0.5], "neither 0 nor 1"),
        ([0, 1], [0.5, np.nan], "not within 0 to 1"),
        ([0, 1], [0.5, 1.5], "not within 0 to 1"),
    ],
)
def test_invalid_labels_and_probabilities_are_refused(labels, probabilities, message):
    with pytest.raises(ValueError, match=message):
        classification.classification_metrics(
            np.array(labels, int), np.array(probabilities, float)
        )


def test_precision_and_recall_by_hand():
    curve = classification.precision_recall_curve(LABELS, PROBABILITIES)
    found = set(zip(curve.recall.tolist(), curve.precision.tolist(), strict=True))
    # From 0.8, from 0.7 (a negative), from 0.5 (one of each) and from 0.4.
    assert {(3 / 5, 1.0), (3 / 5, 3 / 4), (4 / 5, 4 / 6), (1.0, 5 / 7)} <= found
    assert curve.recall.min() > 0
    expected = classification.classification_metrics(LABELS, PROBABILITIES)
    assert curve.average_precision == expected["average_precision"]
    assert classification.precision_recall_curve(0 * LABELS, PROBABILITIES) is None


def test_calibration_curve_has_the_bins_with_rows():
    curve = classification.calibration_curve(LABELS, PROBABILITIES, bins=2)
    np.testing.assert_allclose(curve.mean_probability, [0.7 / 4, 4.4 / 6])
    np.testing.assert_allclose(curve.positive_fraction, [1 / 4, 4 / 6])
    assert curve.num_rows.tolist() == [4, 6]
    whole = classification.calibration_curve(LABELS, np.ones(10), bins=2)
    assert whole.num_rows.tolist() == [10]
