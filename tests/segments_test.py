"""Tests of candidate segments of transcripts, and of what leaves some out."""

import sys

import pytest

from mirjax.inference import folding
from mirjax.inference.segments import SlidingWindows, accessible, every_segment
from mirjax.sequences.records import SequenceRecord


def test_segments_are_at_every_position():
    found = every_segment([30, 5, 22], (21, 25, 23))
    expected = sorted(
        [(0, start, start + n) for n in (21, 23, 25) for start in range(31 - n)]
        + [(1, 0, 5), (2, 0, 21), (2, 1, 22)]
    )
    assert [tuple(each) for each in found] == expected
    assert len(found) == len(expected)
    assert len(every_segment([], (21,))) == 0


def unpaired_by_hand(sequence, monkeypatch, ends):
    """Have ViennaRNA find only the stretches that end at these letters open."""

    class Fake:
        @staticmethod
        def pfl_fold_up(text, stretch, window, span):
            assert (text, stretch, window, span) == (sequence, 8, 40, 40)
            return [
                [0.0] * 8 + [0.011 if end in ends else 0.01]
                for end in range(len(text) + 1)
            ]

    monkeypatch.setitem(sys.modules, "RNA", Fake)


def test_accessible_segments_hold_an_open_stretch(monkeypatch):
    sequence = "ACGUA" * 8
    unpaired_by_hand(sequence, monkeypatch, {12, 31})
    windows = every_segment([40], (21,))
    folded = []
    found = accessible(windows, [SequenceRecord("t", sequence)], folded.append)
    expected = [
        window
        for window in windows
        if any(window.start <= end - 8 and end <= window.end for end in (12, 31))
    ]
    assert list(found) == expected
    assert 3 < len(found) < len(windows)
    assert folded == [1]


def test_a_hairpin_is_less_accessible_than_what_surrounds_it():
    pytest.importorskip("RNA")
    stem = "GGGCGCGCCCGGCGCG"
    hairpin = stem + "GAAA" + stem[::-1].translate(str.maketrans("GC", "CG"))
    sequence = "A" * 30 + hairpin + "A" * 30
    targets = [SequenceRecord("t", sequence), SequenceRecord("short", "ACGUACG")]
    windows = SlidingWindows([len(sequence), 7], 16, 1)
    found = accessible(windows, targets, lambda number: None)
    starts = {window.start for window in found if window.record == 0}
    assert {0, 10, 70} <= starts
    assert 30 not in starts
    assert 50 not in starts
    assert not any(window.record == 1 for window in found)


def test_the_energy_of_a_duplex_is_that_of_rnaduplex():
    pytest.importorskip("RNA")
    perfect = folding.duplex_energy("UGAGGUAGUAGGUUGUAUAGUU", "AACUAUACAACCUACUACCUCA")
    assert perfect < -30
    assert folding.duplex_energy("AAAAAAAA", "AAAAAAAA") > -3


def test_without_viennarna_the_remedy_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "RNA", None)
    with pytest.raises(ValueError, match=r"--accessible needs .*pip install 'mirjax\["):
        folding.open_stretches("ACGU" * 5)
    with pytest.raises(ValueError, match="--max_energy needs ViennaRNA"):
        folding.duplex_energy("ACGU", "ACGU")


def test_stored_and_made_windows_hold_the_same():
    windows = SlidingWindows([60, 20], 29, 5)
    assert len(windows) == len(list(windows)) == len(list(windows))
    assert next(iter(windows)) in windows
    assert (5, 0, 1) not in every_segment([60], (21,))
