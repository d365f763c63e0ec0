"""Tests of completing miRNAs that were cut."""

from mirjax.datasets.completion import complete_mirnas
from mirjax.sequences.records import SequenceRecord

KNOWN = [
    SequenceRecord("short", "UGAGGUAG"),
    SequenceRecord("long", "CCAGGUAGUAGG"),
    SequenceRecord("twin-1", "AAAGGUAGUAUU"),
    SequenceRecord("twin-2", "AAAGGUAGUACC"),
    SequenceRecord("same-1", "GGGGGUAGAACC"),
    SequenceRecord("same-2", "GGGGGUAGAACC"),
]


def test_a_unique_completion_is_made_and_named():
    assert complete_mirnas(["CCAGGUAG"], KNOWN, cut=8) == (["CCAGGUAGUAGG"], ["long"])


def test_a_known_mirna_of_the_cut_length_stays():
    assert complete_mirnas(["UGAGGUAG"], KNOWN, cut=8) == (["UGAGGUAG"], ["short"])


def test_what_is_not_unique_or_not_known_stays_as_it_is_and_is_counted(caplog):
    caplog.set_level("INFO")
    mirnas = ["AAAGGUAG", "UUUUUUUU", "AAAGGUAG", "CCAGGUA", "CCAGGUAGU"]
    assert complete_mirnas(mirnas, KNOWN, cut=8) == (mirnas, [""] * 5)
    assert "3 of 5 miRNAs have 8 letters: 0 completed; 2 unchanged since sev" in (
        caplog.text
    )
    assert "1 since none does" in caplog.text


def test_one_sequence_under_two_names_is_completed_without_a_name():
    assert complete_mirnas(["GGGGGUAG"], KNOWN, cut=8) == (["GGGGGUAGAACC"], [""])
