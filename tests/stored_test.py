"""Tests of finished tables that are read again."""

import pyarrow as pa
import pyarrow.parquet as pq
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


def test_damage_is_not_read_in_silence(written):
    """A SHA-256 covers the rows and the footer."""
    data = written.read_bytes()
    expected = whole_table()
    footer = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    for position in [*range(0, footer, 7), *range(footer, len(data))]:
        damaged = bytearray(data)
        damaged[position] ^= 1 << position % 8
        written.write_bytes(damaged)
        try:
            found = pa.concat_tables(stored.read_tables(written))
        except ValueError as error:
            assert str(error).startswith(f"--from: {written} ")
        else:  # a byte of the mark before the hash
            assert footer - 80 < position < footer and found.equals(expected)


def test_damage_in_names_of_columns_is_found_before_they_are_used(written):
    """It lies in the footer alone, which has no checksum of its own in Parquet."""
    data = written.read_bytes()
    footer = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    place = data.index(b"pvalue", footer)
    written.write_bytes(data[:place] + b"q" + data[place + 1 :])
    with pytest.raises(ValueError, match="Parquet table .the SHA-256 does not fit"):
        stored.read_schema(written, ["target", "pvalue"])


def test_tables_of_other_programs_are_read(written, tmp_path):
    """They hold no hash, as tables of mirjax did not until it wrote them."""
    pq.write_table(whole_table(), tmp_path / "other.parquet")
    for path in (written, tmp_path / "other.parquet"):
        found = pa.concat_tables(stored.read_tables(path))
        assert found.equals(whole_table())
        assert pq.read_table(path).equals(whole_table())
