"""Tests of the index of words, against plain string search."""

import numpy as np
import pytest

from mirjax.blast import words
from mirjax.sequences import alphabet


def random_sequence(rng, length):
    return "".join(rng.choice(list("ACGU"), length))


@pytest.fixture(scope="module")
def sequences():
    rng = np.random.default_rng(0)
    some = [random_sequence(rng, int(n)) for n in rng.integers(1, 60, 200)]
    return [*some, "A" * 40, "U" * 30, "ACGU" * 9, random_sequence(rng, 3000)]


@pytest.fixture(scope="module")
def index(sequences):
    return words.build_index(words.join_letters(sequences))


def test_sequences_are_separated(sequences, index):
    text = "".join("-AUCG"[token] for token in index.letters)
    assert text == "-" + "-".join(sequences) + "-"


@pytest.mark.parametrize("word", [4, 7, 11, 15, 16])
def test_every_occurrence_is_found_once(sequences, index, word):
    rng = np.random.default_rng(word)
    length = 24
    text = "-" + "-".join(sequences) + "-"
    long = sequences[-1]
    queries = [long[start : start + length] for start in range(0, 400, 7)]
    queries += [random_sequence(rng, length) for _ in range(40)]
    queries += ["A" * length, "U" * length, ("ACGU" * 9)[:length], "G" * 20 + "AAAA"]
    found = words.find_words(index, alphabet.encode(queries, length), word)
    ours = set()
    for rows, offsets, positions in words.word_matches(index, found):
        for triple in zip(
            rows.tolist(), offsets.tolist(), positions.tolist(), strict=True
        ):
            assert triple not in ours
            ours.add(triple)
    expected = set()
    for row, query in enumerate(queries):
        for offset in range(length - word + 1):
            wanted = query[offset : offset + word]
            position = text.find(wanted)
            while position >= 0:
                expected.add((row, offset, position))
                position = text.find(wanted, position + 1)
    assert len(expected) > 500
    assert expected <= ours
    # What is found beyond that is cut short by a sequence's end.
    for row, offset, position in ours - expected:
        theirs = text[position : position + word]
        assert theirs.partition("-")[0] + "A" * 16 != theirs
        wanted = queries[row][offset : offset + word]
        assert theirs.replace("-", "A").ljust(word, "A") == wanted


def test_words_longer_than_a_key_are_found_by_their_beginning(sequences, index):
    query = sequences[-1][100:140]
    tokens = alphabet.encode([query], len(query))
    found = words.find_words(index, tokens, 28)
    positions = [
        (int(offset), int(position))
        for _, offsets, where in words.word_matches(index, found)
        for offset, position in zip(offsets, where, strict=True)
    ]
    start = len("-" + "-".join(sequences[:-1]) + "-") + 100
    assert positions == [(offset, start + offset) for offset in range(13)]


def test_chunks_change_nothing(index, monkeypatch):
    tokens = alphabet.encode(["ACGUACGUAAAAAAAA", "U" * 16], 16)
    found = words.find_words(index, tokens, 4)

    def listed():
        parts = list(words.word_matches(index, found))
        return [np.concatenate(column) for column in zip(*parts, strict=True)]

    whole = listed()
    monkeypatch.setattr(words, "_CHUNK", 7)
    assert len(whole[0]) > 100
    np.testing.assert_array_equal(listed(), whole)


def test_no_occurrence(index):
    found = words.find_words(index, alphabet.encode(["GCGCGCGCGCGCGCGC"], 16), 16)
    assert list(words.word_matches(index, found)) == []


def test_index_is_kept_beside_the_database(tmp_path, sequences, index):
    assert not words.has_index(tmp_path)
    built = words.load_index(tmp_path, index.letters)
    assert words.has_index(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["words"]
    times = [p.stat().st_mtime_ns for p in sorted((tmp_path / "words").iterdir())]
    loaded = words.load_index(tmp_path, index.letters)
    assert times == [
        p.stat().st_mtime_ns for p in sorted((tmp_path / "words").iterdir())
    ]
    for one in (built, loaded):
        np.testing.assert_array_equal(one.keys, index.keys)
        np.testing.assert_array_equal(one.positions, index.positions)


def test_a_folder_that_cannot_be_written_is_no_obstacle(tmp_path, index):
    missing = tmp_path / "missing"
    built = words.load_index(missing, index.letters)
    np.testing.assert_array_equal(built.keys, index.keys)
    assert not missing.exists()
