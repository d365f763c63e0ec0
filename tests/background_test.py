"""Backgrounds: shuffles keep dinucleotides, and a cache tells searches apart."""

import collections
import itertools

import numpy as np
import pytest
from fake_engine import FakeEngine

from mirjax.scanning import background
from mirjax.scanning.background import Background, sample_of, shuffled_slices
from mirjax.scanning.candidates import CandidateRule
from mirjax.scanning.scored_sites import SiteScorer
from mirjax.sequences.records import SequenceRecord

MIRNAS = (
    SequenceRecord("let-7a", "UGAGGUAGUAGGUUGUAUAGUU"),
    SequenceRecord("miR-1", "UGGAAUGUAAAGAAGUAUGUAU"),
)
RULE = CandidateRule("fast", (12, 12))


def sample(seed=0, count=4, length=400):
    rng = np.random.default_rng(seed)
    rows = rng.choice(list("AUCG"), (count, length))
    return tuple(SequenceRecord(f"t{n}", "".join(row)) for n, row in enumerate(rows))


def dinucleotides(sequence):
    return collections.Counter(map("".join, itertools.pairwise(sequence)))


def test_shuffles_keep_the_dinucleotides_of_each_transcript():
    records = sample()
    slices = list(shuffled_slices(records, 3_200, seed=1))
    shuffled = [record.sequence for part in slices for record in part.records]
    assert len(shuffled) == 8 and len(set(shuffled)) == 8
    for number, sequence in enumerate(shuffled):
        original = records[number % 4].sequence
        assert dinucleotides(sequence) == dinucleotides(original)
        assert sequence != original


def test_slices_have_the_letters_that_are_asked_for(monkeypatch):
    monkeypatch.setattr(background, "_SLICE", 1_000)
    slices = list(shuffled_slices(sample(), 3_333, seed=1))
    lengths = [sum(len(x.sequence) for x in part.records) for part in slices]
    assert sum(lengths) == 3_333 and lengths[:2] == [1_200, 1_200]
    assert [part.number for part in slices] == list(range(len(slices)))
    again = list(shuffled_slices(sample(), 3_333, seed=1))
    assert again == slices
    assert list(shuffled_slices(sample(), 3_333, seed=2)) != slices


def test_a_sample_is_the_first_transcripts():
    records = iter(sample())
    assert sample_of(records, 500) == sample()[:2]
    assert next(records) == sample()[2]
    assert sample_of(sample(), 10**9) == sample()


def test_no_letters_to_shuffle_are_an_error():
    with pytest.raises(ValueError, match="no transcript has a letter"):
        list(shuffled_slices([SequenceRecord("empty", "")], 10, seed=0))
    with pytest.raises(ValueError, match="letters=0"):
        Background(sample(), letters=0)


def same(one, other):
    return all(
        np.array_equal(a.scores, b.scores) for a, b in zip(one, other, strict=True)
    )


class _CountingEngine(FakeEngine):
    asked = 0

    def score_pairs(self, transcript, mirnas, starts):
        type(self).asked += len(starts)
        return super().score_pairs(transcript, mirnas, starts)


def test_the_cache_gives_what_was_drawn_and_a_mirna_is_drawn_once(tmp_path):
    one = Background(sample(), 5_000, folder=tmp_path, model="m")
    drawn = one.draw(SiteScorer(MIRNAS, RULE, FakeEngine(2)))
    assert min(len(null.scores) for null in drawn) > 10
    assert same(
        drawn, Background(sample(), 5_000).draw(SiteScorer(MIRNAS, RULE, FakeEngine(2)))
    )
    files = sorted(tmp_path.rglob("*.npy"))
    assert len(files) == 2
    assert same(drawn, one.draw(SiteScorer(MIRNAS, RULE, _CountingEngine(2))))
    assert _CountingEngine.asked == 0
    # The order of the miRNAs and their company do not matter.
    last = SiteScorer(MIRNAS[1:], CandidateRule("fast", (12,)), _CountingEngine(1))
    assert same(drawn[1:], one.draw(last))
    assert _CountingEngine.asked == 0


@pytest.mark.parametrize(
    "change", ["seed", "letters", "sample", "model", "rule", "window", "no engine"]
)
def test_the_cache_tells_searches_apart(tmp_path, change):
    options = {"sample": sample(), "letters": 3_000, "seed": 0, "model": "m"}
    scorer = SiteScorer(MIRNAS, RULE, FakeEngine(2))
    Background(**options, folder=tmp_path).draw(scorer)
    options |= {
        "seed": {"seed": 1},
        "letters": {"letters": 3_001},
        "sample": {"sample": sample(1)},
        "model": {"model": "n"},
    }.get(change, {})
    scorer = {
        "rule": SiteScorer(MIRNAS, CandidateRule("fast", (11, 11)), FakeEngine(2)),
        "window": SiteScorer(MIRNAS, RULE, FakeEngine(2, 29)),
        "no engine": SiteScorer(MIRNAS, RULE),
    }.get(change, scorer)
    Background(**options, folder=tmp_path).draw(scorer)
    assert len(list(tmp_path.rglob("*.npy"))) == 4


@pytest.mark.parametrize("damage", [b"", b"garbage", b"\x93NUMPY\x01\x00"])
def test_a_damaged_file_of_the_cache_is_drawn_again(tmp_path, damage):
    one = Background(sample(), 3_000, folder=tmp_path)
    drawn = one.draw(SiteScorer(MIRNAS, RULE))
    path = sorted(tmp_path.rglob("*.npy"))[0]
    whole = path.read_bytes()
    path.write_bytes(damage)
    assert same(drawn, one.draw(SiteScorer(MIRNAS, RULE)))
    assert path.read_bytes() == whole
