"""Tests of the pairs that a teacher labels."""

import dataclasses

import numpy as np
import pytest

from mirjax.alignment import complementarity
from mirjax.datasets import pool_drawing
from mirjax.datasets.distillation import make_pool, mine
from mirjax.datasets.leakage import Guard, Reserved
from mirjax.datasets.pool_drawing import PoolOptions, make_drawing
from mirjax.datasets.sources import Source, Sources
from mirjax.sequences import fasta
from mirjax.sequences.pairing import SEED_6MER, seed_site
from mirjax.sequences.records import Pairs, SequenceRecord

RNG = np.random.default_rng(0)
POSITIVES = Pairs(
    ["UGAGGUAGUAGGUUGUAUAGUU", "UAAAGUGCUUAUAGUGCAGGUAG"],
    ["".join(RNG.choice(list("AUCG"), 50)) for _ in range(2)],
    np.ones(2, np.uint8),
)
NONE = Pairs([], [])


def letters(length):
    return "".join(RNG.choice(list("AUCG"), length))


@pytest.fixture(scope="module")
def transcripts():
    sites = "".join(letters(30) + seed_site(x) for x in POSITIVES.mirnas)
    return [
        letters(450) + sites + letters(450),
        letters(700),
        letters(600),
        letters(30),
    ]


@pytest.fixture(scope="module")
def options(transcripts, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pool")
    records = [SequenceRecord(f"utr{n}", x) for n, x in enumerate(transcripts)]
    fasta.write_fasta(folder / "utr.fa", records)
    mirnas = [SequenceRecord(f"mir{n}", letters(n)) for n in (20, 22, 29)]
    fasta.write_fasta(folder / "mirnas.fa", mirnas)
    return PoolOptions(
        teacher="T",
        transcripts=str(folder / "utr.fa"),
        mirnas=str(folder / "mirnas.fa"),
    )


def sources(reserved=()):
    guard = Guard({"test": Reserved.from_pairs(Pairs(["A"] * len(reserved), reserved))})
    return Sources([Source("s", POSITIVES, NONE, NONE)], [], guard)


def pool(options, reserved=(), **counts):
    return make_pool(dataclasses.replace(options, **counts), sources(list(reserved)))


def is_window(target, transcripts):
    return len(target) == 50 and any(target in each for each in transcripts)


def test_random_pairs_are_windows_and_miRNAs_of_both_kinds(options, transcripts):
    found = pool(options, random=200)
    assert all(is_window(target, transcripts) for target in found.targets)
    observed = np.mean([mirna in POSITIVES.mirnas for mirna in found.mirnas])
    assert 0.35 < observed < 0.65
    assert max(map(len, found.mirnas)) <= 28, "longer ones no model here reads"
    assert found.labels is None and 190 < len(found) <= 200


def test_pairs_with_a_seed_have_its_site_anywhere_in_the_window(options, transcripts):
    found = pool(options, seeds=200)
    places = set()
    for mirna, target in zip(found.mirnas, found.targets, strict=True):
        assert is_window(target, transcripts)
        site = seed_site(mirna, SEED_6MER)
        assert site in target
        places.add(target.find(site))
    assert len(found) > 40 and len(places) > 10


def test_duplexes_are_more_complementary_than_random_pairs(options):
    def mean_score(pairs):
        return complementarity.score_pairs(pairs.mirnas, pairs.targets).mean()

    good, random = pool(options, duplexes=60), pool(options, random=60)
    assert mean_score(good) > mean_score(random) + 4


def test_sites_are_moved_within_their_windows(options):
    found = pool(options, sites=100)
    assert {len(target) for target in found.targets} == {50}
    kept = [
        any(target[a : a + 30] in site for site in POSITIVES.targets for a in (0, 20))
        for target in found.targets
    ]
    assert all(kept), "30 letters of a site at least"
    own = dict(zip(POSITIVES.targets, POSITIVES.mirnas, strict=True))
    others = [
        mirna
        for mirna, target in zip(found.mirnas, found.targets, strict=True)
        for site in POSITIVES.targets
        if (target[:30] in site or target[20:] in site) and mirna != own[site]
    ]
    assert 10 < len(others) < 50


def test_nothing_leaks_into_the_pool(options, transcripts):
    everything = pool(options, random=300, seeds=100, sites=50)
    reserved = [transcripts[0][100:150], POSITIVES.targets[0]]
    guarded = pool(options, reserved, random=300, seeds=100, sites=50)
    words = Guard({"test": Reserved.from_pairs(Pairs(["A"] * 2, reserved))})
    assert words.leaks(everything).sum() > 10
    assert not words.leaks(guarded).any()


def test_the_pool_is_a_function_of_its_options(options):
    counts = {"random": 20, "seeds": 20, "duplexes": 5, "sites": 20}
    first, again = pool(options, **counts), pool(options, **counts)
    assert (first.mirnas, first.targets) == (again.mirnas, again.targets)
    assert pool(options, **counts, seed=1).targets != first.targets
    more = pool(options, **(counts | {"random": 30}))
    assert set(first.targets) <= set(more.targets), "kinds have streams of their own"


def test_hard_negatives_are_those_of_the_highest_scores(options):
    chosen = PoolOptions(
        **{**vars(options), "hard_negatives": 10, "hard_candidates": 6}
    )
    seen = {}

    def score(pairs):
        scores = np.array([target.count("A") for target in pairs.targets], float)
        seen.update(zip(pairs.targets, scores, strict=True))
        return scores

    found = mine(chosen, sources(), score)
    assert len(seen) == 60 and len(found) == 10 and not found.labels.any()
    lowest = min(seen[target] for target in found.targets)
    assert sum(value > lowest for value in seen.values()) <= 10


@pytest.mark.parametrize(("fraction", "windows"), [(0.0, 60), (0.5, 30), (1.0, 0)])
def test_a_fraction_of_the_candidates_is_shuffled(
    options, transcripts, fraction, windows
):
    chosen = dataclasses.replace(options, hard_negatives=60, hard_candidates=1)
    found = mine(
        dataclasses.replace(chosen, hard_shuffled=fraction),
        sources(),
        lambda pairs: np.zeros(len(pairs)),
    )
    assert sum(is_window(target, transcripts) for target in found.targets) == windows


def test_candidates_of_hard_negatives_are_the_best_duplexes_of_their_windows(options):
    def score_of_all(windows):
        chosen = dataclasses.replace(options, hard_negatives=40, hard_candidates=1)
        found = mine(
            dataclasses.replace(chosen, hard_windows=windows),
            sources(),
            lambda pairs: np.zeros(len(pairs)),
        )
        return complementarity.score_pairs(found.mirnas, found.targets)

    assert score_of_all(16).mean() > score_of_all(1).mean() + 4


def test_what_cannot_be_drawn_is_refused(options, tmp_path):
    with pytest.raises(ValueError, match="no pairs for it"):
        pool(options)
    fasta.write_fasta(tmp_path / "short.fa", [SequenceRecord("a", "ACGU")])
    with pytest.raises(ValueError, match="no sequence has 50 nt"):
        pool(options, random=1, transcripts=str(tmp_path / "short.fa"))
    with pytest.raises(ValueError, match="no miRNA of 8 to 28 nt"):
        pool(options, random=1, mirnas=str(tmp_path / "short.fa"))
    drawing = make_drawing(options, NONE, 0)
    assert drawing.mirna() in drawing.mirnas, "without positives"
    assert pool_drawing.WINDOW == 50
