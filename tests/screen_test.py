"""The screen of `--candidates=fast`, against the scores of all candidates."""

import numpy as np
import pytest
from fake_engine import FakeEngine

from mirjax.scanning.background import Background, shuffled_slices
from mirjax.scanning.engines.plain import PlainEngine
from mirjax.scanning.scored_sites import SiteScorer, join
from mirjax.scanning.screen import SHARE, screen_model
from mirjax.scanning.site_options import SiteOptions
from mirjax.scanning.sites_mode import make_scanner
from mirjax.scanning.slices import Slice
from mirjax.sequences.records import SequenceRecord

MIRNAS = (
    SequenceRecord("let-7a", "UGAGGUAGUAGGUUGUAUAGUU"),
    SequenceRecord("miR-155", "UUAAUGCUAAUCGUGAUAGGGGUU"),
)


def transcripts(seed, lengths):
    rng = np.random.default_rng(seed)
    return tuple(
        SequenceRecord(f"t{n}", "".join(rng.choice(list("AUCG"), length)))
        for n, length in enumerate(lengths)
    )


BACKGROUND = Background(transcripts(0, [3_000] * 5), 15_000)


def scanner(kind="fast", engine=True, window=30):
    engine = FakeEngine(2, window) if engine else None
    return make_scanner(MIRNAS, engine, BACKGROUND, SiteOptions(candidates=kind))


def all_scores(rule, part):
    """Every candidate of a rule, with the probability of the plain small network."""
    engine = PlainEngine(screen_model(), tuple(mirna.sequence for mirna in MIRNAS))
    return join(list(SiteScorer(MIRNAS, rule, engine).score(part)))


@pytest.mark.parametrize("window", [30, 60])
def test_candidates_that_the_network_scores_low_are_not_read(window):
    scorer = scanner(window=window).scorer
    part = Slice(0, transcripts(1, [4_000, 30, 0, 55, 2_000]))
    whole = all_scores(scorer.rule, part)
    lowest = np.array(scorer.screen.thresholds)[whole.found.mirnas]
    assert np.abs(whole.scores - lowest).min() > 1e-5
    passes = whole.scores >= lowest
    assert 0 < passes.sum() < len(passes) / 4

    found = join(list(scorer.score(part)))
    unscreened = SiteScorer(MIRNAS, scorer.rule, FakeEngine(2, window))
    expected = join(list(unscreened.score(part))).take(passes)
    for one, other in zip(found.found, expected.found, strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(found.windows, expected.windows)
    np.testing.assert_array_equal(found.scores, expected.scores)


def test_each_mirna_keeps_its_share_of_shuffled_candidates():
    scorer = scanner().scorer
    parts = list(shuffled_slices(BACKGROUND.sample, 15_000, 0))
    for number in range(2):
        every = kept = 0
        for part in parts:
            found = all_scores(scorer.rule, part)
            own = found.scores[found.found.mirnas == number]
            every += len(own)
            kept += int((own >= scorer.screen.thresholds[number] - 1e-6).sum())
        assert kept / every <= SHARE < (kept + 1) / every


@pytest.mark.parametrize("kind", ["all", "sensitive", "seed"])
def test_other_rules_have_no_screen(kind):
    assert scanner(kind).scorer.screen is None


def test_a_search_by_complementarity_has_no_screen():
    assert scanner(engine=False).scorer.screen is None


def test_of_a_longer_mirna_the_network_reads_the_first_letters():
    letters = MIRNAS[0].sequence + "ACGUACGUAC"
    long, short = (SequenceRecord("m", letters[:count]) for count in (32, 28))
    rule = BACKGROUND.rule("fast", (long,))
    one, other = (BACKGROUND.screen((each,), rule) for each in (long, short))
    transcript = np.random.default_rng(3).integers(1, 5, 400).astype(np.uint8)
    pairs = np.zeros(50, np.int64), np.arange(50)
    np.testing.assert_array_equal(
        one.engine.score_pairs(transcript, *pairs),
        other.engine.score_pairs(transcript, *pairs),
    )


def test_the_cache_tells_screened_sites_apart(tmp_path):
    scorer = scanner().scorer
    kept = Background(BACKGROUND.sample, 15_000, folder=tmp_path)
    screened = kept.draw(scorer)
    unscreened = kept.draw(SiteScorer(MIRNAS, scorer.rule, scorer.engine))
    assert len(list(tmp_path.rglob("*.npy"))) == 4
    for one, other in zip(screened, unscreened, strict=True):
        assert 0 < len(one.scores) < len(other.scores) / 4
    again = Background(BACKGROUND.sample, 15_000, folder=tmp_path).draw(scorer)
    for one, other in zip(screened, again, strict=True):
        np.testing.assert_array_equal(one.scores, other.scores)
