"""Tests of mirjax.alignment.scoring."""

import dataclasses
import itertools

import numpy as np
import pytest
from Bio import Align

from mirjax.alignment import scoring
from mirjax.sequences import alphabet, pairing


def _complement_with(**fields):
    return dataclasses.replace(scoring.complement(), **fields)


def test_a_gap_of_k_letters_costs_open_and_k_times_extend():
    mirjax = scoring.nucleotide(1, -9, gap_open=3, gap_extend=2)
    biopython = Align.PairwiseAligner(
        mode="local",
        match_score=1,
        mismatch_score=-9,
        open_gap_score=-(mirjax.gap_open + mirjax.gap_extend),
        extend_gap_score=-mirjax.gap_extend,
    )
    left, right = "CUCUUCCUUCUC", "GGAGAAGAGGAA"
    for k in (1, 2, 4):
        score = biopython.score(left + right, left + "U" * k + right)
        assert score == 24 - mirjax.gap_open - k * mirjax.gap_extend


def test_complement_pairs_watson_crick_and_wobble():
    table = scoring.complement(3, 1, -2).table
    for (i, one), (j, other) in itertools.product(
        enumerate(alphabet.LETTERS), repeat=2
    ):
        if pairing.reverse_complement(one) == other:
            assert table[i][j] == 3
        else:
            assert table[i][j] == (1 if {one, other} == {"G", "U"} else -2)
    assert scoring.complement().antiparallel


def test_transposed_exchanges_query_and_subject():
    table = tuple(tuple(range(4 * i, 4 * i - 16, -4)) for i in range(4))
    one = scoring.Scoring(table, 5, 2)
    assert np.array_equal(np.transpose(one.table), one.transposed().table)
    assert one.transposed().transposed() == one


@pytest.mark.parametrize(
    ("reward", "length", "bits"),
    [
        (1, 127, 8),
        (1, 128, 16),
        (5, 25, 8),
        (5, 26, 16),
        (1, 32767, 16),
        (1, 32768, 32),
    ],
)
def test_narrowest_integers_hold_the_highest_score(reward, length, bits):
    chosen = scoring.nucleotide(reward, -4, 8, 6)
    assert chosen.bound(length, 2 * length) == reward * length
    for lengths in ((length, length), (length, 10**6), (10**6, length)):
        assert chosen.dtype(*lengths) == np.dtype(f"int{bits}")


def test_integers_hold_costs_and_penalties_too():
    assert scoring.nucleotide(1, -128).dtype(9, 9) == np.int16
    assert scoring.nucleotide(1, -2, 100, 28).dtype(9, 9) == np.int16
    assert scoring.nucleotide(1, -2, 100, 27).dtype(9, 9) == np.int8
    with pytest.raises(ValueError, match="query_length=9000000"):
        scoring.nucleotide(1000).dtype(9_000_000, 9_000_000)


def test_span_of_a_best_alignment():
    # Two halves of 12 letters and a gap: 12 - 5 - 2k >= 0, or the halves are as good.
    assert scoring.nucleotide(1, -2, 5, 2).span(24) == 24 + 3
    assert scoring.nucleotide(1, -2, 30, 2).span(24) == 24
    assert scoring.nucleotide(1, -2, 5, 0).span(24) is None
    assert scoring.nucleotide(1, -2, 0, 1).span(1) == 1


def test_weights_and_offset_bound_the_scores():
    plain = scoring.complement(1, 0, -1, gap_open=4, gap_extend=2)
    weighted = dataclasses.replace(plain, weights=(1, 4, 4), offset=2)
    assert weighted.bound(5, 9) == 4 + 4 + 3
    assert weighted.bound(5, 2) == 4 + 4  # the heaviest letters
    assert weighted.floor(5, 2) == -8 and plain.floor(5, 2) == 0
    assert weighted.gains(4, 9).tolist() == [
        [[weight, 0, -weight]] for weight in (1, 4, 4, 1)
    ]
    other = weighted.transposed()
    assert other.bound(2, 5) == weighted.bound(5, 2)
    assert other.gains(9, 4).tolist() == weighted.gains(4, 9).swapaxes(0, 1).tolist()
    assert other.transposed() == weighted
    # Floor and one gap: 4 + 4 + 113 + 6 fits 8 bits, one letter more does not.
    assert weighted.dtype(115, 200) == np.int8
    assert weighted.dtype(116, 200) == np.int16


def test_scores_by_position_need_the_whole_subject():
    plain = scoring.complement()
    weighted = dataclasses.replace(plain, weights=(3,))
    assert weighted.span(9) >= plain.span(9)
    assert weighted.transposed().span(9) is None
    assert dataclasses.replace(plain, offset=0).span(9) is None


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: scoring.nucleotide(reward=0), "reward=0"),
        (lambda: scoring.nucleotide(penalty=1), "penalty=1"),
        (lambda: scoring.nucleotide(gap_open=-1), "gap_open=-1"),
        (lambda: scoring.nucleotide(gap_extend=-2), "gap_extend=-2"),
        (lambda: scoring.nucleotide(reward=2**21), "above 1048576"),
        (lambda: scoring.complement(watson_crick=1, wobble=2), "wobble=2"),
        (lambda: scoring.complement(mismatch=1, wobble=1), "not above 0"),
        (lambda: _complement_with(weights=(1, 0)), r"weights=\(1, 0\)"),
        (lambda: _complement_with(weights=(2**20,)), "above 1048576"),
        (lambda: _complement_with(offset=3), "offset=3"),
        (lambda: _complement_with(offset=-1), "offset=-1"),
        (lambda: scoring.Scoring(((1,),), 1, 1), r"table=\(\(1,\),\)"),
    ],
)
def test_bad_scorings_are_named(make, said):
    with pytest.raises(ValueError, match=said):
        make()
