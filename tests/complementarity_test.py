"""Tests of mirjax.alignment.complementarity."""

import functools

import numpy as np
from Bio import Align
from Bio.Align import substitution_matrices

from mirjax.alignment import complementarity
from mirjax.sequences import pairing
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


def test_blocks_and_repeated_targets_keep_their_rows(monkeypatch):
    rng = np.random.default_rng(2)
    mirnas = _random_sequences(rng, 7, 17, 26)
    targets = _half_complementary_sites(rng, mirnas, 20)
    targets += targets[::3]
    whole = complementarity.score_all(targets, mirnas)
    monkeypatch.setattr(complementarity, "_CELLS", 1)
    blocks = complementarity.score_all(targets, mirnas)
    np.testing.assert_array_equal(blocks, whole)
    singly = [complementarity.score_all([t], mirnas)[0] for t in targets]
    np.testing.assert_array_equal(whole, singly)


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
