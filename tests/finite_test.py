"""Tests of mirjax.inference.finite, and of the ranking that it guards."""

import jax
import numpy as np
import pytest
from equations import random_params

from mirjax.inference import ranking
from mirjax.inference.finite import check_log_probs
from mirjax.models import make_model
from mirjax.sequences import alphabet


def test_finite_numbers_and_unused_slots_pass():
    check_log_probs(np.array([[-1.0, -np.inf], [0.0, -300.0]]))
    check_log_probs(np.zeros((0, 3)))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_no_log_probability_is_counted(value):
    with pytest.raises(FloatingPointError, match="^1 of 2 log-probabilities"):
        check_log_probs(np.array([-1.0, value]))


@pytest.mark.slow
def test_a_model_that_overflows_ranks_nothing():
    model = make_model({"name": "seq2seq", "conv_features": 4, "lstm_features": 4})
    params = jax.tree.map(lambda leaf: leaf * 1e30, random_params(model, seed=0))
    targets = alphabet.encode(["ACGU" * 5], model.max_target_length)
    for rank in (
        lambda: ranking.rank(model, params, targets, ["ACGU", "GG"]),
        lambda: ranking.rank_true(model, params, targets, ["GG"], ["ACGU", "GG"]),
    ):
        with pytest.raises(FloatingPointError, match="NaN or infinite"):
            rank()
