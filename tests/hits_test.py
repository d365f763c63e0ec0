"""Tests of hits as typed rows."""

import itertools

import pytest

from mirjax.blast.hits import Hit, best_hits, parse_row
from mirjax.blast.programs import BlastError

COLUMNS = ["95.455", "22", "1", "0", "1", "22", "25", "4", "4.24e-08", "43.0"]


def test_columns_of_a_row_are_typed():
    hit = parse_row("q", ["a", "b"], 1, COLUMNS)
    numbers = (95.455, 22, 1, 0, 1, 22, 25, 4, 4.24e-08, 43.0)
    assert hit == Hit("q", "b", *numbers, subject_index=1)


@pytest.mark.parametrize(
    ("subject", "columns"),
    [(2, COLUMNS), (0, COLUMNS[1:]), (0, ["nonsense", *COLUMNS[1:]])],
)
def test_an_unexpected_row_is_quoted(subject, columns):
    with pytest.raises(BlastError, match=r"unexpected row .*4\.24e-08"):
        parse_row("q", ["a", "b"], subject, columns)


def test_best_hit_is_by_evalue_then_bits_then_database_order():
    def hit(query, subject_index, evalue, bitscore):
        numbers = (100.0, 20, 0, 0, 1, 20, 1, 20, evalue, bitscore)
        return Hit(query, f"s{subject_index}", *numbers, subject_index)

    rows = [
        hit("a", 9, 1e-3, 30.0),
        hit("a", 8, 1e-5, 30.0),
        hit("a", 7, 1e-5, 40.0),
        hit("a", 5, 1e-5, 40.0),
        hit("a", 6, 1e-5, 40.0),
        hit("b", 1, 5.0, 10.0),
    ]
    expected = {"a": rows[3], "b": rows[5]}
    for order in itertools.permutations(rows):
        assert best_hits(order) == expected
