"""Tests of mirjax.datasets.augmentation on duplexes whose pairing is known."""

import collections

import equations
import numpy as np
import pytest
from small_runs import small_config

from mirjax.datasets import simulate
from mirjax.datasets.augmentation import augment_duplexes
from mirjax.sequences import alphabet, pairing
from mirjax.sequences.pairing import WATSON_CRICK, WOBBLE
from mirjax.sequences.records import Pairs
from mirjax.training import task_data

MIRNAS = equations.random_letters(np.random.default_rng(3), 40, 20, 24)


def kinds(mirna, opposite):
    """Classify opposite letters as Watson-Crick pair P, wobble w or mismatch x.

    `opposite` is the target read 3'→5'.
    """
    return "".join(
        "P" if pair in WATSON_CRICK else "w" if pair in WOBBLE else "x"
        for pair in map("".join, zip(mirna, opposite, strict=False))
    )


def with_letter(target, position, wanted, mirna):
    """Replace the letter opposite a miRNA position, from 0, by one of that kind."""
    opposite = target[::-1]
    for letter in alphabet.LETTERS:
        if kinds(mirna[position], letter) == wanted:
            opposite = opposite[:position] + letter + opposite[position + 1 :]
    return opposite[::-1]


def augmented_rows(mirnas, targets, copies=3):
    """Return augmented rows, each with the index of the row it is derived from."""
    found = augment_duplexes(Pairs(mirnas, targets), copies, seed=1)
    sources = [row for _ in range(copies) for row in range(len(mirnas))]
    return list(zip(found.mirnas, found.targets, sources, strict=True))


def test_perfect_duplexes_become_perfect_ones():
    mirnas = [mirna[:20] for mirna in MIRNAS]
    rows = augmented_rows(
        mirnas, [pairing.reverse_complement(mirna) for mirna in mirnas]
    )
    assert len(rows) == 120
    assert sum(mirna != mirnas[source] for mirna, _, source in rows) > 100
    for mirna, target, _ in rows:
        assert target == pairing.reverse_complement(mirna)


def test_wobbles_and_mismatches_stay_what_they_are_and_where():
    wanted, targets = [], []
    for mirna in MIRNAS:
        target = pairing.reverse_complement(mirna)
        # Far enough from each other and from the ends: no gap scores as well.
        for position in (6, 11, 15):
            kind = "x" if position == 11 or mirna[position] not in "GU" else "w"
            target = with_letter(target, position, kind, mirna)
        wanted.append(kinds(mirna, target[::-1]))
        targets.append(target)
    assert sum("w" in kind for kind in wanted) > 10
    for mirna, target, source in augmented_rows(MIRNAS, targets):
        shared = min(len(mirna), len(target))
        found = kinds(mirna, target[::-1])
        expected = [
            "P" if kind == "w" and letter not in "GU" else kind
            for letter, kind in zip(mirna, wanted[source], strict=False)
        ]
        assert found == "".join(expected[:shared])


def test_what_faces_no_letter_stays():
    mirnas = [mirna[:20] for mirna in MIRNAS]
    loop, flank = "AAAAA", "UUACG"
    targets = [
        flank
        + pairing.reverse_complement(mirna[10:])
        + loop
        + pairing.reverse_complement(mirna[:10])
        for mirna in mirnas
    ]
    right = 0
    for mirna, target, source in augmented_rows(mirnas, targets):
        assert len(target) == len(targets[source])
        right += target == (
            flank
            + pairing.reverse_complement(mirna[10:])
            + loop
            + pairing.reverse_complement(mirna[:10])
        )
    # Where letters beside the loop are A too, the loop may be said to lie there.
    assert right > 80


def test_mirnas_are_as_frequent_as_among_the_rows():
    mirnas = [*MIRNAS[:3], MIRNAS[0], MIRNAS[0]]
    targets = equations.random_letters(np.random.default_rng(4), 5, 18, 29)
    rows = augmented_rows(mirnas, targets, copies=4)
    count = collections.Counter(mirna for mirna, _, _ in rows)
    assert count == {MIRNAS[0]: 12, MIRNAS[1]: 4, MIRNAS[2]: 4}
    assert [len(target) for _, target, _ in rows] == 4 * [len(t) for t in targets]


def test_the_seed_decides():
    pairs = simulate.simulate(50).pairs
    first, again, other = (augment_duplexes(pairs, 1, seed) for seed in (0, 0, 1))
    assert first.targets == again.targets and first.mirnas == again.mirnas
    assert first.targets != other.targets
    assert len(augment_duplexes(pairs, 0, 0)) == 0


@pytest.mark.slow
def test_training_rows_are_added_to_and_held_out_ones_are_not():
    plain = task_data.load_data(small_config())
    config = small_config(duplex_augmentation=2)
    prepared = task_data.load_data(config)
    rows = len(plain.train.weights)
    assert len(prepared.train.weights) == 3 * rows
    np.testing.assert_array_equal(prepared.train.targets[:rows], plain.train.targets)
    np.testing.assert_array_equal(prepared.held_out.mirnas, plain.held_out.mirnas)
    lengths = (plain.train.targets != alphabet.PAD).sum(axis=1)
    augmented_lengths = (prepared.train.targets[rows:] != alphabet.PAD).sum(axis=1)
    np.testing.assert_array_equal(augmented_lengths, np.tile(lengths, 2))


def test_duplex_augmentation_is_refused_for_a_classifier():
    config = small_config(duplex_augmentation=1)
    config.model = {"name": "mitar"}
    config.data.negatives = "frequency"
    with pytest.raises(ValueError, match="duplex_augmentation=1 is for generators"):
        task_data.load_data(config)
