"""Tests of mirjax.models.interfaces: which models implement what."""

import pytest

from mirjax.models import MODELS, make_model
from mirjax.models.interfaces import AttentionGenerator, Classifier, Generator


@pytest.mark.parametrize("name", MODELS)
def test_isinstance_distinguishes_kinds_of_models(name):
    model = make_model({"name": name})  # unbound: its layers cannot be read
    assert isinstance(model, Classifier)
    assert isinstance(model, Generator) == (name in ("seq2seq", "transformer"))
    assert isinstance(model, AttentionGenerator) == (name == "transformer")


@pytest.mark.parametrize("name", MODELS)
def test_models_are_static_arguments(name):
    """Equal models share compiled programs."""
    first, second = make_model({"name": name}), make_model({"name": name})
    assert first == second and hash(first) == hash(second)
    other = make_model({"name": name, "dropout": 0.35})
    assert first != other
