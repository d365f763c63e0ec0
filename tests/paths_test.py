"""Paths of alignments score what the recurrence says, and end where they should."""

import numpy as np

from mirjax.alignment import complementarity, end_scores, paths, scoring
from mirjax.sequences import alphabet
from mirjax.sequences.pairing import reverse_complement

SEED_WEIGHTED = complementarity.seed_weighted()


def tokens(sequences, length):
    return alphabet.encode(sequences, length, unknown_as_pad=True)


def path_score(mirna, segment, partners, rules):
    """Score an alignment as it stands: pairs, then a cost for each gap."""
    pairs = [(i, j) for i, j in enumerate(partners) if j >= 0]
    total = 0
    for i, j in pairs:
        known = segment[j] in "AUCG"
        value = (
            rules.table["AUCG".index(mirna[i])]["AUCG".index(segment[j])]
            if known
            else rules.lowest
        )
        total += value * (rules.weights[i] if i < len(rules.weights) else 1)
    for (i, j), (k, m) in zip(pairs, pairs[1:], strict=False):
        assert k > i and m < j
        for skipped in (k - i - 1, j - m - 1):
            if skipped:
                total -= rules.gap_open + skipped * rules.gap_extend
    return total


def test_paths_score_what_the_recurrence_says():
    rng = np.random.default_rng(7)
    for rules in (SEED_WEIGHTED, scoring.complement(2, 1, -2, 3, 1)):
        span = end_scores.longest_span(rules, 24)
        mirnas = ["".join(rng.choice(list("AUCG"), n)) for n in (7, 18, 24, 22) * 10]
        segments = []
        for mirna in mirnas:
            site = list(reverse_complement(mirna))
            for place in rng.integers(0, len(site), 3):
                site[place] = rng.choice(["A", "", "GG", "UUUU", "N"])
            segments.append("".join(rng.choice(list("AUCG"), span)) + "".join(site))
        segments = [one[-span:] for one in segments]
        partners = paths.best_partners(
            tokens(mirnas, 24), tokens(segments, span), rules
        )
        for mirna, segment, row in zip(mirnas, segments, partners, strict=True):
            assert (row[len(mirna) :] == -1).all()
            subjects = end_scores.Subjects([tokens([segment], span)[0]], rules, 24)
            query = tokens([mirna], len(mirna))[0]
            ends = end_scores.end_scores(query, subjects)
            expected = ends[subjects.starts[0] + span - 1]
            assert path_score(mirna, segment, row, rules) == max(expected, 0)
            assert (row.max() == span - 1) == (expected > 0)


def test_a_perfect_site_pairs_every_letter_and_none_pairs_nothing():
    mirna = "UGAGGUAGUAGGUUGUAUAGUU"
    segments = ["G" * 20 + reverse_complement(mirna), "G" * 42]
    queries = tokens([mirna, "GGGGGGGG"], 22)
    partners = paths.best_partners(queries, tokens(segments, 42), SEED_WEIGHTED)
    assert partners[0].tolist() == list(range(41, 19, -1))
    assert (partners[1] == -1).all()


def test_many_alignments_are_followed_some_at_a_time(monkeypatch):
    rng = np.random.default_rng(8)
    queries = rng.integers(1, 5, (9, 10)).astype(np.uint8)
    segments = rng.integers(1, 5, (9, 25)).astype(np.uint8)
    expected = paths.best_partners(queries, segments, SEED_WEIGHTED)
    monkeypatch.setattr(paths, "_LANES", 4)
    found = paths.best_partners(queries, segments, SEED_WEIGHTED)
    np.testing.assert_array_equal(found, expected)
