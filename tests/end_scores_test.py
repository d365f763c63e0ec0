"""Scores of the best alignment that ends at each place, against plain recurrences."""

import numpy as np
import pytest
from plain_alignment import plain_end_scores

from mirjax.alignment import complementarity, end_scores, scoring
from mirjax.sequences import alphabet
from mirjax.sequences.pairing import reverse_complement

SEED_WEIGHTED = complementarity.seed_weighted()
OTHER = scoring.complement(2, 1, -2, 3, 1)


def tokens(sequence):
    return alphabet.encode([sequence], len(sequence), unknown_as_pad=True)[0]


def random_sequence(rng, length, letters="AUCG"):
    return "".join(rng.choice(list(letters), length))


@pytest.mark.parametrize("rules", [SEED_WEIGHTED, OTHER])
def test_scores_are_those_of_a_plain_recurrence(rules):
    rng = np.random.default_rng(1)
    mirnas = [random_sequence(rng, length) for length in (6, 17, 22, 30)]
    targets = [random_sequence(rng, length) for length in (1, 3, 60, 150)]
    # A seed site and the rest of the partner, with a bulge of the target between.
    site = reverse_complement(mirnas[2])
    targets += [site[:12] + "A" * 4 + site[12:] + "N" * 3 + site[:9] + site[11:]]
    subjects = end_scores.Subjects([tokens(one) for one in targets], rules, 30)
    for mirna in mirnas:
        found = end_scores.end_scores(tokens(mirna), subjects)
        assert found.dtype == np.int8
        outside = found.copy()
        for start, target in zip(subjects.starts, targets, strict=True):
            places = slice(start, start + len(target))
            np.testing.assert_array_equal(
                found[places], plain_end_scores(mirna, target, rules)
            )
            outside[places] = 0
        assert not outside.any()


def test_blocks_and_neighbours_do_not_change_a_score(monkeypatch):
    rng = np.random.default_rng(2)
    mirna = tokens(random_sequence(rng, 22, "GU"))
    targets = [tokens(random_sequence(rng, 90, "ACU")) for _ in range(6)]
    whole = end_scores.Subjects(targets, SEED_WEIGHTED, 22, multiple=10)
    assert not (whole.starts % 10).any()
    expected = end_scores.end_scores(mirna, whole)
    assert expected.any()
    monkeypatch.setattr(end_scores, "_BLOCK", 17)
    np.testing.assert_array_equal(end_scores.end_scores(mirna, whole), expected)
    for start, target in zip(whole.starts, targets, strict=True):
        alone = end_scores.Subjects([target], SEED_WEIGHTED, 22)
        np.testing.assert_array_equal(
            end_scores.end_scores(mirna, alone)[alone.starts[0] :][: len(target)],
            expected[start : start + len(target)],
        )


def test_the_highest_score_is_that_of_the_complementarity():
    rng = np.random.default_rng(3)
    mirnas = [random_sequence(rng, 22) for _ in range(5)]
    targets = [random_sequence(rng, 50) for _ in range(8)]
    expected = complementarity.score_all(targets, mirnas)
    subjects = end_scores.Subjects([tokens(one) for one in targets], SEED_WEIGHTED, 22)
    for column, mirna in enumerate(mirnas):
        found = end_scores.end_scores(tokens(mirna), subjects)
        best = np.maximum.reduceat(found, subjects.starts)
        np.testing.assert_array_equal(best, expected[:, column])


def test_long_queries_take_wider_integers():
    rng = np.random.default_rng(4)
    mirna = random_sequence(rng, 120)
    target = reverse_complement(mirna)
    subjects = end_scores.Subjects([tokens(target)], SEED_WEIGHTED, 120)
    found = end_scores.end_scores(tokens(mirna), subjects)
    assert found.max() == 7 * 4 + 113


def test_no_subjects_and_wrong_scorings():
    empty = end_scores.Subjects([], SEED_WEIGHTED, 22)
    assert not end_scores.end_scores(tokens("UGAGGUAG"), empty).any()
    with pytest.raises(ValueError, match="antiparallel"):
        end_scores.Subjects([], scoring.nucleotide(), 22)
    with pytest.raises(ValueError, match="anchored"):
        end_scores.Subjects([], complementarity.seed_weighted(anchored=True), 22)
