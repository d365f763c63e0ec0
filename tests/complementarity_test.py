"""Tests of mirjax.alignment.complementarity."""

import functools

import jax
import numpy as np
import numpy_complementarity
import pytest
from Bio import Align
from Bio.Align import substitution_matrices

from mirjax.alignment import complementarity, kernels, recurrence
from mirjax.sequences import alphabet, pairing
from mirjax.sequences.pairing import WATSON_CRICK, WOBBLE


def _random_sequences(rng, n, shortest, longest):
    return [
        "".join(rng.choice(list("AUCG"), rng.integers(shortest, longest + 1)))
        for _ in range(n)
    ]


def _half_complementary_sites(rng, mirnas, n):
    """Sites that pair with some miRNA, then suffer substitutions, gaps and cuts."""
    sites = []
    for mirna in rng.choice(mirnas, n):
        letters = list(pairing.reverse_complement(str(mirna)))
        for place in range(len(letters)):
            if rng.random() < 0.2:
                letters[place] = str(rng.choice(["", "A", "U", "C", "G", "GA", "UCU"]))
        sites.append("".join(letters)[rng.integers(4) : len(letters) - rng.integers(3)])
    return sites


def _biopython_local_score(target, mirna):
    """Smith-Waterman; the seed's letters are an alphabet of their own."""
    letters = "AUCGaucg"
    scores = np.zeros((8, 8))
    for row, mirna_letter in enumerate(letters):
        for column, target_letter in enumerate(letters):
            pair = mirna_letter.upper() + target_letter
            score = 1 if pair in WATSON_CRICK else 0 if pair in WOBBLE else -1
            scores[row, column] = score * (4 if mirna_letter.islower() else 1)
    aligner = Align.PairwiseAligner(mode="local")
    aligner.substitution_matrix = substitution_matrices.Array(letters, 2, scores)
    aligner.open_gap_score, aligner.extend_gap_score = -6, -2
    marked = mirna[0] + mirna[1:8].lower() + mirna[8:]
    return aligner.score(marked[::-1], target)


def _anchored_score_by_definition(target, mirna):
    """Every first pair, every continuation: the docstring's words in recursion."""
    site = target[::-1]

    @functools.cache
    def onward(i, j, last):
        """Best score of what can follow, i site and j miRNA letters being used."""
        options = [0]
        if i < len(site) and j < len(mirna):
            pair = mirna[j] + site[i]
            score = 1 if pair in WATSON_CRICK else 0 if pair in WOBBLE else -1
            weight = 4 if 2 <= j + 1 <= 8 else 1
            options.append(weight * score + onward(i + 1, j + 1, "pair"))
        if last != "start" and i < len(site):
            cost = 2 if last == "site" else 6
            options.append(onward(i + 1, j, "site") - cost)
        if last != "start" and j < len(mirna):
            cost = 2 if last == "mirna" else 6
            options.append(onward(i, j + 1, "mirna") - cost)
        return max(options)

    return max(
        onward(i, j, "start") - 2 * (i + j)
        for i in range(len(site) + 1)
        for j in range(len(mirna) + 1)
    )


def test_local_complementarity_is_smith_waterman():
    rng = np.random.default_rng(0)
    mirnas = _random_sequences(rng, 30, 15, 26)
    targets = _half_complementary_sites(rng, mirnas, 40)
    targets += _random_sequences(rng, 5, 1, 29)
    scores = complementarity.score_all(targets, mirnas)
    expected = [[_biopython_local_score(t, m) for m in mirnas] for t in targets]
    np.testing.assert_array_equal(scores, expected)


def test_anchored_complementarity_is_its_definition():
    rng = np.random.default_rng(1)
    mirnas = _random_sequences(rng, 8, 4, 24)
    targets = _half_complementary_sites(rng, mirnas, 12)
    targets = [target for target in targets if target] + ["A", "GGGGGGGGGGGG"]
    scores = complementarity.score_all(targets, mirnas, anchored=True)
    expected = [[_anchored_score_by_definition(t, m) for m in mirnas] for t in targets]
    np.testing.assert_array_equal(scores, expected)


@pytest.mark.slow
@pytest.mark.parametrize(
    "anchored", [pytest.param(False, marks=pytest.mark.slow), True]
)
def test_repeated_targets_of_any_length_score_as_in_numpy(anchored):
    rng = np.random.default_rng(2)
    mirnas = _random_sequences(rng, 12, 1, 40)
    targets = _half_complementary_sites(rng, mirnas, 40)
    targets = [target for target in targets if target]
    targets += _random_sequences(rng, 10, 1, 90) + targets[::3]
    expected = numpy_complementarity.score_all(targets, mirnas, anchored=anchored)
    for some in (targets, targets[:2]):  # either side may have more letters
        scores = complementarity.score_all(some, mirnas, anchored=anchored)
        assert scores.dtype == np.int16
        np.testing.assert_array_equal(scores, expected[: len(some)])


