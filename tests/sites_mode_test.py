"""Sites: where they lie, what they say, and how many of them chance gives."""

import cloudpickle
import numpy as np
import pytest
from fake_engine import FakeEngine

from mirjax.inference.pairs import load_classifier
from mirjax.models.temperature import find_temperature
from mirjax.scanning.background import Background
from mirjax.scanning.candidates import APART, CandidateRule
from mirjax.scanning.engines.choice import make_engine
from mirjax.scanning.scored_sites import SiteScorer
from mirjax.scanning.site_options import SiteOptions
from mirjax.scanning.site_table import SCHEMA
from mirjax.scanning.sites_mode import SitesMode, make_scanner
from mirjax.scanning.slices import Slice
from mirjax.sequences import alphabet
from mirjax.sequences.pairing import reverse_complement
from mirjax.sequences.records import SequenceRecord

LET7 = SequenceRecord("let-7a", "UGAGGUAGUAGGUUGUAUAGUU")
MIR1 = SequenceRecord("miR-1", "UGGAAUGUAAAGAAGUAUGUAU")
MIR7 = SequenceRecord("miR-7", "UGGAAGACUAGUGAUUUUGUUGUU")
MIRNAS = (LET7, MIR1, MIR7)
ALL = CandidateRule("all", (1, 1, 1))
PLACE = "mirna", "target", "end"  # columns that say where a site is
EVERY_SITE = SiteOptions(chance_per_kb=None)


def random_records(seed, count, length):
    rng = np.random.default_rng(seed)
    letters = rng.choice(list("AUCG"), (count, length), p=[0.3, 0.3, 0.2, 0.2])
    return tuple(
        SequenceRecord(f"t{number}", "".join(row)) for number, row in enumerate(letters)
    )


def test_a_site_is_where_its_best_duplex_lies():
    site = reverse_complement(LET7.sequence)
    records = (
        SequenceRecord("empty", ""),
        SequenceRecord("short", "CUACCUCA"),
        SequenceRecord("long", "G" * 40 + site + "A" + "G" * 40),
    )
    scan = SitesMode(
        SiteScorer(MIRNAS, CandidateRule("fast", (25, 25, 25))), (), EVERY_SITE
    )
    rows = scan(Slice(0, records)).to_pylist()
    assert [tuple(row.values()) for row in rows] == [
        (
            *("let-7a", "short", 0, 8, 38.0, None, None, "8mer", 0, 8, 38),
            "((((((((&))))))))..............",
        ),
        (
            *("let-7a", "long", 40, 62, 70.0, None, None, "8mer", 46, 70, 70),
            "(" * 22 + "&" + ")" * 22,
        ),
    ]


@pytest.mark.parametrize("length", [15, 30])
def test_the_shortest_and_longest_mirnas_have_their_perfect_site(length):
    mirna = SequenceRecord("m", random_records(6, 1, length)[0].sequence)
    text = "N" * 50 + reverse_complement(mirna.sequence) + "N" * 50
    scan = SitesMode(SiteScorer((mirna,), CandidateRule("all", (1,))), (), EVERY_SITE)
    (row,) = scan(Slice(0, (SequenceRecord("t", text),))).to_pylist()
    assert (row["start"], row["end"]) == (50, 50 + length)
    assert row["duplex"] == "(" * length + "&" + ")" * length


def test_windows_have_the_seed_in_the_middle_and_stay_in_the_transcript():
    site = reverse_complement(LET7.sequence)
    texts = ["G" * 40 + site + "G" * 40, site + "G" * 40, "G" * 40 + site, site[4:]]
    records = tuple(SequenceRecord(str(n), text) for n, text in enumerate(texts))
    scorer = SiteScorer((LET7,), CandidateRule("fast", (30,)), FakeEngine(1))
    table = SitesMode(scorer, (), EVERY_SITE)(Slice(0, records))
    windows = [(row["window_start"], row["window_end"]) for row in table.to_pylist()]
    assert windows == [(43, 73), (3, 33), (32, 62), (0, 18)]
    assert table["score"].to_numpy() == pytest.approx(
        [
            FakeEngine(1).score_pairs(
                scorer_tokens(text), np.zeros(1, int), np.array([start])
            )[0]
            for text, (start, _) in zip(texts, windows, strict=True)
        ]
    )


class _MotifEngine(FakeEngine):
    """Finds a site in a window that holds GGGGG, wherever it is."""

    def score_pairs(self, transcript, mirnas, starts):
        size = self.window_length
        windows = ["".join(map(str, transcript[start:][:size])) for start in starts]
        motif = str(alphabet.G) * 5
        return np.array([0.9 if motif in one else 0.1 for one in windows], np.float32)


def test_windows_that_share_their_best_duplex_have_one_site():
    rng = np.random.default_rng(8)
    around = ["".join(rng.choice(list("AC"), 100)) for _ in range(2)]
    text = around[0] + "CUACCUCA" + "GGGGG" + around[1]
    scorer = SiteScorer((LET7,), CandidateRule("all", (1,)), _MotifEngine(1, 50))
    scan = SitesMode(scorer, (), SiteOptions(chance_per_kb=None, threshold=0.5))
    table = scan(Slice(0, (SequenceRecord("t", text),)))
    ends = table["end"].to_pylist()
    assert 108 in ends
    # Windows that hold the motif and not the seed have sites of their own, after it.
    assert all(end == 108 or end >= 108 + APART for end in ends)
    row = table.to_pylist()[ends.index(108)]
    assert row["site_type"] == "8mer"
    assert row["window_start"] <= 108 and row["window_end"] >= 113


