"""Tests of classification metrics, by hand and against scikit-learn."""

import numpy as np
import pytest
from sklearn import metrics

from mirjax.evaluation.metrics import classification

LABELS = np.array([1, 1, 1, 1, 0, 0, 0, 0, 0, 1])
PROBABILITIES = np.array([0.9, 0.8, 0.4, 0.5, 0.7, 0.1, 0.2, 0.5, 0.0, 1.0])


def test_figures_by_hand():
    found = classification.classification_metrics(LABELS, PROBABILITIES)
    # Above 0.5: 0.9 0.8 1.0 (binding) and 0.7 (not): 3 of 5 found, 4 of 5 left alone.
    expected = {
        "n": 10,
        "accuracy": 7 / 10,
        "sensitivity": 3 / 5,
        "specificity": 4 / 5,
        "f1": 2 * 3 / (2 * 3 + 1 + 2),
        "ppv": 3 / 4,
        "npv": 4 / 6,
        "brier": (0.01 + 0.04 + 0.36 + 0.25 + 0.49 + 0.01 + 0.04 + 0.25) / 10,
        # Of 25 pairs of a binding row and another, 21 are in order and 1 is tied.
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


def test_figures_of_many_rows_are_scikit_learns():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 500)
    probabilities = np.clip(0.4 * labels + rng.normal(0.3, 0.3, 500), 0, 1)
    found = classification.classification_metrics(labels, probabilities, 0.6)
    called = probabilities > 0.6
    assert found["f1"] == pytest.approx(metrics.f1_score(labels, called))
    assert found["ppv"] == pytest.approx(metrics.precision_score(labels, called))
    assert found["brier"] == pytest.approx(
        metrics.brier_score_loss(labels, probabilities)
    )
    assert found["accuracy"] == pytest.approx(metrics.accuracy_score(labels, called))


def test_calibration_error_by_hand():
    # Bins of a tenth: {0.0} {0.1} {0.2} {0.4} {0.5, 0.5} {0.7} {0.8} {0.9, 1.0}.
    gaps = 0.0 + 0.1 + 0.2 + 0.6 + 2 * 0.0 + 0.7 + 0.2 + 2 * 0.05
    found = classification.calibration_error(LABELS, PROBABILITIES)
    assert found == pytest.approx(gaps / 10)
    certain = classification.calibration_error(LABELS, LABELS.astype(float))
    assert certain == 0.0


@pytest.mark.parametrize(
    ("between", "n", "accuracy", "dropped"),
    # Above 0.75: 3 right. Below 0.25: 3 right. Between: 0.4 and 0.5 bind, two do not.
    [("drop", 6, 1.0, 4), ("positive", 10, 0.8, 0), ("negative", 10, 0.8, 0)],
)
def test_three_way_rule(between, n, accuracy, dropped):
    found = classification.three_way_metrics(
        LABELS, PROBABILITIES, above=0.75, below=0.25, between=between
    )
    assert (found["n"], found["accuracy"], found["dropped"]) == (n, accuracy, dropped)
    assert (found["sensitivity"] == 1.0) == (between != "negative")
    assert (found["specificity"] == 1.0) == (between != "positive")


def test_three_way_rule_as_published_drops_what_lies_on_the_threshold():
    found = classification.three_way_metrics(
        LABELS, PROBABILITIES, above=0.5, below=0.5
    )
    assert (found["n"], found["dropped"]) == (8, 2)
    with pytest.raises(ValueError, match="every probability lies"):
        classification.three_way_metrics(LABELS, PROBABILITIES, above=1.0, below=0.0)
    with pytest.raises(ValueError, match=r"below=0.6 is more than above=0.5"):
        classification.three_way_metrics(LABELS, PROBABILITIES, above=0.5, below=0.6)


def test_intervals_hold_the_figure_and_narrow_with_more_rows():
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 2, 1_000)
    probabilities = np.clip(0.3 * labels + rng.uniform(0, 0.7, 1_000), 0, 1)
    widths = []
    for n in (250, 1_000):
        figures = classification.classification_metrics(labels[:n], probabilities[:n])
        found = classification.bootstrap_intervals(labels[:n], probabilities[:n])
        assert set(found) == set(figures) - {"n"}
        low, high = found["accuracy"]
        assert low < figures["accuracy"] < high
        # The binomial's normal interval is an independent answer.
        error = np.sqrt(figures["accuracy"] * (1 - figures["accuracy"]) / n)
        assert high - low == pytest.approx(2 * 1.96 * error, rel=0.25)
        widths.append(high - low)
    assert widths[1] < widths[0] / 1.6
    again = classification.bootstrap_intervals(labels[:250], probabilities[:250])
    other = classification.bootstrap_intervals(
        labels[:250], probabilities[:250], seed=1
    )
    assert again != other


def test_one_class_is_said_to_mean_nothing():
    ones = np.ones(4, int)
    figures = classification.classification_metrics(ones, np.full(4, 0.9))
    assert figures["accuracy"] == 1.0
    for name in ("auroc", "average_precision", "specificity", "npv"):
        assert figures[name] is None
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
def test_what_cannot_be_measured_is_refused(labels, probabilities, message):
    with pytest.raises(ValueError, match=message):
        classification.classification_metrics(
            np.array(labels, int), np.array(probabilities, float)
        )
