"""Tests of mirjax.models.stored_config: configs that somebody else wrote."""

import math

import pytest

from mirjax.models import make_model
from mirjax.models.stored_config import check_config, check_metadata

GOOD = {
    "duplex": {"conv_layers": 2, "dropout": 0.0},
    "mitar": {"length": 66, "dropout": 0.0, "embedding_limit": 0.1},
    "seq2seq": {"conv_features": 6, "seed_last": True},
    "transformer": {"encoder_layers": 1, "dtype": "bfloat16"},
}


@pytest.mark.parametrize("name", GOOD)
def test_configs_of_models_pass_unchanged(name):
    config = {"name": name} | GOOD[name]
    assert check_config(config) == config
    make_model(check_config(config))


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (None, "its model is None, not a JSON object"),
        ([], r"its model is \[\]"),
        ({}, "its model's name is None, not one of duplex, mirbind2, mitar"),
        ({"name": 5}, "name is 5"),
        ({"name": ["mitar"]}, r"name is \['mitar'\]"),
        ({"name": "n" * 500}, r"name is 'n{59}\.\.\., not one of"),
        ({"name": "a\n\x1b[2J"}, r"name is 'a\\n\\x1b\[2J'"),
        ({"name": "mitar", "length": None}, "length is None, not a whole number"),
        ({"name": "mitar", "length": 79.5}, "length is 79.5, not a whole number"),
        ({"name": "mitar", "length": True}, "length is True, not a whole number"),
        ({"name": "mitar", "length": 10**9}, "length is 1000000000, more than 4096"),
        ({"name": "mitar", "conv_features": 10**6}, "1000000, more than 16384"),
        ({"name": "mitar", "dropout": math.nan}, "dropout is nan"),
        ({"name": "mitar", "dropout": "0.1"}, "dropout is '0.1', not a number"),
        ({"name": "seq2seq", "seed_last": 1}, "seed_last is 1, not true or false"),
        ({"name": "transformer", "encoder_layers": 101}, "101, more than 100"),
        ({"name": "transformer", "dtype": 32}, "dtype is 32, not text"),
    ],
)
def test_wrong_types_and_absurd_sizes_are_refused(config, message):
    with pytest.raises(ValueError, match=message) as caught:
        check_config(config)
    assert len(str(caught.value)) < 150


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ([], "describes no model"),
        ({"data": {}}, "describes no model"),
        ({"model": {}, "data": 5}, "its data is 5"),
        ({"model": {}, "data": {"name": 5}}, "its data is {'name': 5}"),
        ({"model": {}, "data": {"name": "a", "split": []}}, r"data has 'split'=\[\]"),
        ({"model": {}, "step": "12"}, "its step is '12', not a whole number"),
        ({"model": {}, "l2": math.inf}, "its l2 is inf"),
        ({"model": {}, "l2": None}, "its l2 is None"),
    ],
)
def test_wrong_metadata_are_refused(metadata, message):
    with pytest.raises(ValueError, match=message):
        check_metadata(metadata)


def test_metadata_of_former_versions_pass():
    for metadata in ({"model": {}}, {"model": {}, "data": None, "step": 3, "l2": 0}):
        assert check_metadata(metadata) == metadata
