"""Tests of the guard against training on what tests are measured with."""

import hashlib
import logging

import numpy as np
import pytest
from equations import random_letters

from mirjax.datasets import leakage
from mirjax.datasets.readers import read_pairs
from mirjax.sequences.records import Pairs


def share_letters(one, other, length=20):
    """Whether two sequences share letters in a row, by comparing all positions."""
    return any(
        one[i : i + length] == other[j : j + length]
        for i in range(len(one) - length + 1)
        for j in range(len(other) - length + 1)
    )


def test_targets_are_found_by_any_twenty_letters_that_they_share():
    rng = np.random.default_rng(0)
    tests = random_letters(rng, 5, 50, 50)
    others = random_letters(rng, 40, 50, 50)
    targets = []
    for number, other in enumerate(others):
        length, start = rng.integers(17, 24), rng.integers(0, 27)
        stretch = tests[number % 5][start : start + length]
        targets.append(other[:10] + stretch + other[10 + length :])
    expected = [any(share_letters(t, test) for test in tests) for t in targets]
    assert 0 < sum(expected) < 40

    guard = leakage.Guard({"test": leakage.Reserved(leakage.hash_words(tests))})
    np.testing.assert_array_equal(guard.leaking_targets(targets), expected)


def test_hashes_are_of_dna_in_upper_case():
    word = "ACGTTGCAACGTTGCAACGT"
    expected = {hashlib.sha256(word.encode()).hexdigest()[:16]}
    assert leakage.hash_words([word.lower().replace("t", "u")]) == expected
    assert leakage.hash_words([word[:19]]) == set()


def _write_pairs(path, rows):
    path.write_text("\n".join(["mirna\ttarget", *("\t".join(row) for row in rows)]))
    return str(path)


def test_rows_that_repeat_a_test_pair_leak_though_its_target_is_short(tmp_path):
    test = [("UGAGG", "ACGUACGU"), ("CCCCC", "GGGGGGGG")]
    guard = leakage.Guard.from_sources([_write_pairs(tmp_path / "test.tsv", test)])
    pairs = Pairs(["UGAGG", "AAAAA", "UGAGG"], ["ACGUACGU", "ACGUACGU", "GGGGGGGG"])
    np.testing.assert_array_equal(guard.leaks(pairs), [True, False, False])


def test_leaking_rows_are_counted_by_source_and_cause(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    long = "ACGUUGCAACGGAUUCAGGCAUU"
    test = _write_pairs(tmp_path / "test.tsv", [("UGAGG", long), ("CCCCC", "GGGGG")])
    hashes = tmp_path / "hashes.txt"
    hashes.write_text("\n".join(sorted(leakage.hash_words([long]))))
    guard = leakage.Guard.from_sources(["simulated", test, str(hashes)])
    pairs = Pairs(["UGAGG", "CCCCC", "CCCCC"], [long, "GGGGG", f"A{long[:20]}"])

    assert guard.leaks(pairs, "rows of mine").all()
    assert not guard.leaking_targets(["GGGGG", long[1:20]], "windows").any()

    assert guard.report["rows of mine"] == {
        "rows": 3,
        "leaking": 3,
        "shares 20 letters with simulated": 0,
        f"shares 20 letters with {test}": 2,
        f"shares 20 letters with {hashes}": 2,
        "repeats a pair of simulated": 0,
        f"repeats a pair of {test}": 2,
        f"repeats a pair of {hashes}": 0,
    }
    assert guard.report["windows"]["leaking"] == 0
    cause = f"shares 20 letters with {test}"
    assert f"rows of mine: 3 of 3 rows leak; {cause}: 2" in caplog.text


def test_a_guard_without_test_sets_lets_all_pass_and_unknown_names_are_refused():
    pairs = Pairs(["U"], ["ACGUUGCAACGGAUUCAGGCAUU"])
    assert not leakage.Guard.from_sources([]).leaks(pairs).any()
    with pytest.raises(ValueError, match="no dataset 'hejret'"):
        leakage.Guard.from_sources(["hejret"])


def test_reserved_hashes_are_read_and_checked(tmp_path):
    path = tmp_path / "reserved.txt"
    words = leakage.hash_words(["ACGUACGUACGUACGUACGUACG"])
    path.write_text("\n".join(sorted(words)) + "\n")
    reserved = leakage.read_hashes(path)
    assert reserved == words
    pairs = Pairs(["U", "U"], ["GGACGUACGUACGUACGUACGUGG", "ACGUACGU"])
    guard = leakage.Guard.from_sources([str(path)])
    np.testing.assert_array_equal(guard.leaks(pairs), [True, False])
    for text in ("0123\n", "0123456789ABCDEF\n", "ACGUACGUACGUACGUACGU\n"):
        path.write_text(text)
        with pytest.raises(ValueError, match="line 1.*not a hash"):
            leakage.read_hashes(path)
    path.write_text("\n")
    with pytest.raises(ValueError, match="empty"):
        leakage.read_hashes(path)


def test_the_published_test_set_leaks_into_its_own_training_rows(data_dir):
    train, test = (
        read_pairs(data_dir / "hejret2023" / f"{part}.tsv", "mirbench")
        for part in ("train", "test")
    )
    found = leakage.Guard.from_sources(["hejret2023/test"]).leaks(train)
    # They were parted by chromosome: what they share are repeats and paralogues.
    assert 0 < found.sum() < 100
    rows = np.flatnonzero(found)[:3]
    for row in rows:
        assert any(share_letters(train.targets[row], target) for target in test.targets)
