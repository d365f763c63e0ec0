"""Tests of the sliding windows, against what they promise."""

import itertools

import pytest

from mirjax.sequences.windows import Window, count_windows, sliding_windows


@pytest.mark.parametrize(
    ("size", "stride"), [(29, 5), (29, 29), (29, 1), (8, 3), (1, 1)]
)
def test_windows_cover_every_record_in_order(size, stride):
    lengths = [*range(1, 100), 1]
    windows = list(sliding_windows(lengths, size, stride))
    assert windows == sorted(windows)
    assert len(windows) == count_windows(lengths, size, stride)
    by_record = {
        record: list(group)
        for record, group in itertools.groupby(windows, lambda window: window.record)
    }
    assert list(by_record) == list(range(len(lengths)))
    for length, group in zip(lengths, by_record.values(), strict=True):
        assert {window.end - window.start for window in group} == {min(size, length)}
        starts = [window.start for window in group]
        assert starts[0] == 0
        assert group[-1].end == length
        steps = [after - before for before, after in itertools.pairwise(starts)]
        assert set(steps[:-1]) <= {stride}
        assert all(1 <= step <= stride for step in steps[-1:])
        covered = {p for window in group for p in range(window.start, window.end)}
        assert covered == set(range(length))
        whole = min(length, size - stride + 1)
        for start in range(length - whole + 1):
            assert any(w.start <= start and start + whole <= w.end for w in group)


def test_windows_by_hand():
    assert list(sliding_windows([3, 4, 9], 4, 2)) == [
        Window(0, 0, 3),
        Window(1, 0, 4),
        Window(2, 0, 4),
        Window(2, 2, 6),
        Window(2, 4, 8),
        Window(2, 5, 9),
    ]
    assert list(sliding_windows([8], 4, 2)) == [
        Window(0, 0, 4),
        Window(0, 2, 6),
        Window(0, 4, 8),
    ]
    assert list(sliding_windows([], 4, 2)) == []


def test_windows_are_made_one_by_one():
    windows = sliding_windows(iter([10**15]), 29, 5)
    assert next(windows) == Window(0, 0, 29)
    assert next(windows) == Window(0, 5, 34)


@pytest.mark.parametrize("stride", [0, -1, 30])
@pytest.mark.parametrize("function", [sliding_windows, count_windows])
def test_a_stride_that_leaves_gaps_is_refused_at_once(function, stride):
    with pytest.raises(ValueError, match=f"stride={stride} .*29 nt"):
        function([100], 29, stride)
