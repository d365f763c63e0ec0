"""Tests of mirjax.datasets.splits, against published calls and definitions."""

import csv
import itertools
import pathlib

import numpy as np
import pytest
from sklearn.model_selection import train_test_split

from mirjax.datasets import splits
from mirjax.sequences.records import Pairs

_LETTERS = np.array(list("ACGU"))


def _overlap(a, b, min_overlap):
    """Determine from the definition whether two targets are identical or overlap."""
    if a in b or b in a:
        return True
    return any(
        x[-shared:] == y[:shared]
        for x, y in ((a, b), (b, a))
        for shared in range(min_overlap, min(len(a), len(b)))
    )


def _overlapping_targets(num=240):
    """Cut windows out of short transcripts, so that many overlap and many do not."""
    rng = np.random.default_rng(3)
    transcripts = ["".join(rng.choice(_LETTERS, 120)) for _ in range(num // 6)]
    targets = []
    for _ in range(num):
        transcript = transcripts[rng.integers(len(transcripts))]
        start, length = rng.integers(0, 90), rng.integers(7, 30)
        targets.append(transcript[start : start + length])
    return targets


def _part_of_row(split, num_rows):
    """Return the part of each row, or -1; parts must not intersect."""
    part = np.full(num_rows, -1)
    for number, rows in enumerate((split.train, split.validation, split.test)):
        assert rows.dtype == np.int64
        assert (part[rows] == -1).all()
        part[rows] = number
    return part


def _same(a, b):
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


def _parts(split):
    return split.train, split.validation, split.test


@pytest.mark.parametrize("num_rows", [27_719, 7_758, 10, 11])
def test_published_mitar_is_two_calls_of_scikit_learn(num_rows):
    rows = np.arange(num_rows)
    rest, test = train_test_split(rows, test_size=0.2, random_state=1122)
    train, validation = train_test_split(rest, test_size=0.2, random_state=1122)
    assert _same(_parts(splits.published_mitar(num_rows)), (train, validation, test))


def test_published_mitar_has_the_published_sizes():
    sizes = [len(part) for part in _parts(splits.published_mitar(27_719))]
    assert sizes == [17_740, 4_435, 5_544]
    assert len(splits.published_mitar(7_758).test) == 1_552


@pytest.mark.parametrize("num_rows", [19_230, 19_000, 101])
def test_published_chakraborty_is_the_validation_split_of_keras(num_rows):
    rows = list(range(num_rows))[:19_000]
    split_at = int(len(rows) * (1.0 - 0.2))
    expected = rows[:split_at], rows[split_at:], []
    assert _same(_parts(splits.published_chakraborty(num_rows)), expected)


def test_published_hejret_keeps_its_test_file_apart():
    split = splits.published_hejret(8_193, 965, seed=4)
    part = _part_of_row(split, 8_193 + 965)
    assert (part[8_193:] == 2).all()
    assert set(part[:8_193]) == {0, 1}
    assert len(split.validation) == 819


def test_random_split_has_exact_sizes_and_every_row():
    split = splits.random_split(1_003, seed=5, fractions=(0.7, 0.2, 0.1))
    assert (_part_of_row(split, 1_003) >= 0).all()
    assert [len(part) for part in _parts(split)] == [702, 201, 100]
    # Rows are shuffled, not taken in the order of the file.
    assert 0.05 < np.mean(split.train >= 702) < 0.95


def test_splits_of_a_seed_never_change():
    # NumPy's PCG64 permutes ten rows so for seed 0: 4 6 2 7 3 5 9 0 8 1.
    split = splits.random_split(10, seed=0)
    assert (split.validation.tolist(), split.test.tolist()) == ([8], [1])


@pytest.mark.parametrize("protocol", splits.PROTOCOLS)
def test_a_seed_decides_the_split(protocol):
    rng = np.random.default_rng(0)
    mirnas = ["".join(rng.choice(_LETTERS, 22)) for _ in range(240)]
    pairs = Pairs(mirnas=mirnas, targets=_overlapping_targets())
    first, again, other = (splits.split_pairs(pairs, protocol, s) for s in (1, 1, 2))
    assert _same(_parts(first), _parts(again))
    assert not _same(_parts(first), _parts(other))


@pytest.mark.parametrize("min_overlap", [9, 12])
def test_clusters_are_the_components_of_the_overlap_relation(min_overlap):
    targets = _overlapping_targets()
    cluster = list(range(len(targets)))  # by brute force, from the definition
    for i, j in itertools.combinations(range(len(targets)), 2):
        if cluster[i] != cluster[j] and _overlap(targets[i], targets[j], min_overlap):
            cluster = [cluster[i] if c == cluster[j] else c for c in cluster]
    found = splits.target_clusters(targets, min_overlap)
    pairs_of_both = set(zip(cluster, found.tolist(), strict=True))
    assert len(pairs_of_both) == len(set(cluster)) == len(set(found.tolist()))
    assert 20 < len(set(cluster)) < len(set(targets))


def test_overlapping_targets_are_in_the_same_part():
    targets = _overlapping_targets()
    split = splits.cluster_split(targets, seed=1)
    part = _part_of_row(split, len(targets))
    assert (part >= 0).all()
    linked = [
        part[i] == part[j]
        for i, j in itertools.combinations(range(len(targets)), 2)
        if _overlap(targets[i], targets[j], 12)
    ]
    assert len(linked) > 100
    assert all(linked)


def test_known_clusters_are_kept_whole_too():
    targets = ["".join(x) for x in itertools.product("ACGU", repeat=3)]
    clusters = [str(number % 16) for number in range(64)]
    groups = splits.target_clusters(targets, clusters=clusters)
    assert np.array_equal(groups[:16], groups[16:32])
    assert len(set(groups.tolist())) == 16
    pairs = Pairs(mirnas=targets, targets=targets, clusters=clusters)
    part = _part_of_row(splits.split_pairs(pairs, "cluster", 0), 64)
    assert all(len(set(part[number::16])) == 1 for number in range(16))


def test_families_are_in_the_same_part_and_fractions_hold():
    rng = np.random.default_rng(2)
    seeds = ["".join(rng.choice(_LETTERS, 7)) for _ in range(80)]
    mirnas = [
        "".join(rng.choice(_LETTERS, 1)) + seed + "".join(rng.choice(_LETTERS, 14))
        for seed in seeds * 10
    ]
    split = splits.family_split(mirnas, seed=0, fractions=(0.6, 0.2, 0.2))
    part = _part_of_row(split, len(mirnas))
    assert all(len(set(part[number::80])) == 1 for number in range(80))
    assert [len(rows) for rows in _parts(split)] == [480, 160, 160]


@pytest.mark.parametrize(
    "fractions", [(0.5, 0.5), (0.5, 0.5, 0.5), (1.2, -0.1, -0.1), (0.8, 0.1, 0.05)]
)
def test_fractions_must_add_up_to_1(fractions):
    with pytest.raises(ValueError, match="fractions=.*add up to 1"):
        splits.random_split(10, 0, fractions)


def test_unknown_protocol_is_named():
    with pytest.raises(ValueError, match="protocol='gene'.*random, cluster, family"):
        splits.split_pairs(Pairs(mirnas=["AC"], targets=["GU"]), "gene")


def test_real_targets_form_small_clusters_that_are_kept_whole(data_dir: pathlib.Path):
    with open(data_dir / "chakraborty2019/pairs.csv", newline="") as file:
        targets = [target[::-1] for _, target in csv.reader(file)]
    groups = splits.target_clusters(targets)
    assert len(groups) == 19_230
    assert np.bincount(groups).max() == 21  # as the docstring says
    split = splits.cluster_split(targets, seed=0)
    part = _part_of_row(split, len(targets))
    fractions = np.bincount(part) / len(targets)
    np.testing.assert_allclose(fractions, splits.FRACTIONS, atol=0.002)
    # The test rows near each of some training rows by brute force: none may overlap.
    rng = np.random.default_rng(0)
    train = [targets[row] for row in rng.choice(split.train, 60, replace=False)]
    test = [targets[row] for row in rng.choice(split.test, 400, replace=False)]
    assert not any(_overlap(a, b, 12) for a in train for b in test)
