"""Tests of tables of sites as files."""

import csv
import gzip
import random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fake_scan import SCHEMA, whole_table

from mirjax.scanning import tables

NAMES = ["sites.tsv", "sites.tsv.gz", "sites.parquet", "sites.bed", "sites.bed.gz"]


def write(path, parts, schema=SCHEMA):
    table_format = tables.format_of(path)
    with tables.open_table(path, table_format, schema) as sink:
        for part in parts:
            sink(part)
    return path.read_bytes()


def pieces(table, seed):
    """Divide a table at random, into empty parts too."""
    draw = random.Random(seed)
    cuts = sorted(draw.choices(range(table.num_rows + 1), k=20))
    bounds = zip([0, *cuts], [*cuts, table.num_rows], strict=True)
    return [table.slice(low, high - low) for low, high in bounds]


@pytest.mark.parametrize("name", NAMES)
def test_the_bytes_do_not_depend_on_how_rows_are_divided(tmp_path, monkeypatch, name):
    monkeypatch.setattr(tables, "ROW_GROUP", 37)
    monkeypatch.setattr(tables, "_BATCH", 11)
    table = whole_table()
    whole = write(tmp_path / name, [table])
    for seed in range(3):
        assert write(tmp_path / name, pieces(table, seed)) == whole


def test_a_table_as_text(tmp_path):
    """Read by the csv module."""
    table = whole_table()
    text = gzip.decompress(write(tmp_path / "sites.tsv.gz", [table])).decode()
    header, *rows = csv.reader(text.splitlines(), delimiter="\t")
    assert header == SCHEMA.names
    assert len(rows) == table.num_rows
    for row, expected in zip(rows, table.to_pylist(), strict=True):
        cells = dict(zip(header, row, strict=True))
        assert (cells["mirna"], cells["target"]) == (
            expected["mirna"],
            expected["target"],
        )
        assert int(cells["start"]) == expected["start"]
        assert float(cells["score"]) == pytest.approx(expected["score"], rel=1e-5)
        assert cells["site_type"] == (expected["site_type"] or ".")


def test_numbers_have_six_digits_and_no_value_is_a_dot(tmp_path):
    schema = pa.schema([("score", pa.float32()), ("pvalue", pa.float64())])
    table = pa.table([[0.123456789, 1.0, None], [1.23456789e-12, 0.0, 0.5]], schema)
    text = write(tmp_path / "sites.tsv", [table], schema).decode()
    assert text.splitlines()[1:] == ["0.123457\t1.23457e-12", "1\t0", ".\t0.5"]


def test_a_parquet_table_has_the_rows_in_groups_of_equal_size(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "ROW_GROUP", 37)
    table, path = whole_table(), tmp_path / "sites.parquet"
    write(path, pieces(table, 0))
    assert pq.read_table(path).equals(table)
    metadata = pq.read_metadata(path)
    sizes = [metadata.row_group(n).num_rows for n in range(metadata.num_row_groups)]
    assert set(sizes[:-1]) == {37}


def test_a_bed_line(tmp_path):
    """Fields 1 to 6 as the format has them: the score is a whole number to 1,000."""
    row = [["miR-1"], ["gene"], [5], [13], [0.9876], [1e-5], ["8mer"]]
    text = write(tmp_path / "sites.bed", [pa.table(row, SCHEMA)]).decode()
    assert text == "gene\t5\t13\tmiR-1\t988\t+\t0.9876\t1e-05\t8mer\n"


def test_a_bed_line_of_sites_without_a_score(tmp_path):
    fields = [SCHEMA.field(n) for n in ("mirna", "target", "start", "end")]
    schema = pa.schema(fields)
    table = pa.table([["miR-1"], ["gene"], [5], [13]], schema)
    text = write(tmp_path / "sites.bed", [table], schema).decode()
    assert text == "gene\t5\t13\tmiR-1\t0\t+\n"


@pytest.mark.parametrize("name", NAMES)
def test_a_table_without_rows(tmp_path, name):
    data = write(tmp_path / name, [])
    if name.endswith(".parquet"):
        assert pq.read_schema(tmp_path / name).equals(SCHEMA)
    else:
        text = gzip.decompress(data) if name.endswith(".gz") else data
        header = "" if ".bed" in name else "\t".join(SCHEMA.names) + "\n"
        assert text.decode() == header


def test_other_columns_are_left_out(tmp_path):
    table = whole_table()
    more = table.append_column("secret", pa.array(["x"] * table.num_rows))
    expected = write(tmp_path / "one.tsv", [table])
    assert write(tmp_path / "two.tsv", [more]) == expected


def test_a_name_with_a_tab_is_refused_in_text(tmp_path):
    row = [["miR-1"], ["a\tgene"], [5], [13], [0.5], [1e-5], ["8mer"]]
    table = pa.table(row, SCHEMA)
    with pytest.raises(ValueError, match=r"column target: 'a\\tgene' holds a tab"):
        write(tmp_path / "sites.tsv", [table])
    assert list(tmp_path.iterdir()) == []
    write(tmp_path / "sites.parquet", [table])


def test_standard_output(capfdbinary, tmp_path):
    table = whole_table()
    with tables.open_table("-", "tsv", SCHEMA) as sink:
        sink(table)
    assert capfdbinary.readouterr().out == write(tmp_path / "sites.tsv", [table])


@pytest.mark.parametrize("out", ["-", "sites.parquet.gz"])
def test_what_a_parquet_table_cannot_be_written_to(tmp_path, monkeypatch, out):
    monkeypatch.chdir(tmp_path)
    with (
        pytest.raises(ValueError, match="--out: .*Parquet table"),
        tables.open_table(out, "parquet", SCHEMA),
    ):
        pass


def test_a_format_that_is_not_known(tmp_path):
    with (
        pytest.raises(ValueError, match="'xlsx' is none of tsv, parquet, bed"),
        tables.open_table(tmp_path / "a", "xlsx", SCHEMA),
    ):
        pass
