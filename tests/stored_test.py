"""Tests of finished tables that are read again."""

import pyarrow as pa
import pytest
from fake_scan import table, whole_table

from mirjax.scanning import stored


@pytest.fixture
def written(tmp_path):
    path = tmp_path / "sites.parquet"
    with table(path) as sink:
        sink(whole_table())
    return path


@pytest.mark.parametrize("batch", [1, 5, 8, 64, 10_000])
def test_rows_of_a_target_come_together_and_in_order(written, monkeypatch, batch):
    monkeypatch.setattr(stored, "_BATCH", batch)
    tables = list(stored.read_tables(written))
    assert pa.concat_tables(tables).equals(whole_table())
    targets = [set(part["target"].to_pylist()) for part in tables]
    for number, names in enumerate(targets):
        assert names.isdisjoint(set().union(*targets[:number]))
    if batch < 10:  # a transcript has about eight rows
        assert len(tables) > 20


def test_the_columns_of_a_table(written):
    schema = stored.read_schema(written, ["target", "score"])
    assert schema.equals(whole_table().schema)
    with pytest.raises(ValueError, match="has no column duplex; it has mirna, target"):
        stored.read_schema(written, ["target", "duplex"])


def test_what_cannot_be_read_is_named(written, tmp_path):
    with pytest.raises(ValueError, match="--from: .*none.parquet cannot be read"):
        next(stored.read_tables(tmp_path / "none.parquet"))
    (tmp_path / "text").write_text("mirna\ttarget\n" * 9)
    with pytest.raises(ValueError, match="is not a whole Parquet table"):
        next(stored.read_tables(tmp_path / "text"))
    written.write_bytes(written.read_bytes()[:-20])
    with pytest.raises(ValueError, match="is not a whole Parquet table"):
        next(stored.read_tables(written))


def test_damaged_rows_are_not_read_in_silence(written):
    """Each page of a table holds its checksum; what it ends with does not."""
    data = written.read_bytes()
    expected = whole_table()
    rows = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    for position in range(0, rows, 7):
        damaged = bytearray(data)
        damaged[position] ^= 1 << position % 8
        written.write_bytes(damaged)
        try:
            found = pa.concat_tables(stored.read_tables(written))
        except ValueError as error:
            assert str(error).startswith(f"--from: {written} ")
        else:
            assert found.equals(expected), position
