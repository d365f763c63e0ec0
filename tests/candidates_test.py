"""Candidates: the best place of every bin, and what each rule keeps."""

import numpy as np
import pytest
from plain_alignment import plain_end_scores

from mirjax.alignment import complementarity
from mirjax.scanning import candidates
from mirjax.scanning.candidates import CandidateRule, find_candidates, lay_out
from mirjax.sequences import alphabet

RNG = np.random.default_rng(11)
MIRNAS = [RNG.integers(1, 5, n).astype(np.uint8) for n in (22, 18, 24)]
TRANSCRIPTS = [RNG.integers(1, 5, n).astype(np.uint8) for n in (0, 7, 300, 1, 121)]


def rows(found):
    return list(zip(*(column.tolist() for column in found), strict=True))


def letters(tokens):
    return "".join(alphabet.LETTERS[token - 1] for token in tokens)


def all_candidates(kind, thresholds):
    subjects = lay_out(TRANSCRIPTS, 24)
    return find_candidates(subjects, MIRNAS, range(3), CandidateRule(kind, thresholds))


def plain_choice(places):
    """Take (end, score) from the best on, where none is near that was taken."""
    taken = []
    for end, score in sorted(places, key=lambda place: (-place[1], place[0])):
        if all(abs(end - other) >= candidates.APART for other, _ in taken):
            taken.append((end, score))
    return sorted(taken)


def test_candidates_are_the_best_of_those_near_them():
    expected = []
    for number, mirna in enumerate(MIRNAS):
        for which, transcript in enumerate(TRANSCRIPTS):
            scores = plain_end_scores(
                letters(mirna), letters(transcript), complementarity.by_bond()
            ).tolist()
            places = []
            for first in range(0, len(scores), candidates.BIN):
                here = scores[first : first + candidates.BIN]
                if max(here) > 0:
                    end = first + here.index(max(here)) + 1
                    places.append((end, max(here)))
            expected += [(number, which, *place) for place in plain_choice(places)]
    assert rows(all_candidates("all", (1, 1, 1))) == expected


def test_thresholds_are_those_of_each_mirna():
    everything = rows(all_candidates("all", (1, 1, 1)))
    some = rows(all_candidates("fast", (30, 99, 1)))
    assert some == [row for row in everything if row[3] >= (30, 99, 1)[row[0]]]
    assert 0 < len(some) < len(everything)


def test_unknown_letters_alone_are_no_candidates():
    subjects = lay_out([np.zeros(50, np.uint8)], 24)
    assert (
        rows(find_candidates(subjects, MIRNAS, [0], CandidateRule("all", (1,)))) == []
    )


def test_seed_candidates_are_the_canonical_sites():
    mirna = "UGAGGUAGUAGGUUGUAUAGUU"
    transcript = "GGCUACCUCAGG" + "A" * 40 + "GGUACCUCG"
    tokens = [alphabet.encode([x], len(x))[0] for x in (mirna, transcript)]
    found = find_candidates(
        lay_out(tokens[1:], 22), tokens[:1], [0], CandidateRule("seed", (1,))
    )
    # The first pairs letter 1 as well; the second has a G there.
    assert [(row[1], row[2]) for row in rows(found)] == [(0, 10), (0, 60)]


@pytest.mark.parametrize("kind", ["sensitive", "fast"])
def test_thresholds_keep_at_most_their_share_of_shuffled_candidates(kind):
    rng = np.random.default_rng(12)
    shuffled = [rng.integers(1, 5, 2_000).astype(np.uint8) for _ in range(10)]
    rule = candidates.calibrate(kind, shuffled, MIRNAS)
    subjects = lay_out(shuffled, 24)
    everything = CandidateRule("all", (1, 1, 1))
    for number in range(3):
        whole = len(find_candidates(subjects, MIRNAS, [number], everything).ends)
        count = len(find_candidates(subjects, MIRNAS, [number], rule).ends)
        assert count / whole == pytest.approx(rule.kept[number])
        assert 0 < rule.kept[number] <= candidates.SHARE
        lower = CandidateRule(kind, tuple(t - 1 for t in rule.thresholds))
        more = len(find_candidates(subjects, MIRNAS, [number], lower).ends)
        assert more / whole > candidates.SHARE


def test_all_and_seed_need_no_threshold_and_other_kinds_are_refused():
    assert candidates.calibrate("all", [], MIRNAS).thresholds == (1, 1, 1)
    assert candidates.calibrate("seed", [], MIRNAS).kind == "seed"
    with pytest.raises(ValueError, match="--candidates=best is not one of all"):
        candidates.calibrate("best", [], MIRNAS)
