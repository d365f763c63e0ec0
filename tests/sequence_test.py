"""Tests of mirjax.evaluation.metrics.sequence."""

import dataclasses

import numpy as np
import pytest
from Bio import Align

from mirjax.evaluation.metrics import sequence
from mirjax.sequences import alphabet
from mirjax.sequences.records import Pairs

LET7 = "UGAGGUAGUAGGUUGUAUAGUU"
MIR1 = "UGGAAUGUAAAGAAGUAUGUAU"
MIR16 = "UAGCAGCACGUAAAUAUUGGCG"


@dataclasses.dataclass(frozen=True)
class Hit:
    subject: str
    identity_percent: float
    length: int
    evalue: float


def _keras_categorical_accuracy(predicted, true):
    """Keras 2.2's definition, on one-hot arrays over A, U, C, G, BOS, EOS."""
    one_hot = np.zeros((*true.shape, 6))
    for row, column in np.argwhere(true != alphabet.PAD):
        one_hot[row, column, true[row, column] - 1] = 1
    probabilities = np.full((*true.shape, 6), 0.1)
    for row, column in np.ndindex(true.shape):
        probabilities[row, column, predicted[row, column] - 1] = 0.5
    return np.mean(np.argmax(one_hot, -1) == np.argmax(probabilities, -1))


def test_keras_token_accuracy_is_the_argmax_of_one_hot_rows():
    rng = np.random.default_rng(0)
    true = np.zeros((40, 28), np.uint8)
    for row, length in enumerate(rng.integers(0, 28, 40)):
        true[row, :length] = rng.integers(alphabet.A, alphabet.G + 1, length)
        true[row, length] = alphabet.EOS
    predicted = rng.integers(1, 7, true.shape).astype(np.uint8)
    predicted = np.where(rng.random(true.shape) < 0.5, np.maximum(true, 1), predicted)
    found = sequence.token_accuracy(predicted, true)
    expected = _keras_categorical_accuracy(predicted, true)
    assert found["token_accuracy_keras"] == pytest.approx(expected)


def test_padding_counts_for_keras_only_where_a_is_predicted():
    true = np.array([[alphabet.G, alphabet.EOS, 0, 0, 0]], np.uint8)
    predicted = np.array([[alphabet.G, alphabet.A, alphabet.A, 6, 6]], np.uint8)
    assert sequence.token_accuracy(predicted, true) == {
        "token_accuracy_masked": 1 / 2,
        "token_accuracy_keras": 2 / 5,
    }


def test_token_accuracy_needs_a_token():
    true = np.zeros((0, 28), np.uint8)
    with pytest.raises(ValueError, match="true"):
        sequence.token_accuracy(np.ones((0, 28), np.uint8), true)


def test_token_accuracy_refuses_columns_of_another_length():
    true = np.zeros((1, 28), np.uint8)
    # The type checker of the tests sees it first; a user gets the ValueError.
    unchecked = getattr(sequence.token_accuracy, "__wrapped__", sequence.token_accuracy)
    with pytest.raises(ValueError, match=r"\(1, 27\), true is \(1, 28\)"):
        unchecked(np.ones((1, 27), np.uint8), true)


def test_sequence_metrics_by_hand():
    metrics = sequence.sequence_metrics(
        # right; known for the target; same seed, one letter gone; nothing at all
        predictions=[LET7, MIR1, LET7[:-1], ""],
        true=[LET7, MIR16, LET7, MIR1],
        targets=["AAA", "CCC", "AAA", "GGG"],
        known={"CCC": {MIR1, MIR16}, "GGG": {MIR1}},
        database=(name for name in (LET7, MIR1, MIR16)),
    )
    distance = _biopython_distance(MIR1, MIR16)
    assert metrics == {
        "n": 4,
        "exact_match": 1 / 4,
        "known_match": 2 / 4,
        "seed_match": 2 / 4,
        "edit_distance": (0 + distance + 1 + len(MIR1)) / 4,
        "real_share": 2 / 4,
        "distinct": 4,
    }


