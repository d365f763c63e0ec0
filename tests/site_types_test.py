"""Canonical sites against a plain search of strings."""

import re

import numpy as np
import pytest

from mirjax.scanning.site_types import SITE_TYPES, find_sites
from mirjax.sequences import alphabet
from mirjax.sequences.pairing import reverse_complement

LET7 = "UGAGGUAGUAGGUUGUAUAGUU"


def tokens(sequence):
    return alphabet.encode([sequence], len(sequence), unknown_as_pad=True)[0]


def rows_of(transcripts, mirnas):
    found = find_sites([tokens(x) for x in transcripts], [tokens(x) for x in mirnas])
    names = [SITE_TYPES[number] for number in found.types]
    return list(zip(*(column.tolist() for column in found[:4]), names, strict=True))


def plain_rows(transcripts, mirnas):
    rows = []
    for number, transcript in enumerate(transcripts):
        for which, mirna in enumerate(mirnas):
            core = reverse_complement(mirna[1:7])
            eighth = reverse_complement(mirna[7:8]) or "-"
            for match in re.finditer(f"(?={core})", transcript):
                start, end = match.start(), match.start() + 6
                pairs = transcript[:start].endswith(eighth)
                has_a = transcript[end:].startswith("A")
                kind = {
                    (True, True): "8mer",
                    (True, False): "7mer-m8",
                    (False, True): "7mer-A1",
                    (False, False): "6mer",
                }[pairs, has_a]
                rows.append((number, which, start - pairs, end + has_a, kind))
    return rows


@pytest.mark.parametrize(
    "letters, kind, start, end",
    [
        ("GGCUACCUCAGG", "8mer", 2, 10),
        ("GGCUACCUCGGG", "7mer-m8", 2, 9),
        ("GGGUACCUCAGG", "7mer-A1", 3, 10),
        ("GGGUACCUCGGG", "6mer", 3, 9),
        ("UACCUC", "6mer", 0, 6),
        ("CUACCUCA", "8mer", 0, 8),
        ("NUACCUCN", "6mer", 1, 7),
    ],
)
def test_the_four_types_of_let_7(letters, kind, start, end):
    assert rows_of([letters], [LET7]) == [(0, 0, start, end, kind)]


def test_wobbles_and_unknown_letters_are_no_pairs():
    assert rows_of(["UACUUC", "UACNUC", "", "UACCU"], [LET7]) == []


def test_overlapping_sites_are_all_found():
    mirna = "UUUUUUUUUU"
    assert [row[2:] for row in rows_of(["GAAAAAAAAG"], [mirna])] == [
        (1, 8, "7mer-A1"),
        (1, 9, "8mer"),
        (2, 9, "7mer-m8"),
    ]


def test_sites_are_those_of_a_plain_search():
    rng = np.random.default_rng(5)
    transcripts = [
        "".join(rng.choice(list("AUCGN"), length, p=[0.3, 0.3, 0.19, 0.19, 0.02]))
        for length in (0, 5, 6, 7, 3000, 1, 5000, 40)
    ]
    mirnas = ["".join(rng.choice(list("AU"), 22)) for _ in range(6)]
    mirnas += [LET7, "AAAAAAA", "UUUUUUUU", LET7]
    expected = plain_rows(transcripts, mirnas)
    assert {row[4] for row in expected} == set(SITE_TYPES) - {"other"}
    assert rows_of(transcripts, mirnas) == expected


def test_nothing_is_found_without_transcripts_or_mirnas():
    assert rows_of([], [LET7]) == []
    assert rows_of(["UACCUC"], []) == []


def test_a_mirna_without_a_seed_is_refused():
    with pytest.raises(ValueError, match="6 nt has no letters 2-7"):
        rows_of(["UACCUC"], ["UGAGGU"])
