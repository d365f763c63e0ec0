"""The temperature of a classifier's logits, against closed forms and a plain search."""

import math

import numpy as np
import pytest
from equations import numpy_mitar, random_letters, random_params

from mirjax.evaluation.metrics.calibration import (
    HIGHEST,
    LOWEST,
    fit_temperature,
)
from mirjax.inference.classify import (
    make_scorer,
    predict_logits,
    predict_probabilities,
)
from mirjax.models import make_model
from mirjax.models.temperature import stored_temperature
from mirjax.models.trained import TrainedModel
from mirjax.sequences.records import Pairs

SMALL = {
    "name": "mitar",
    "conv_features": 8,
    "conv_width": 5,
    "lstm_features": 4,
    "dense_features": 3,
}


def simulated(temperature, count=20_000, seed=0):
    """Draw logits, and labels that bind as often as logits / temperature say."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0.3, 3.0, count)
    probabilities = 1 / (1 + np.exp(-logits / temperature))
    return (rng.random(count) < probabilities).astype(np.uint8), logits


def cross_entropy(labels, logits, temperature):
    probabilities = 1 / (1 + np.exp(-logits / temperature))
    return -np.mean(np.log(np.where(labels == 1, probabilities, 1 - probabilities)))


@pytest.mark.parametrize("temperature", [0.4, 1.0, 3.0])
def test_a_known_temperature_is_found(temperature):
    labels, logits = simulated(temperature)
    found = fit_temperature(labels, logits)
    assert found == pytest.approx(temperature, rel=0.06)
    # At the minimum the slope in 1 / temperature is none.
    probabilities = 1 / (1 + np.exp(-logits / found))
    assert np.mean((probabilities - labels) * logits) == pytest.approx(0, abs=1e-6)


def test_it_is_that_of_a_plain_search():
    labels, logits = simulated(1.7, count=500, seed=1)
    grid = np.arange(0.5, 4.0, 0.001)
    losses = [cross_entropy(labels, logits, temperature) for temperature in grid]
    found = fit_temperature(labels, logits)
    assert found == pytest.approx(grid[np.argmin(losses)], abs=0.001)
    assert cross_entropy(labels, logits, found) <= min(losses)


def test_two_logits_have_a_closed_form():
    # Of ten pairs at 3 eight bind, and of ten at -3 two: sigmoid(3 / T) = 0.8.
    logits = np.repeat([3.0, -3.0], 10)
    labels = np.repeat([1, 0, 1, 0], [8, 2, 2, 8])
    found = fit_temperature(labels, logits)
    assert found == pytest.approx(3 / math.log(0.8 / 0.2), rel=1e-6)


def test_it_grows_with_the_logits_and_heeds_neither_order_nor_sign():
    labels, logits = simulated(1.3, count=400)
    found = fit_temperature(labels, logits)
    for factor in (0.25, 4.0):
        scaled = fit_temperature(labels, factor * logits)
        assert scaled == pytest.approx(factor * found, rel=1e-5)
    assert fit_temperature(labels[::-1], logits[::-1]) == pytest.approx(found)
    assert fit_temperature(1 - labels, -logits) == pytest.approx(found)
    assert fit_temperature(labels, np.float32(logits)) == pytest.approx(found)


def test_it_stays_within_its_bounds():
    logits = np.array([-800.0, -2.0, 2.0, 800.0])
    right = np.array([0, 0, 1, 1])
    assert fit_temperature(right, logits) == pytest.approx(LOWEST, rel=1e-3)
    assert fit_temperature(1 - right, logits) == pytest.approx(HIGHEST, rel=1e-3)


@pytest.mark.parametrize(
    ("labels", "logits", "message"),
    [
        ([], [], "there are 0 and 0"),
        ([1, 1], [0.5, -0.5], "there are 0 and 2"),
        ([0, 0, 0], [0.5, -0.5, 1.0], "there are 3 and 0"),
        ([0, 2], [0.5, -0.5], "neither 0 nor 1"),
        ([0, 1], [0.5, np.nan], "not a finite number"),
        ([0, 1], [0.5, np.inf], "not a finite number"),
        ([0, 1], [0.5], "2 labels, but 1 logits"),
    ],
)
def test_labels_and_logits_without_a_temperature_are_refused(labels, logits, message):
    # A type checker may refuse columns of different lengths first.
    unchecked = getattr(fit_temperature, "__wrapped__", fit_temperature)
    with pytest.raises(ValueError, match=message) as caught:
        unchecked(np.array(labels, int), np.array(logits, float))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", [None, 0, -1.5, math.nan, math.inf, "2"])
def test_a_model_without_a_temperature_is_named(value):
    assert stored_temperature({"temperature": 2}, "model.npz") == 2.0
    metadata = {} if value is None else {"temperature": value}
    with pytest.raises(ValueError, match="model.npz(: its| holds no) temperature"):
        stored_temperature(metadata, "model.npz")


@pytest.mark.slow
def test_probabilities_are_those_of_the_equations():
    model = make_model(SMALL)
    params = random_params(model, 2, scale=0.8)
    rng = np.random.default_rng(0)
    pairs = Pairs(random_letters(rng, 7, 18, 26), random_letters(rng, 7, 20, 53))
    probabilities = np.array(
        [
            numpy_mitar(params, mirna, target)
            for mirna, target in zip(pairs.mirnas, pairs.targets, strict=True)
        ]
    )
    expected = np.log(probabilities / (1 - probabilities))
    assert np.ptp(expected) > 0.5
    # With any batch size; the last batch is filled up.
    for size in (3, 512):
        logits = predict_logits(model, params, pairs, batch_size=size)
        assert logits.dtype == np.float64
        np.testing.assert_allclose(logits, expected, rtol=1e-4, atol=1e-5)
    trained = TrainedModel(model, params, {})
    for temperature in (1.0, 2.5):
        np.testing.assert_allclose(
            predict_probabilities(trained, pairs, temperature=temperature),
            1 / (1 + np.exp(-expected / temperature)),
            atol=1e-5,
        )
    assert predict_logits(model, params, Pairs([], [])).shape == (0,)


def test_a_scorer_is_compiled_once_for_equal_models():
    scorer = make_scorer(make_model(SMALL))
    assert make_scorer(make_model(SMALL)) is scorer
    assert make_scorer(make_model({**SMALL, "lstm_features": 5})) is not scorer
