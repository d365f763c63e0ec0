"""The table of canonical sites."""

import cloudpickle
import pytest

from mirjax.scanning.seed_mode import SCHEMA, SeedMode
from mirjax.scanning.slices import Slice
from mirjax.sequences.records import SequenceRecord

LET7 = SequenceRecord("let-7a", "UGAGGUAGUAGGUUGUAUAGUU")
MIR1 = SequenceRecord("miR-1", "UGGAAUGUAAAGAAGUAUGUAU")


def test_rows_are_in_the_order_of_the_files_then_of_the_transcript():
    records = (
        SequenceRecord("b", "NACAUUCCAGGCUACCUCGUUACAUUCCG"),
        SequenceRecord("empty", "N"),
        SequenceRecord("a", "GGCUACCUCAGG"),
    )
    scan = cloudpickle.loads(cloudpickle.dumps(SeedMode((MIR1, LET7))))
    table = scan(Slice(0, records))
    assert table.schema == SCHEMA
    assert [tuple(row.values()) for row in table.to_pylist()] == [
        ("miR-1", "b", 1, 9, "8mer"),
        ("miR-1", "b", 21, 28, "7mer-m8"),
        ("let-7a", "b", 11, 18, "7mer-m8"),
        ("let-7a", "a", 2, 10, "8mer"),
    ]


def test_a_slice_without_sites_has_an_empty_table():
    table = SeedMode((LET7,))(Slice(3, (SequenceRecord("a", "GGGG"),)))
    assert table.schema == SCHEMA and table.num_rows == 0


def test_a_mirna_without_a_seed_is_refused_by_name():
    with pytest.raises(ValueError, match="miRNA short: 6 nt, but sites pair"):
        SeedMode((LET7, SequenceRecord("short", "UGAGGU")))
