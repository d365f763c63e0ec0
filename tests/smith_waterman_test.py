"""Tests of mirjax.alignment.smith_waterman and the modules it is made of."""

import functools

import jax
import numpy as np
import pytest
from Bio import Align
from Bio.Align import substitution_matrices

from mirjax.alignment import recurrence, scoring, smith_waterman
from mirjax.sequences import alphabet, pairing

SCORINGS = [
    scoring.nucleotide(),
    scoring.nucleotide(5, -4, 8, 6),
    scoring.nucleotide(2, -9, 0, 1),  # gaps beside gaps are better than mismatches
]
SKEWED = scoring.Scoring(
    ((3, -1, 0, -3), (1, 2, -2, -2), (-3, -3, 3, 2), (-1, 0, -2, 1)), 2, 1
)


def _random(rng, n, shortest, longest):
    lengths = rng.integers(shortest, longest + 1, n)
    return ["".join(rng.choice(list("AUCG"), length)) for length in lengths]


def _relatives(rng, sequences):
    """Copies with substitutions, insertions and deletions, so that gaps pay."""
    edits = ["", "A", "U", "C", "G", "GA", "UCU", "AAGGC"]
    return [
        "".join(
            rng.choice(edits) if rng.random() < 0.1 else letter for letter in sequence
        )
        or "A"
        for sequence in sequences
    ]


def _biopython(what, query, subject):
    letters = alphabet.LETTERS + "N"
    scores = np.full((5, 5), what.lowest, float)
    scores[:4, :4] = what.table
    aligner = Align.PairwiseAligner(mode="local")
    aligner.substitution_matrix = substitution_matrices.Array(letters, 2, scores)
    aligner.open_gap_score = -(what.gap_open + what.gap_extend)
    aligner.extend_gap_score = -what.gap_extend
    return aligner.score(query, subject[::-1] if what.antiparallel else subject)


def _oracle(what, query, subject):
    """Gotoh's recurrence in float64, cell by cell."""
    if what.antiparallel:
        subject = subject[::-1]
    h = np.zeros((len(query) + 1, len(subject) + 1))
    e, f = np.full_like(h, -np.inf), np.full_like(h, -np.inf)
    for i, one in enumerate(query, start=1):
        for j, other in enumerate(subject, start=1):
            opened = what.gap_open + what.gap_extend
            e[i, j] = max(e[i, j - 1] - what.gap_extend, h[i, j - 1] - opened)
            f[i, j] = max(f[i - 1, j] - what.gap_extend, h[i - 1, j] - opened)
            pair = alphabet.LETTERS.index(one), alphabet.LETTERS.index(other)
            diagonal = h[i - 1, j - 1] + what.table[pair[0]][pair[1]]
            h[i, j] = max(0, diagonal, e[i, j], f[i, j])
    return h.max()


@pytest.mark.slow
@pytest.mark.parametrize("what", SCORINGS, ids=str)
def test_pairs_of_any_length_score_as_biopython_says(what):
    rng = np.random.default_rng(0)
    queries = _random(rng, 60, 1, 300)
    subjects = _random(rng, 20, 1, 300) + _relatives(rng, queries[20:])
    scores = smith_waterman.score_pairs(queries, subjects, what)
    expected = [_biopython(what, *pair) for pair in zip(queries, subjects, strict=True)]
    assert scores.dtype == np.int32
    assert scores.tolist() == expected


@pytest.mark.parametrize("what", [scoring.complement(), SKEWED], ids=str)
def test_any_table_scores_as_the_recurrence_says(what):
    rng = np.random.default_rng(1)
    queries, subjects = _random(rng, 8, 15, 26), _random(rng, 8, 1, 70)
    expected = [[_oracle(what, q, s) for s in subjects] for q in queries]
    assert smith_waterman.score_all(queries, subjects, what).tolist() == expected
    # With more letters on the side of the queries, the two change roles.
    exchanged = smith_waterman.score_all(subjects, queries, what.transposed())
    assert exchanged.T.tolist() == expected


def test_a_perfect_duplex_pairs_every_letter():
    mirna = "UGAGGUAGUAGGUUGUAUAGUU"
    site = pairing.reverse_complement(mirna)
    what = scoring.complement(watson_crick=2)
    assert smith_waterman.score_pairs([mirna], [site], what) == 2 * len(mirna)
    assert smith_waterman.score_pairs([mirna], [site[::-1]], what) < len(mirna)


@pytest.mark.slow
@pytest.mark.parametrize("what", [SCORINGS[0], scoring.complement(5, 3, -4)], ids=str)
def test_windows_of_long_subjects_lose_no_score(what):
    rng = np.random.default_rng(2)
    queries = _random(rng, 4, 18, 26)
    planted = _relatives(rng, queries * 15)
    if what.antiparallel:
        planted = [pairing.reverse_complement(site) for site in planted]
    ends = _random(rng, 60, 1, 1500), _random(rng, 60, 0, 200)
    subjects = ["".join(parts) for parts in zip(ends[0], planted, ends[1], strict=True)]
    expected = [[_biopython(what, q, s) for s in subjects] for q in queries]
    assert smith_waterman.score_all(queries, subjects, what).tolist() == expected


