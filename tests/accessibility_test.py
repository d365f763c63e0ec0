"""Tests of mirjax.scanning.repression.accessibility."""

import sys

import numpy as np
import pytest

from mirjax.scanning.repression import accessibility

RNA = pytest.importorskip("RNA")


def test_agrees_with_the_exact_partition_function():
    """One window holds all: P(stretch unpaired) = Z(with the constraint) / Z."""
    utr = "GGGAAACCCAUUGCAUGGCUAACGAUAUGCGCAUAUCG"
    whole = RNA.fold_compound(utr, _model())
    free = whole.pf()[1]
    found = accessibility.log10_unpaired(utr)
    assert found.shape == (len(utr) + 1,)
    assert np.isnan(found[: accessibility.STRETCH]).all()
    for end in (accessibility.STRETCH, 20, len(utr)):
        held = RNA.fold_compound(utr, _model())
        for place in range(end - accessibility.STRETCH + 1, end + 1):
            held.hc_add_up(place)
        energy = held.pf()[1]
        kt = 0.0019872 * 310.15
        # pfl_fold_up works in single precision.
        assert found[end] == pytest.approx((free - energy) / kt / np.log(10), abs=0.02)


def _model():
    model = RNA.md()
    model.max_bp_span = accessibility.SPAN
    return model


def test_is_kept_for_the_next_time(tmp_path, monkeypatch):
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda _: str(tmp_path))
    rng = np.random.default_rng(0)
    utrs = ["".join(rng.choice(list("ACGU"), length)) for length in (30, 5, 60)]
    expected = [accessibility.log10_unpaired(utr) for utr in utrs]
    for damaged in (False, True):
        found = accessibility.log10_unpaired_of_all(utrs)
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-6)
        path = accessibility.cache_path(utrs)
        assert path.is_relative_to(tmp_path)
        if not damaged:
            path.write_bytes(path.read_bytes()[:40])
    monkeypatch.setattr(accessibility, "log10_unpaired", None)  # it is not called
    accessibility.log10_unpaired_of_all(utrs)
    assert accessibility.cache_path(utrs[:2]) != accessibility.cache_path(utrs)


def test_short_sequence_has_no_stretch():
    assert np.isnan(accessibility.log10_unpaired("ACGU")).all()


def test_without_the_package_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "RNA", None)
    assert not accessibility.is_available()
    with pytest.raises(ValueError, match="mirjax\\[fold\\]"):
        accessibility.log10_unpaired("ACGU" * 10)


def test_a_damaged_cache_is_made_anew(tmp_path, monkeypatch):
    """The values are those of the letters, as if ViennaRNA were installed."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(
        accessibility, "log10_unpaired", lambda utr: -np.arange(len(utr) + 1.0) / 7
    )
    expected = accessibility.log10_unpaired_of_all(["ACGU" * 20])[0]
    path = accessibility.cache_path(["ACGU" * 20])
    data = path.read_bytes()
    for position in range(len(data)):
        damaged = bytearray(data)
        damaged[position] ^= 1 << position % 8
        path.write_bytes(damaged)
        found = accessibility.log10_unpaired_of_all(["ACGU" * 20])[0]
        np.testing.assert_array_equal(found, expected)
