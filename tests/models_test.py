"""Tests of the factory in mirjax.models."""

import pytest

from mirjax.models import make_model
from mirjax.models.seq2seq import Seq2Seq


def test_arguments_reach_the_module():
    config = {"name": "seq2seq", "lstm_features": 7, "dropout": 0.5}
    assert make_model(config) == Seq2Seq(lstm_features=7, dropout=0.5)
    assert config["name"] == "seq2seq"  # the caller's config is not changed


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"name": "rnn"}, r"config.model.name: 'rnn' is not one of \[.*'seq2seq'"),
        ({}, "config.model.name: None is not one of"),
        (
            {"name": "seq2seq", "width": 5},
            "unknown key 'width'; seq2seq takes .*conv_w",
        ),
        ({"name": "seq2seq", "parent": None}, "unknown key 'parent'"),
        ({"name": "seq2seq", "letter_dropout": 0.0}, "unknown key 'letter_dropout'"),
    ],
)
def test_unknown_names_and_keys_are_refused(config, message):
    with pytest.raises(ValueError, match=message):
        make_model(config)