def scorer_tokens(text):
    return alphabet.encode([text], len(text))[0]


def test_rows_are_in_order_and_sites_apart_whatever_the_blocks(monkeypatch):
    records = random_records(1, 12, 300)
    scorer = SiteScorer(MIRNAS, ALL, FakeEngine(3))
    scan = SitesMode(scorer, (), SiteOptions(chance_per_kb=None, threshold=0.5))
    table = cloudpickle.loads(cloudpickle.dumps(scan))(Slice(0, records))
    assert table.schema == SCHEMA
    rows = table.to_pylist()
    names = [record.name for record in MIRNAS]
    keys = [
        (int(row["target"][1:]), names.index(row["mirna"]), row["start"])
        for row in rows
    ]
    assert len(rows) > 100 and keys == sorted(keys)
    places = [(key[:2], row["end"]) for key, row in zip(keys, rows, strict=True)]
    for (pair, end), (next_pair, next_end) in zip(places, places[1:], strict=False):
        assert pair != next_pair or abs(next_end - end) >= APART
    monkeypatch.setattr("mirjax.scanning.scored_sites._PAIRS", 1)
    assert scan(Slice(0, records)).equals(table)
    alone = [scan(Slice(number, (record,))) for number, record in enumerate(records)]
    assert [row for one in alone for row in one.to_pylist()] == rows


def test_the_type_is_of_a_site_within_the_duplex():
    mirna = LET7.sequence
    rest = reverse_complement(mirna[8:])
    sites = {"8mer": "CUACCUCA", "7mer-m8": "CUACCUCG", "7mer-A1": "GUACCUCA"}
    sites |= {"6mer": "GUACCUCG", "other": "CUACUUCA"}
    records = tuple(
        SequenceRecord(kind, "GGGG" + rest + site) for kind, site in sites.items()
    )
    scorer = SiteScorer((LET7,), CandidateRule("fast", (20,)))
    table = SitesMode(scorer, (), EVERY_SITE)(Slice(0, records))
    assert table["target"].to_pylist() == list(sites)
    assert table["site_type"].to_pylist() == list(sites)


@pytest.mark.parametrize("engine", [None, FakeEngine(3)])
@pytest.mark.parametrize("kind", ["all", "fast", "seed"])
def test_chance_gives_as_many_sites_as_stated(engine, kind):
    background = Background(random_records(2, 20, 1_000), letters=150_000, seed=5)
    letters = 150_000
    fresh = Slice(0, random_records(3, 150, 1_000))
    for rate in (1.0, 0.3):
        options = SiteOptions(candidates=kind, chance_per_kb=rate)
        scan = make_scanner(MIRNAS, engine, background, options, searched=letters)
        table = scan(fresh)
        pvalues = table["pvalue"].to_numpy()
        assert table.num_rows and 1000 * pvalues.max() <= rate
        assert table["evalue"].to_numpy() == pytest.approx(letters * pvalues)
        for mirna in MIRNAS:
            of_mirna = table.filter(table["mirna"].to_numpy() == mirna.name)
            # Scores on a lattice, or few sites: the highest p-value that passes counts.
            expected = letters * of_mirna["pvalue"].to_numpy().max(initial=0)
            if engine is not None and kind != "seed":
                expected = 1e-3 * rate * letters
            # Counts here and in the background vary alike.
            assert abs(of_mirna.num_rows - expected) < 4 * np.sqrt(2 * expected) + 4


@pytest.mark.slow
def test_the_default_finds_the_sites_of_all_candidates():
    model = "pretrained/duplex"
    trained = load_classifier(model)
    temperature = find_temperature(trained.metadata, model) or 1.0
    engine = make_engine(trained, MIRNAS, temperature)
    records = random_records(4, 50, 2_000)
    background = Background(random_records(5, 50, 2_000), letters=100_000)
    tables = []
    for kind in ("all", SiteOptions().candidates):
        options = SiteOptions(candidates=kind)
        scan = make_scanner(MIRNAS, engine, background, options, searched=100_000)
        tables.append(scan(Slice(0, records)))
    # Of real 3'UTRs it is 98%, measured in docs/performance.md; these are 50 sites.
    assert tables[0].num_rows > 20
    everything, default = (
        set(zip(*(table[name].to_pylist() for name in PLACE), strict=True))
        for table in tables
    )
    assert len(everything & default) > 0.94 * len(everything)


def test_backgrounds_of_other_mirnas_are_refused():
    scorer = SiteScorer(MIRNAS, ALL)
    nulls = Background(random_records(2, 1, 500), letters=500).draw(scorer)
    with pytest.raises(ValueError, match="2 backgrounds of 3 miRNAs"):
        SitesMode(scorer, nulls[:2])


def test_slices_without_letters_or_records_have_no_sites():
    scan = SitesMode(SiteScorer(MIRNAS, ALL, FakeEngine(3)), (), EVERY_SITE)
    for records in ((), (SequenceRecord("n", "N" * 80), SequenceRecord("e", ""))):
        table = scan(Slice(0, records))
        assert table.num_rows == 0 and table.schema == SCHEMA


def test_a_mirna_without_a_seed_is_refused_by_name():
    with pytest.raises(ValueError, match="miRNA short: 5 nt"):
        SiteScorer((SequenceRecord("short", "UGAGG"),), CandidateRule("all", (1,)))
