"""Duplexes as text: strings that say the pairs, drawings that show them."""

import numpy as np
import pyarrow as pa
import pytest

from mirjax.alignment.complementarity import seed_weighted
from mirjax.alignment.paths import best_partners
from mirjax.scanning.drawing import draw, drawings, pairing_strings
from mirjax.sequences import alphabet
from mirjax.sequences.pairing import WATSON_CRICK, WOBBLE
from mirjax.sequences.records import SequenceRecord

LET7 = "UGAGGUAGUAGGUUGUAUAGUU"


def test_a_perfect_seed_and_a_loop():
    lines = draw("ACUACCUC", "UGAGGUAGU", ".(((((((&.))))))).", after="AG")
    assert lines == (
        "5' ACUACCUCA 3'",
        "    |||||||    ",
        "3' UGAUGGAGU 5'",
    )


def test_wobbles_loops_and_overhangs():
    lines = draw("GUAAGU", "UGACCGCAA", "((..((&..)).))..", after="C")
    assert lines == (
        "5'   GUAAGUC  3'",
        "     |:  ||     ",
        "3' AACGC-CAGU 5'",
    )


def sites(rng, count):
    mirnas = rng.integers(1, 5, (count, 22)).astype(np.uint8)
    segments = rng.integers(1, 5, (count, 41)).astype(np.uint8)
    partners = best_partners(mirnas, segments, seed_weighted())
    starts, strings = pairing_strings(mirnas, segments, partners)
    letters = "".join(alphabet.LETTERS)
    for row, (start, string) in enumerate(zip(starts, strings, strict=True)):
        if start < 41:
            site = "".join(letters[t - 1] for t in segments[row, start:])
            yield site, "".join(letters[t - 1] for t in mirnas[row]), string


def test_drawings_show_both_sequences_and_every_pair():
    for site, mirna, string in sites(np.random.default_rng(5), 200):
        top, middle, bottom = draw(site, mirna, string)
        assert len(top) == len(middle) == len(bottom)
        plain = top[3:-3].replace("-", "").replace(" ", "")
        assert plain == site
        assert bottom[3:-3].replace("-", "").replace(" ", "") == mirna[::-1]
        opens, closes = string.split("&")
        assert opens[0] == opens[-1] == "("
        assert opens.count("(") == closes.count(")") > 0
        for above, sign, below in zip(top, middle, bottom, strict=True):
            if sign == "|":
                assert above + below in WATSON_CRICK
            elif sign == ":":
                assert above + below in WOBBLE
        assert middle.count("|") + middle.count(":") == opens.count("(")


def test_strings_of_another_duplex_are_refused():
    for string in ("((((&))))", "(((((&))))", "((((((&))))))))", "no&pairs", ""):
        with pytest.raises(ValueError):
            draw("CUACCU", "AGGUAG", string)
    with pytest.raises(ValueError, match="neither a Watson-Crick pair nor a wobble"):
        draw("A", "A", "(&)")


def site_row(target, start, end, duplex, pvalue=1e-5):
    return {
        "mirna": "let-7a",
        "target": target,
        "start": start,
        "end": end,
        "score": 0.875,
        "pvalue": pvalue,
        "site_type": "8mer",
        "duplex": duplex,
    }


def test_sites_are_drawn_along_with_the_transcripts():
    duplex = "(((((((&.))))))).............."
    records = [
        SequenceRecord("a", "GGG"),
        SequenceRecord("b", "GGCUACCUCAGG"),
        SequenceRecord("c", "CUACCUC"),
    ]
    tables = [
        pa.Table.from_pylist([site_row("b", 2, 9, duplex)]),
        pa.Table.from_pylist([site_row("c", 0, 7, duplex, None)]),
    ]
    found = list(drawings(tables, records, {"let-7a": LET7}))
    assert found == [
        "let-7a b:2-9 8mer, score 0.875, p 1e-05\n"
        "5'               CUACCUCA 3'\n"
        "                 |||||||\n"
        "3' UUGAUAUGUUGGAUGAUGGAGU 5'\n\n",
        "let-7a c:0-7 8mer, score 0.875\n"
        "5'               CUACCUC  3'\n"
        "                 |||||||\n"
        "3' UUGAUAUGUUGGAUGAUGGAGU 5'\n\n",
    ]
    with pytest.raises(ValueError, match="site of b: no such transcript follows"):
        list(drawings(tables, records[2:], {"let-7a": LET7}))
    with pytest.raises(ValueError, match="site of let-7a: no such miRNA"):
        list(drawings(tables, records, {}))