def test_seed_is_letters_2_to_8():
    def seed_match(prediction):
        return sequence.sequence_metrics([prediction], [LET7], ["A"], {}, [])[
            "seed_match"
        ]

    for index in range(len(LET7)):
        letter = "C" if LET7[index] != "C" else "A"
        changed = LET7[:index] + letter + LET7[index + 1 :]
        assert seed_match(changed) == (0 if 2 <= index + 1 <= 8 else 1)


def _biopython_distance(one, other):
    aligner = Align.PairwiseAligner(
        mode="global", match_score=0, mismatch_score=-1, gap_score=-1
    )
    return -aligner.score(one, other)


def test_edit_distance_agrees_with_global_alignment_and_counts_repeats():
    rng = np.random.default_rng(1)
    words = ["".join(rng.choice(list("AUCG"), rng.integers(1, 25))) for _ in range(12)]
    predictions, true = (list(rng.choice(words, 100)) for _ in range(2))
    metrics = sequence.sequence_metrics(predictions, true, true, {}, [])
    pairs = list(zip(predictions, true, strict=True))
    expected = np.mean([_biopython_distance(*pair) for pair in pairs])
    assert metrics["edit_distance"] == pytest.approx(expected)
    assert metrics["exact_match"] == np.mean([x == y for x, y in pairs])
    assert metrics["distinct"] == len(set(predictions))


def test_columns_of_different_length_are_named():
    with pytest.raises(ValueError, match=r"'predictions': 1, 'true': 2"):
        sequence.sequence_metrics([LET7], [LET7, MIR1], ["A", "C"], {}, [])
    with pytest.raises(ValueError, match="no sequences"):
        sequence.sequence_metrics([], [], [], {}, [])


def test_known_mirnas_are_those_of_positive_pairs():
    pairs = Pairs(
        mirnas=[LET7, MIR1, MIR16, LET7],
        targets=["AAA", "CCC", "AAA", "CCC"],
        labels=np.array([1, 1, 1, 0], np.uint8),
    )
    assert sequence.known_mirnas(pairs) == {"AAA": {LET7, MIR16}, "CCC": {MIR1}}
    unlabelled = dataclasses.replace(pairs, labels=None)
    assert sequence.known_mirnas(unlabelled)["CCC"] == {MIR1, LET7}
    both = sequence.known_mirnas(pairs, Pairs([MIR16], ["CCC"]))
    assert both == {"AAA": {LET7, MIR16}, "CCC": {MIR1, MIR16}}


def test_best_hit_identity_by_hand():
    metrics = sequence.best_hit_identity(
        predictions=["A" * 20, "C" * 20, "G" * 20, "U" * 20],
        best_hits=[
            Hit("let-7a", 100.0, 20, 1e-5),
            Hit("let-7b", 100.0, 10, 0.004),
            Hit("miR-1", 90.0, 20, 0.5),
            None,
        ],
        true=[LET7, LET7, MIR16, MIR1],
        names_of={LET7: {"let-7a", "let-7c"}, MIR16: {"miR-16"}, MIR1: {"miR-1"}},
    )
    assert metrics == pytest.approx(
        {
            "blast_hit_share": 3 / 4,
            "blast_hit_share_0.01": 2 / 4,
            "blast_hit_share_0.005": 2 / 4,
            "blast_hit_share_0.001": 1 / 4,
            "blast_identity": (1 + 1 + 0.9) / 3,
            "blast_identity_full": (1 + 0.5 + 0.9) / 3,
            "blast_name_match": 1 / 4,
        }
    )


def test_without_a_hit_every_metric_is_0():
    metrics = sequence.best_hit_identity(["AAAA"], [None], [LET7], {LET7: {"let-7a"}})
    assert set(metrics.values()) == {0.0}
