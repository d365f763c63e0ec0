"""Tests of retrieval metrics on rankings small enough to count by hand."""

import numpy as np
import pytest

from mirjax.evaluation.metrics.retrieval import (
    retrieval_metrics,
    scores_without_known,
    true_ranks,
)
from mirjax.sequences.records import Pairs

# The first two are of one family: letters 2-8 are alike.
CANDIDATES = ["UAAAAAAAC", "UAAAAAAAG", "UCCCCCCCC", "UGGGGGGGG"]


def test_true_ranks_break_ties_by_order():
    scores = np.array([[3, 1, 3, 0], [5, 5, 5, 5], [1, 2, 3, 4]])
    ranks = true_ranks(scores, ["A", "U", "C", "G"], ["C", "G", "AA"])
    assert ranks.tolist() == [2.0, 4.0, np.inf]


def test_each_metric_counts_its_rows():
    scores = np.array(
        [
            [9, 1, 0, 0],  # right
            [9, 1, 0, 0],  # second; of the family
            [9, 8, 7, 6],  # fourth; the first is known for this target
            [9, 8, 7, 6],  # third
            [9, 8, 7, 6],  # no candidate
        ]
    )
    true = [*CANDIDATES[:2], CANDIDATES[3], CANDIDATES[2], "AUCG"]
    targets = ["t0", "t1", "t2", "t3", "t4"]
    metrics = retrieval_metrics(
        true_ranks(scores, CANDIDATES, true),
        [CANDIDATES[0]] * 5,
        true,
        targets,
        {"t2": {CANDIDATES[0], CANDIDATES[3]}},
    )
    assert metrics == pytest.approx(
        {
            "top_1": 1 / 5,
            "top_5": 4 / 5,
            "top_10": 4 / 5,
            "mrr": (1 + 1 / 2 + 1 / 4 + 1 / 3) / 5,
            "top_1_known": 2 / 5,
            "top_1_seed": 2 / 5,
        }
    )


def test_depths_are_those_of_their_names():
    names = [str(i) for i in range(12)]
    metrics = retrieval_metrics(np.arange(1.0, 13.0), names, names, names, {})
    assert [metrics[f"top_{depth}"] for depth in (1, 5, 10)] == [
        1 / 12,
        5 / 12,
        10 / 12,
    ]


def test_no_rows_are_an_error():
    with pytest.raises(ValueError, match="no rows"):
        retrieval_metrics(np.zeros(0), [], [], [], {})


def test_other_mirnas_known_for_a_target_are_excluded():
    scores = np.array([[9, 8, 7, 6], [9, 8, 7, 6]])
    pairs = Pairs([CANDIDATES[1], CANDIDATES[3]], ["t0", "t1"])
    known = {"t0": {CANDIDATES[0], CANDIDATES[1], "AUCG"}}
    found = scores_without_known(scores, CANDIDATES, pairs, known)
    assert found.tolist() == [[-np.inf, 8, 7, 6], [9, 8, 7, 6]]
    assert true_ranks(found, CANDIDATES, pairs.mirnas).tolist() == [1, 4]
