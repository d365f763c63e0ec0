"""Tests of mirjax.datasets.negatives, against definitions and full enumeration."""

import collections
import itertools

import numpy as np
import pytest
from equations import random_letters

from mirjax.datasets import registry
from mirjax.datasets.negatives import (
    KINDS,
    make_negatives,
    shuffle_dinucleotides,
    with_negatives,
)
from mirjax.sequences.records import Pairs, Split


@pytest.fixture(scope="module")
def positives():
    """300 rows of 12 miRNAs, some 20 times as frequent as others."""
    rng = np.random.default_rng(0)
    mirnas = random_letters(rng, 12, 20, 24)
    weights = np.geomspace(20, 1, 12)
    chosen = rng.choice(12, 300, p=weights / weights.sum())
    return Pairs([mirnas[i] for i in chosen], random_letters(rng, 300, 20, 40))


def pairs_of(pairs):
    return list(zip(pairs.mirnas, pairs.targets, strict=True))


def dinucleotides(sequence):
    return collections.Counter(itertools.pairwise(sequence))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("count", [1, 270, 300, 650])
def test_negatives_are_new_seeded_and_labelled_0(positives, kind, count):
    known = pairs_of(make_negatives(positives, kind, 40, seed=9))
    found = make_negatives(positives, kind, count, seed=1, known=known)
    assert len(found) == count
    assert not found.labels.any()
    made = pairs_of(found)
    assert len(set(made)) == count
    assert not set(made) & (set(pairs_of(positives)) | set(known))
    again = make_negatives(positives, kind, count, seed=1, known=known)
    assert pairs_of(again) == made
    assert pairs_of(make_negatives(positives, kind, count, seed=2)) != made


def test_repairing_keeps_how_often_each_mirna_and_target_occurs(positives):
    found = make_negatives(positives, "frequency", 300)
    assert collections.Counter(found.mirnas) == collections.Counter(positives.mirnas)
    assert sorted(found.targets) == sorted(positives.targets)
    fewer = make_negatives(positives, "frequency", 270)
    counts = collections.Counter(positives.mirnas)
    assert not collections.Counter(fewer.mirnas) - counts


def test_negatives_across_families_have_no_seed_that_binds_the_target(positives):
    # Each miRNA has a relative of the same seed, and their targets are others.
    relatives = [mirna[:8] + "ACGU" for mirna in positives.mirnas[:150]]
    mirnas = [*relatives, *positives.mirnas[150:]]
    pairs = Pairs(mirnas, positives.targets)

    found = make_negatives(pairs, "family", 300)

    binding = {(m[1:8], t) for m, t in pairs_of(pairs)}
    assert not {(m[1:8], t) for m, t in pairs_of(found)} & binding
    assert collections.Counter(found.mirnas) == collections.Counter(mirnas)
    assert sorted(found.targets) == sorted(pairs.targets)


def test_negatives_across_families_are_those_of_mirbench(positives):
    """Each miRNA is as often negative as positive; targets are of other families."""
    found = make_negatives(positives, "family", 600)
    counts = collections.Counter(positives.mirnas)
    assert collections.Counter(found.mirnas) == {m: 2 * n for m, n in counts.items()}
    seeds = collections.defaultdict(set)
    for mirna, target in pairs_of(positives):
        seeds[target].add(mirna[1:8])
    assert all(seeds[t] and m[1:8] not in seeds[t] for m, t in pairs_of(found))
    assert len(set(pairs_of(found))) == 600


def test_random_pairs_give_each_mirna_the_same_chance(positives):
    found = make_negatives(positives, "random", 2_000)
    counts = np.array(list(collections.Counter(found.mirnas).values()))
    # 12 miRNAs: 167 each, give or take 12; among the positives the ratio is 20.
    assert len(counts) == 12
    assert counts.max() / counts.min() < 1.6


def test_shuffled_targets_keep_their_mirna_and_dinucleotides(positives):
    found = make_negatives(positives, "dinucleotide", 300)
    of_mirna = collections.defaultdict(list)
    for mirna, target in pairs_of(positives):
        of_mirna[mirna].append(dinucleotides(target))
    for mirna, target in pairs_of(found):
        assert dinucleotides(target) in of_mirna[mirna]


@pytest.mark.parametrize("sequence", ["AUAUCAGAU", "AACAGA", "GGCGCCG", "ACGUACGU"])
def test_every_shuffle_with_the_same_dinucleotides_is_equally_likely(sequence):
    possible = {
        "".join(letters)
        for letters in itertools.permutations(sequence)
        if letters[0] == sequence[0]
        and dinucleotides(letters) == dinucleotides(sequence)
    }
    rng = np.random.default_rng(0)
    draws = 300 * len(possible)
    counts = collections.Counter(
        shuffle_dinucleotides(sequence, rng) for _ in range(draws)
    )
    assert set(counts) == possible
    expected = draws / len(possible)
    chi_square = sum((counts[s] - expected) ** 2 / expected for s in possible)
    # Mean n - 1, deviation sqrt(2 (n - 1)).
    degrees = len(possible) - 1
    assert chi_square < degrees + 5 * np.sqrt(2 * degrees) + 1


def test_short_and_constant_sequences_stay():
    rng = np.random.default_rng(0)
    for sequence in ("", "A", "AU", "AAAAAA"):
        assert shuffle_dinucleotides(sequence, rng) == sequence


@pytest.mark.parametrize("kind", KINDS)
def test_too_few_possible_pairs_are_an_error(kind):
    one = Pairs(["UGAGGUAGUAGG"], ["AAAAAAAA"])
    with pytest.raises(ValueError, match=f"no further pair of kind .*{kind}"):
        make_negatives(one, kind, 2)


def test_wrong_arguments_are_refused(positives):
    with pytest.raises(ValueError, match="kind='odd' is not one of frequency"):
        make_negatives(positives, "odd", 3)
    with pytest.raises(ValueError, match="count=0 must be at least 1"):
        make_negatives(positives, "random", 0)


def test_each_part_of_a_dataset_gets_negatives_of_its_own(positives):
    labels = np.ones(300, np.uint8)
    labels[::10] = 0  # negatives of the dataset: left out
    dataset = Pairs(positives.mirnas, positives.targets, labels)
    parts = [np.arange(200), np.arange(200, 300), np.arange(0)]
    pairs, split = with_negatives(dataset, Split(*parts), "frequency", ratio=0.9)
    known = set(pairs_of(dataset.take(np.flatnonzero(labels))))
    assert (len(split.train), len(split.validation), len(split.test)) == (342, 171, 0)
    assert not set(split.train) & set(split.validation)
    for rows, part in zip((split.train, split.validation), parts, strict=False):
        found = pairs.take(rows)
        ones = part[labels[part] == 1]
        assert found.labels.tolist() == [1] * len(ones) + [0] * round(0.9 * len(ones))
        made = pairs_of(found)
        assert made[: len(ones)] == pairs_of(dataset.take(ones))
        assert not set(made[len(ones) :]) & known
        # Negatives have the sequences of their own part.
        assert set(found.targets) <= set(dataset.take(ones).targets)
    again, _ = with_negatives(dataset, Split(*parts), "frequency", ratio=0.9)
    assert pairs_of(again) == pairs_of(pairs)


def test_real_pairs_are_repaired_whole(data_dir):
    pairs = registry.load_pairs("chakraborty2019").take(range(10_000))
    found = make_negatives(pairs, "frequency", 9_000)
    assert not set(pairs_of(found)) & set(pairs_of(pairs))
