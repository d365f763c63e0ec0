"""Transcripts of a scan: what is read, what is refused, and how much is in memory."""

import gc
import gzip
import io
import os
import sys
import threading
import types

import pytest

from mirjax.scanning.transcripts import open_transcripts
from mirjax.sequences import fasta
from mirjax.sequences.bad_records import SKIP, BadRecords
from mirjax.sequences.records import SequenceRecord

_TEXT = ">a first\nACGT\nacgt\n\n>b\nNNRUU\n"
_RECORDS = [SequenceRecord("a", "ACGUACGU"), SequenceRecord("b", "NNNUU")]


def read(path, bad_records=None, **options):
    with open_transcripts(path, bad_records, **options) as transcripts:
        records = list(transcripts)
        assert transcripts.num_records == len(records)
        assert transcripts.num_letters == sum(len(r.sequence) for r in records)
        return records


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_files_as_users_have_them(tmp_path, pack, end):
    path = tmp_path / "file"
    path.write_bytes(pack(b"\xef\xbb\xbf" + _TEXT.replace("\n", end).encode()))
    assert read(path) == _RECORDS
    assert read(path) == fasta.read_fasta(path, unknown_letters=True)


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_standard_input_and_pipes_are_copied(tmp_path, monkeypatch, pack):
    stream = types.SimpleNamespace(buffer=io.BytesIO(pack(_TEXT.encode())))
    monkeypatch.setattr(sys, "stdin", stream)
    assert read("-") == _RECORDS
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(pack(_TEXT.encode()),))
    writer.start()
    assert read(pipe) == _RECORDS
    writer.join()


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"", "the file is empty"),
        (b" \n\n", "the file is empty"),
        (b"ACGU\n", "line 1 .'ACGU'. stands before the first record"),
        (b">a\nAC\n>b\n>a\nGG\n>c\nAX\n", "3 of 4 .* b: empty sequence; a: a second"),
        (b">a\nACN\n>b\nAC", "a: letter 'N' at position 3 is an ambiguity code"),
        (_TEXT.encode("utf-16"), "the text is UTF-16"),
        (_TEXT.encode("utf-16-le"), "-f UTF-16LE"),
        (">a\nAC\n>b é\nAC\n".encode("latin-1"), "line 3: the text is Latin-1"),
        (b"\x89HDF\r\n\x1a\n\0\xff", "not a text file"),
        (b"PK\x03\x04\xff", "a ZIP archive"),
        (gzip.compress(_TEXT.encode(), mtime=0)[:-9], "the gzip file is damaged"),
    ],
)
def test_what_cannot_be_read_is_refused_before_work_begins(tmp_path, content, part):
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=part) as caught:
        open_transcripts(path, unknown_letters=False).__enter__()
    assert str(caught.value).startswith(str(path))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ValueError, match="absent.fa: cannot be read .No such file"):
        read(tmp_path / "absent.fa")


def test_bad_records_are_left_out_on_demand(tmp_path):
    path = tmp_path / "file"
    path.write_text(">a\nACGU\n>b\n>a\nGG\n>c\nAA\n")
    bad = BadRecords(SKIP)
    assert [record.name for record in read(path, bad)] == ["a", "c"]
    assert [each.record for each in bad.skipped] == ["b", "a"]


def test_slices_hold_all_records_in_order(tmp_path):
    path = tmp_path / "file"
    lengths = [3, 20, 1, 1, 9, 10, 2, 30, 4]
    path.write_text("".join(f">r{n}\n{'A' * n}\n" for n in lengths if n != 1))
    with open_transcripts(path) as transcripts:
        slices = list(transcripts.slices(10))
        assert slices == list(transcripts.slices(10))  # it can be read again
        records = list(transcripts)
    assert [part.number for part in slices] == [0, 1, 2, 3]
    assert [len(part.records) for part in slices] == [2, 2, 2, 1]
    assert [record for part in slices for record in part.records] == records


@pytest.mark.slow
def test_one_slice_of_a_large_file_is_in_memory(tmp_path):
    path = tmp_path / "large.fa.gz"
    with gzip.open(path, "wt", compresslevel=1) as file:
        for number in range(20_000):
            file.write(f">large{number}\n{'ACGU' * 10}\n")
    most = read = 0
    with open_transcripts(path) as transcripts:
        for number, part in enumerate(transcripts.slices(4_000)):
            read += len(part.records)
            if number % 50 == 0:
                alive = sum(
                    type(each) is SequenceRecord and each.name.startswith("large")
                    for each in gc.get_objects()
                )
                most = max(most, alive)
    assert read == 20_000
    assert 0 < most <= 202  # 100 of this slice and of the one before