@pytest.mark.slow
def test_every_width_of_integers_and_either_kernel_agree():
    rng = np.random.default_rng(3)
    lengths = 10, 16
    queries, subjects = (
        alphabet.encode(_random(rng, 64, 1, length), length).T for length in lengths
    )
    what = scoring.complement()
    results = [
        jax.jit(
            functools.partial(recurrence.sweep, scoring=what, dtype=np.dtype(kind))
        )(queries, subjects, sum(lengths) - 1)
        for kind in ("int8", "int16", "int32")
    ]
    # Small enough for any version of XLA to compile well.
    tile = functools.partial(recurrence.tile, scoring=what, dtype=np.dtype("int8"))
    results.append(jax.jit(tile)(queries, subjects))
    assert [result.dtype.itemsize for result in results] == [1, 2, 4, 1]
    for result in results[1:]:
        assert np.array_equal(result, results[0])


@pytest.mark.parametrize("length", [127, 128])
def test_the_highest_score_does_not_overflow(length):
    sequence = "ACGU" * 32
    score = smith_waterman.score_pairs([sequence[:length]], [sequence], SCORINGS[0])
    assert score == length


@pytest.mark.slow
def test_blocks_padding_and_order_change_nothing():
    rng = np.random.default_rng(4)
    queries, subjects = _random(rng, 70, 1, 60), _random(rng, 50, 1, 60)
    pairs = rng.integers(0, 50, (900, 2))
    score = functools.partial(
        smith_waterman.score_pairs, queries, subjects, SCORINGS[0], pairs=pairs
    )
    scores = score()
    assert np.array_equal(score(block_bytes=1), scores)
    order = rng.permutation(len(pairs))
    shuffled = smith_waterman.score_pairs(
        queries, subjects, SCORINGS[0], pairs=pairs[order]
    )
    assert np.array_equal(shuffled, scores[order])
    padded = [alphabet.encode(some, 99) for some in (queries, subjects)]
    tokens = smith_waterman.score_pairs(*padded, SCORINGS[0], pairs=pairs)
    assert np.array_equal(tokens, scores)
    table = smith_waterman.score_all(queries, subjects, SCORINGS[0], block_bytes=1)
    assert np.array_equal(table[tuple(pairs.T)], scores)


@pytest.mark.slow
def test_one_device_scores_as_eight_do():
    rng = np.random.default_rng(5)
    queries, subjects = _random(rng, 9, 20, 24), _random(rng, 300, 10, 60)
    assert jax.device_count() == 8
    scores = [
        smith_waterman.score_all(queries, subjects, SCORINGS[0], devices=devices)
        for devices in (jax.devices(), jax.devices()[:1], jax.devices()[:3])
    ]
    assert np.array_equal(scores[1], scores[0])
    assert np.array_equal(scores[2], scores[0])


def test_letters_that_stand_for_several_match_nothing():
    what = SCORINGS[0]
    queries = ["AANCCGGUU", "NNNN", "ACGU", "N", "UUUUNNUUUU"]
    subjects = ["AANCCGGUU", "NNNN", "ACGU", "A", "UUUUNNUUUU"]
    expected = [_biopython(what, *p) for p in zip(queries, subjects, strict=True)]
    assert smith_waterman.score_pairs(queries, subjects, what).tolist() == expected
    lower = [query.lower().replace("u", "t") for query in queries]
    assert smith_waterman.score_pairs(lower, subjects, what).tolist() == expected


def test_nothing_scores_nothing():
    what = SCORINGS[0]
    assert smith_waterman.score_pairs([], [], what).shape == (0,)
    assert smith_waterman.score_all([], ["ACGU"], what).shape == (0, 1)
    assert smith_waterman.score_all(["ACGU"], [], what).shape == (1, 0)
    assert smith_waterman.score_pairs(
        ["", "A", "A"], ["A", "", "A"], what
    ).tolist() == [
        0,
        0,
        1,
    ]


@pytest.mark.parametrize(
    ("arguments", "settings", "said"),
    [
        ((["A"], ["AXG"]), {}, "subjects: letter 'X'"),
        ((["A"], ["A", "C"]), {}, "1 queries and 2 subjects"),
        ((["A"], ["A"]), {"block_bytes": 0}, "block_bytes=0"),
        ((["A"], ["A"]), {"devices": []}, r"devices=\[\]"),
        ((["A"], ["A"]), {"pairs": np.array([[0, 1]])}, r"pair=\[0, 1\]"),
        ((["A"], ["A"]), {"pairs": np.array([0, 0])}, r"pairs: int64 of shape \(2,\)"),
        ((np.full((1, 3), 9, np.uint8), ["A"]), {}, "queries: token 9"),
        ((np.ones((1, 3), np.int32), ["A"]), {}, "queries: int32"),
    ],
)
@pytest.mark.usefixtures("unchecked")
def test_bad_arguments_are_named(arguments, settings, said):
    with pytest.raises(ValueError, match=said):
        smith_waterman.score_pairs(*arguments, SCORINGS[0], **settings)