@pytest.mark.slow
def test_windows_of_long_targets_lose_no_score():
    rng = np.random.default_rng(5)
    mirnas = _random_sequences(rng, 6, 18, 25)
    sites = _half_complementary_sites(rng, mirnas, 12)
    flanks = _random_sequences(rng, 24, 1, 800)
    targets = [
        before + site + after
        for before, site, after in zip(flanks[::2], sites, flanks[1::2], strict=True)
    ]
    for anchored in (False, True):
        np.testing.assert_array_equal(
            complementarity.score_all(targets, mirnas, anchored=anchored),
            numpy_complementarity.score_all(targets, mirnas, anchored=anchored),
        )


@pytest.mark.slow
@pytest.mark.parametrize("anchored", [False, True])
@pytest.mark.parametrize("exchanged", [False, True])
def test_every_kernel_and_integer_agrees(anchored, exchanged):
    rng = np.random.default_rng(6)
    # The seed and some letters more: small enough for XLA to compile the tile fast.
    mirnas = _random_sequences(rng, 64, 1, 10)
    targets = _half_complementary_sites(rng, mirnas, 64)
    scoring = complementarity.seed_weighted(anchored=anchored)
    tokens = (
        alphabet.encode(mirnas, 10).T,
        alphabet.encode([target[:14][::-1] for target in targets], 14).T,
    )
    if exchanged:
        tokens, scoring = tokens[::-1], scoring.transposed()
    expected = np.diag(
        numpy_complementarity.score_all(
            [target[:14] for target in targets], mirnas, anchored=anchored
        )
    )
    rows, columns = map(len, tokens)
    for kind in ("int8", "int16"):
        kernel = {"scoring": scoring, "dtype": np.dtype(kind)}
        for score, steps in (
            (recurrence.sweep, (rows + columns - 1,)),
            (recurrence.strip, (rows,)),
            (recurrence.tile, ()),
        )[: 3 if kind == "int8" and not exchanged else 2]:
            found = jax.jit(functools.partial(score, **kernel))(*tokens, *steps)
            assert found.dtype == kind
            np.testing.assert_array_equal(found, expected, err_msg=score.__name__)


def test_much_work_is_scored_in_strips(monkeypatch):
    rng = np.random.default_rng(7)
    mirnas = _random_sequences(rng, 5, 17, 24)
    targets = _half_complementary_sites(rng, mirnas, 30)
    calls = []
    monkeypatch.setattr(kernels, "_STRIP_WORTH", 0)
    compiled = kernels.compiled_strip
    monkeypatch.setattr(
        kernels, "compiled_strip", lambda *a: calls.append(a) or compiled(*a)
    )
    scores = complementarity.score_all(targets, mirnas, anchored=True)
    expected = numpy_complementarity.score_all(targets, mirnas, anchored=True)
    np.testing.assert_array_equal(scores, expected)
    assert calls


def test_perfect_partner_scores_all_its_pairs():
    mirna = "UGAGGUAGUAGGUUGUAUAGUU"
    site = pairing.reverse_complement(mirna)
    expected = 4 * 7 + (len(mirna) - 7)
    assert complementarity.score_all([site], [mirna])[0, 0] == expected
    # Letters hung on the site's 3' end matter to the anchored score alone.
    hung = [site + "AAA"]
    assert complementarity.score_all(hung, [mirna])[0, 0] == expected
    anchored = complementarity.score_all(hung, [mirna], anchored=True)
    assert anchored[0, 0] == expected - 3 * 2
    assert complementarity.score_all([], [mirna]).shape == (0, 1)


@pytest.mark.slow
def test_a_mirna_scores_with_the_target_of_its_own_row():
    rng = np.random.default_rng(3)
    mirnas = _random_sequences(rng, 25, 17, 26)
    targets = _half_complementary_sites(rng, mirnas, 20) + ["A", "GU" * 26]
    mirnas = mirnas[: len(targets)]
    for anchored in (False, True):
        table = complementarity.score_all(targets, mirnas, anchored=anchored)
        found = complementarity.score_pairs(mirnas, targets, anchored=anchored)
        np.testing.assert_array_equal(found, np.diag(table))
    assert complementarity.score_pairs([], []).shape == (0,)
