"""Tests of mirjax.datasets.selection."""

import dataclasses

import numpy as np
import pytest

from mirjax.configs import base
from mirjax.datasets import registry
from mirjax.datasets.selection import Selection, describe, select
from mirjax.sequences import pairing
from mirjax.sequences.records import Pairs


@pytest.fixture
def eight_rows(monkeypatch):
    """Eight pairs, two of them negative, in place of simulated ones."""
    pairs = Pairs(
        [f"ACGU{'A' * i}" for i in range(8)],
        [f"UUGG{'C' * i}" for i in range(8)],
        np.array([1, 0, 1, 1, 1, 0, 1, 1], np.uint8),
    )
    monkeypatch.setattr(registry, "load_pairs", lambda name, **_: pairs)
    return pairs


def parts_of(split):
    return [split.train, split.validation, split.test]


def test_the_first_positive_rows_are_all_there_is(eight_rows):
    pairs, split = select(Selection("simulated", split="random", positive_rows=5))
    assert pairs.mirnas == [eight_rows.mirnas[i] for i in (0, 2, 3, 4, 6)]
    assert sorted(np.concatenate(parts_of(split))) == list(range(5))


def test_none_leaves_only_rows_labelled_1(eight_rows):
    plain, plain_split = select(Selection("simulated", seed=3))
    pairs, split = select(Selection("simulated", seed=3, negatives="none"))
    for rows, plain_rows in zip(parts_of(split), parts_of(plain_split), strict=True):
        assert (pairs.labels[rows] == 1).all()
        assert rows.tolist() == [r for r in plain_rows if plain.labels[r] == 1]
    assert sum(map(len, parts_of(split))) == 6


def test_targets_of_other_lengths_are_left_out_of_each_part(eight_rows):
    _, plain = select(Selection("simulated", split="random", seed=1))
    _, split = select(
        Selection(
            "simulated",
            split="random",
            seed=1,
            min_target_length=6,
            max_target_length=9,
        )
    )
    for rows, plain_rows in zip(parts_of(split), parts_of(plain), strict=True):
        assert rows.tolist() == [r for r in plain_rows if 2 <= r <= 5]


def test_negatives_come_in_the_given_ratio():
    pairs, split = select(
        Selection(
            "simulated",
            split="random",
            positive_rows=1_000,
            negatives="random",
            negative_ratio=0.9,
        )
    )
    for rows in parts_of(split):
        positives = pairs.labels[rows].sum()
        assert len(rows) - positives == round(0.9 * positives)
    assert pairs.labels.sum() == 1_000


@pytest.fixture
def planted_sites(monkeypatch):
    """A perfect site of each row's miRNA in random flanks; row 3 is negative."""
    rng = np.random.default_rng(0)
    mirnas, sites, targets = [], [], []
    for _ in range(30):
        mirna, before, after = (
            "".join(rng.choice(list("ACGU"), n)) for n in (22, 20, rng.integers(9))
        )
        mirnas.append(mirna)
        sites.append(pairing.reverse_complement(mirna))
        targets.append(before + sites[-1] + after)
    labels = np.ones(30, np.uint8)
    labels[3] = 0
    pairs = Pairs(mirnas, targets, labels)
    monkeypatch.setattr(registry, "load_pairs", lambda name, **_: pairs)
    return pairs, sites


@pytest.mark.parametrize("size", [7, 22, 30])
def test_targets_are_cut_to_the_sites_that_bind(planted_sites, size):
    whole, sites = planted_sites
    pairs, split = select(Selection("simulated", seed=2, site_window=size))
    _, plain = select(Selection("simulated", seed=2))
    for rows, plain_rows in zip(parts_of(split), parts_of(plain), strict=True):
        assert rows.tolist() == [row for row in plain_rows if row != 3]
        for row in rows:
            assert len(pairs.targets[row]) == size
            assert pairs.targets[row] in whole.targets[row]
            assert pairs.targets[row].endswith(sites[row][-size:])
    assert pairs.mirnas == whole.mirnas


def test_lengths_are_those_of_cut_targets(planted_sites):
    def rows_of(**lengths):
        _, split = select(Selection("simulated", site_window=12, **lengths))
        return sum(map(len, parts_of(split)))

    assert rows_of(min_target_length=12, max_target_length=12) == 29
    assert rows_of(min_target_length=13) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"site_window": -1}, "site_window=-1: give a length in nt, or 0"),
        (
            {"site_window": 9, "negatives": "random"},
            "config.data.negatives=random generates others; set negatives to none",
        ),
        ({"positive_rows": 5}, "have no published split; set config.data.split"),
        ({"positive_rows": 7, "split": "random"}, "has 6 positive rows; 0 takes all"),
        ({"positive_rows": -1, "split": "random"}, "positive_rows=-1"),
    ],
)
def test_rows_that_cannot_be_chosen_are_refused(eight_rows, arguments, message):
    with pytest.raises(ValueError, match=message):
        select(Selection("simulated", **arguments))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "published split"),
        ({"split": "random"}, "random split"),
        (
            {"positive_rows": 10_000, "negatives": "random"},
            "first 10,000 positive rows, published split, negatives random",
        ),
        (
            {"split": "random", "max_target_length": 40},
            "random split, targets of 0 to 40 nt",
        ),
        (
            {"site_window": 29},
            "published split, targets cut to 29 nt at their known sites",
        ),
    ],
)
def test_a_selection_is_described_in_words(arguments, words):
    assert describe(Selection("simulated", **arguments)) == words


def test_the_defaults_are_those_of_a_config():
    data = base.get_config().data
    assert Selection(**data) == Selection(data.name)


def test_a_model_file_may_have_former_keys():
    saved = {"name": "simulated", "binding_rows": 7, "split": "random"}
    expected = Selection("simulated", split="random", positive_rows=7)
    assert Selection.from_saved(saved) == expected
    assert Selection.from_saved(dataclasses.asdict(expected)) == expected


def test_an_unknown_key_of_a_model_file_is_an_error():
    with pytest.raises(ValueError, match="chosen by 'augmented'"):
        Selection.from_saved({"name": "simulated", "augmented": True})
