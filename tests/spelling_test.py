"""Tests of mirjax.spelling."""

import pytest

from mirjax.spelling import suggest

KEYS = ["seed", "train", "train.batch_size", "model.dropout", "base.train.batch_size"]


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("sead", "seed"),
        ("train.batchsize", "train.batch_size"),
        ("base.train.batchsize", "base.train.batch_size"),
        ("batch_size", "train.batch_size"),
        ("train.dropout", "model.dropout"),
        ("trian.batch_size", "train.batch_size"),
    ],
)
def test_the_nearest_word_is_suggested(word, found):
    assert suggest(word, KEYS) == f"; did you mean {found}?"


def test_nothing_is_suggested_for_a_word_that_is_near_none():
    assert suggest("train.zzz", KEYS) == ""
    assert suggest("seed", []) == ""
