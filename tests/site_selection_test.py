"""Fewer sites of a table, against plain sorting; families by seed."""

import numpy as np
import pyarrow as pa
import pytest

from mirjax.scanning.site_selection import at_least, best_of_each, one_of_each_family
from mirjax.sequences.records import SequenceRecord


def table_of(rows=60):
    rng = np.random.default_rng(6)
    return pa.table(
        {
            "mirna": rng.choice(["a", "b", "c"], rows),
            "target": rng.choice(["s", "t"], rows),
            "start": np.arange(rows),
            "score": rng.integers(0, 20, rows) / 20,
        }
    )


def test_sites_of_low_scores_are_left_out():
    rows = at_least(table_of(), 0.5).to_pylist()
    assert rows == [row for row in table_of().to_pylist() if row["score"] >= 0.5]


@pytest.mark.parametrize("group", ["mirna", "target"])
def test_the_best_of_each_group_stay_in_order(group):
    rows = table_of().to_pylist()
    expected = []
    for name in {row[group] for row in rows}:
        of_name = [row for row in rows if row[group] == name]
        expected += sorted(of_name, key=lambda row: (-row["score"], row["start"]))[:4]
    expected.sort(key=lambda row: row["start"])
    assert best_of_each(table_of(), group, 4).to_pylist() == expected
    assert best_of_each(table_of(), group, 99).equals(table_of())
    assert best_of_each(table_of(0), group, 4).num_rows == 0


def test_wrong_counts_and_tables_without_scores_are_refused():
    with pytest.raises(ValueError, match="--top_k=0"):
        best_of_each(table_of(), "mirna", 0)
    bare = table_of().drop_columns(["score"])
    with pytest.raises(ValueError, match="no scores"):
        best_of_each(bare, "mirna", 1)
    with pytest.raises(ValueError, match="no scores"):
        at_least(bare, 0.5)


def test_a_family_is_searched_once_under_all_its_names():
    mirnas = [
        SequenceRecord("let-7a", "UGAGGUAGUAGGUUGUAUAGUU"),
        SequenceRecord("miR-1", "UGGAAUGUAAAGAAGUAUGUAU"),
        SequenceRecord("let-7b", "CGAGGUAGUAGGUUGUGUGGUU"),
    ]
    found = one_of_each_family(mirnas)
    assert [one.name for one in found] == ["let-7a/let-7b", "miR-1"]
    assert [one.sequence for one in found] == [mirnas[0].sequence, mirnas[1].sequence]
    assert one_of_each_family([]) == ()
