"""Tests of mirjax.datasets.joining."""

import numpy as np

from mirjax.datasets.joining import join_pairs
from mirjax.sequences.records import Pairs


def test_a_column_that_one_side_lacks_is_left_out():
    whole = Pairs(
        ["AC"], ["GU"], np.array([0], np.uint8), genes=["g"], lines=np.array([2])
    )
    for first, second in ((whole, Pairs(["U"], ["A"])), (Pairs(["U"], ["A"]), whole)):
        joined = join_pairs(first, second)
        assert joined.genes is None and joined.lines is None
        assert joined.labels.tolist() == [
            1 if pairs is not whole else 0 for pairs in (first, second)
        ]
    assert join_pairs(whole, whole).lines.tolist() == [2, 2]
