"""Tests of the settings of a search."""

import dataclasses

import pytest

from mirjax.blast.settings import (
    DEFAULT,
    NAMING,
    PUBLISHED,
    BlastSettings,
    settings_of_task,
)


@pytest.mark.parametrize(
    ("field", "remedy"),
    [
        ({"task": "tblastx"}, "is not one of megablast, blastn, blastn-short"),
        ({"word_size": 3}, "must be at least 4"),
        ({"reward": 0}, "must be at least 1"),
        ({"penalty": 2}, "must be at most -1"),
        ({"gapopen": -1}, "must be at least 0"),
        ({"gapextend": -1}, "must be at least 0"),
        ({"strand": "minus"}, "is not one of plus, both"),
        ({"evalue": 0.0}, "must be above 0"),
        ({"evalue": float("nan")}, "must be above 0"),
        ({"evalue": float("inf")}, "must be above 0 and finite"),
        ({"reward": 10**9}, "must be at most 1000"),
        ({"max_target_seqs": 0}, "must be at least 1"),
        ({"reward": 7, "penalty": -3}, "choose a multiple of one of"),
        ({"gapopen": 1, "gapextend": 7}, "choose one of"),
    ],
)
def test_a_bad_setting_is_named_with_its_remedy(field, remedy):
    name, value = next(iter(field.items()))
    with pytest.raises(ValueError, match=f"--{name}={value}.*{remedy}"):
        BlastSettings(**field)


def test_presets_differ_in_strand_masking_and_evalue_alone():
    assert dataclasses.replace(DEFAULT, strand="both") == PUBLISHED
    assert dataclasses.replace(DEFAULT, dust=False, evalue=0.02) == NAMING


def test_a_task_has_its_own_defaults_unless_given_apart():
    assert settings_of_task(None) == DEFAULT
    assert settings_of_task(None, word_size=9).word_size == 9
    short = settings_of_task("blastn-short", evalue=0.5)
    assert (short.task, short.word_size, short.penalty) == ("blastn-short", 7, -3)
    assert (short.gapopen, short.gapextend, short.evalue) == (5, 2, 0.5)
    with pytest.raises(ValueError, match="--task=tblastx is not one of"):
        settings_of_task("tblastx")
