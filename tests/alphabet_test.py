"""The alphabet: miTAR's codes, strict reading, padding and the way back."""

import numpy as np
import pytest

from mirjax.sequences import alphabet


def test_codes_are_those_of_the_published_weights():
    # miTAR tokenises by the position in the string "NAUCG".
    tokens = alphabet.encode(["AUCGT", "aucgt"], 7)
    expected = ["NAUCG".index(letter) for letter in "AUCGU"] + [0, 0]
    assert tokens.dtype == np.uint8
    assert tokens.tolist() == [expected, expected]


def test_normalise_reads_dna_and_lower_case():
    assert alphabet.normalise("  acgtU\n") == "ACGUU"


@pytest.mark.parametrize(
    ("sequence", "part"),
    [
        ("", "empty sequence"),
        ("  ", "empty sequence"),
        ("ACGNU", "'N' at position 4 is an ambiguity code"),
        ("AC-GU", "'-' at position 3 is not a nucleotide"),
        ("ACGÜ", "'Ü' at position 4 is not a nucleotide"),
    ],
)
def test_normalise_names_the_culprit(sequence, part):
    """And gives no advice that would invent a letter."""
    with pytest.raises(ValueError, match=f"f.fa record s1.*{part}$"):
        alphabet.normalise(sequence, name="f.fa record s1")


def test_normalise_reads_unknown_letters_on_demand():
    assert alphabet.normalise("acNrT", unknown_letters=True) == "ACNNU"
    for letter in "-X\u017f\u0131":  # the last two are S and I in upper case
        with pytest.raises(ValueError, match="position 2 is not a nucleotide"):
            alphabet.normalise(f"A{letter}", unknown_letters=True)


def test_encode_never_cuts():
    with pytest.raises(ValueError, match="sequence 2: 6 nt, but at most 5 fit"):
        alphabet.encode(["ACGUA", "ACGUAC"], 5)


def test_encode_refuses_unknown_letters_unless_they_are_padding():
    with pytest.raises(ValueError, match="site9: letter 'N'"):
        alphabet.encode(["ACNU"], 4, names=["site9"])
    tokens = alphabet.encode(["ACnU"], 4, unknown_as_pad=True)
    assert tokens.tolist() == [[alphabet.A, alphabet.C, alphabet.PAD, alphabet.U]]
    with pytest.raises(ValueError, match="letter '!'"):
        alphabet.encode(["AC!U"], 4, unknown_as_pad=True)
    with pytest.raises(ValueError, match="letter 'É'"):
        alphabet.encode(["ACÉU"], 4, unknown_as_pad=True)


def test_decode_undoes_encode():
    rng = np.random.default_rng(0)
    sequences = ["".join(rng.choice(list("ACGU"), n)) for n in range(30)]
    assert alphabet.decode(alphabet.encode(sequences, 29)) == sequences


def test_decode_stops_at_the_first_end():
    a, c, eos, pad = alphabet.A, alphabet.C, alphabet.EOS, alphabet.PAD
    rows = np.array([[a, eos, c, c], [c, c, pad, a], [eos, a, a, a]], np.uint8)
    assert alphabet.decode(rows) == ["A", "CC", ""]


def test_lengths():
    assert alphabet.lengths(["", "ACG", "U"]).tolist() == [0, 3, 1]
