"""Tests of scans divided into shards, and of their merge."""

import dataclasses
import re

import pytest
from fake_scan import SETTINGS, FakeScanner, scanned, slices, table, whole_table

from mirjax.scanning import runner, shards
from mirjax.scanning.shards import Shard, find_shards, shard_file

pytestmark = pytest.mark.usefixtures("one_thread")
NAMES = ["sites.tsv", "sites.tsv.gz", "sites.parquet", "sites.bed"]


def run_shard(out, number, count, scanner=FakeScanner(), **options):  # noqa: B008
    options = runner.RunOptions(
        str(out), **{"settings": SETTINGS, **options}, shard=Shard(number, count)
    )
    return runner.run_scan(slices(10), scanner, [], options)


def merge(out):
    return runner.write_tables(find_shards(out).tables(), [table(out)])


@pytest.mark.parametrize("count", [1, 4, 13])
def test_merged_shards_are_the_single_run(tmp_path, count):
    """Thirteen shards of ten slices: some have none."""
    out = tmp_path / "sites.tsv"
    for number in range(count, 0, -1):
        run_shard(out, number, count)
    whole = whole_table(10)
    for name in NAMES:
        with table(tmp_path / name) as sink:
            sink(whole)
        expected = (tmp_path / name).read_bytes()
        with table(tmp_path / name) as sink:
            sinks = [sink(part) for part in find_shards(out).tables()]
        assert len(sinks) == 10
        assert (tmp_path / name).read_bytes() == expected
    assert merge(out) == whole.num_rows
    assert find_shards(out).settings == SETTINGS


def test_a_shard_scans_its_slices_alone_and_resumes(tmp_path):
    out, log = tmp_path / "sites.tsv", str(tmp_path / "log")
    with pytest.raises(ValueError, match="cannot be scanned"):
        run_shard(out, 2, 3, FakeScanner(refused="t12", log=log))
    assert scanned(log) == [1, 4]
    run_shard(out, 2, 3, FakeScanner(log=log), resume=True)
    assert scanned(log) == [1, 4, 4, 7]
    resumed = shard_file(out, Shard(2, 3))
    once = resumed.read_bytes()
    run_shard(out, 2, 3)
    assert resumed.read_bytes() == once
    assert {path.name for path in tmp_path.iterdir()} == {"log", resumed.name}


@pytest.mark.parametrize("text", ["0/4", "5/4", "4", "1/0", "a/b", "1/4/2", "-1/4"])
def test_a_shard_that_is_none(text):
    with pytest.raises(ValueError, match=f"--shard={text}: give the number"):
        Shard.parse(text)


def test_missing_shards_are_named(tmp_path):
    out = tmp_path / "sites.tsv"
    with pytest.raises(ValueError, match="--merge: there is no .*shard-1-of-4 or the"):
        merge(out)
    run_shard(out, 2, 4)
    run_shard(out, 4, 4)
    with pytest.raises(ValueError, match="shards are missing: 1/4, 3/4"):
        merge(out)
    run_shard(out, 1, 2)
    with pytest.raises(ValueError, match="divided into 2 and 4"):
        merge(out)


def test_shards_of_other_settings_are_refused(tmp_path):
    out = tmp_path / "sites.tsv"
    run_shard(out, 1, 2)
    run_shard(out, 2, 2, settings={**SETTINGS, "--step": "1"})
    with pytest.raises(ValueError, match=r"2-of-2 was made with .*--step=1 \(there 22"):
        merge(out)


def test_shards_of_other_targets_are_refused(tmp_path):
    out = tmp_path / "sites.tsv"
    run_shard(out, 1, 2)
    options = runner.RunOptions(str(out), SETTINGS, shard=Shard(2, 2))
    others = (
        dataclasses.replace(a_slice, records=a_slice.records[::-1])
        for a_slice in slices(10)
    )
    runner.run_scan(others, FakeScanner(), [], options)
    with pytest.raises(ValueError, match="targets are not those of"):
        merge(out)
    runner.run_scan(slices(7), FakeScanner(), [], options)
    with pytest.raises(ValueError, match="scan|targets"):
        merge(out)
    assert not out.exists()


@pytest.mark.parametrize("damage", ["flip", "cut", "header", "empty"])
def test_a_damaged_shard_is_refused(tmp_path, damage):
    out = tmp_path / "sites.tsv"
    run_shard(out, 1, 2)
    run_shard(out, 2, 2)
    path = shard_file(out, Shard(2, 2))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    kept = {
        "flip": data,
        "cut": path.read_bytes()[:-100],
        "header": b"PK" + data,
        "empty": b"",
    }
    path.write_bytes(kept[damage])
    with pytest.raises(ValueError, match=re.escape(str(path))):
        merge(out)
    assert not out.exists()


def test_a_length_that_no_file_can_have_is_not_read(tmp_path):
    out = tmp_path / "sites.tsv"
    run_shard(out, 1, 1)
    path = shard_file(out, Shard(1, 1))
    header = path.read_bytes().partition(b"\n")[0]
    path.write_bytes(header + b"\n" + b"9" * 15 + b"\n")
    with pytest.raises(ValueError, match="999 bytes"):
        merge(out)


def test_a_renamed_shard_is_refused(tmp_path):
    out = tmp_path / "sites.tsv"
    run_shard(out, 1, 2)
    shard_file(out, Shard(1, 2)).rename(shard_file(out, Shard(2, 2)))
    run_shard(out, 1, 2)
    with pytest.raises(
        ValueError, match="holds shard 1 of 2; give the file its original"
    ):
        shards.find_shards(out)


def test_every_byte_of_a_header_is_checked(tmp_path):
    out = tmp_path / "sites.tsv"
    run_shard(out, 1, 2)
    run_shard(out, 2, 2)
    path = shard_file(out, Shard(2, 2))
    data = path.read_bytes()
    for position in range(data.index(b"\n")):
        damaged = bytearray(data)
        damaged[position] ^= 1
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match="sites.tsv.shard-2-of-2"):
            merge(out)
