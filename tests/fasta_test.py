"""FASTA files: read as RNA, errors that name the record, written whole."""

import gzip
import time
import tracemalloc

import pytest
from Bio import SeqIO

from mirjax.scanning.transcripts import open_transcripts
from mirjax.sequences import fasta
from mirjax.sequences.bad_records import SKIP, BadRecords
from mirjax.sequences.records import SequenceRecord


def _write(folder, text, name="file.txt"):
    path = folder / name
    path.write_bytes(text.encode())
    return path


def _error(path, read=fasta.read_fasta):
    with pytest.raises(ValueError, match=path.name) as caught:
        read(path)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(str(path))
    return message


def test_fasta_is_read_as_rna(tmp_path):
    path = _write(tmp_path, "\ufeff>a first one\r\nacgt\r\nGG\r\n\r\n>b\r\nU U\r\n")
    expected = [SequenceRecord("a", "ACGUGG"), SequenceRecord("b", "UU")]
    assert fasta.read_fasta(path) == expected


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "empty"),
        (" \n\n", "empty"),
        ("ACGU\n", "not a FASTA file: line 1 ('ACGU')"),
        ("\n\n# note\n>a\nACGU\n", "not a FASTA file: line 3 ('# note')"),
        (">a\nACGU\n>b\n>c\nAC\n", "1 of 3 records cannot be read: b: empty sequence"),
        (">a\nACGU\n>b\nACXU\n", "b: letter 'X' at position 3 is not a nucleotide"),
        (">a\nACGU\n>b\nACNU\n", "b: letter 'N' at position 3 is an ambiguity code"),
        (">a\nACGU\n>\nACGU\n", "record 2: no name"),
        (">a\nACGU\n> \t\nACGU\n", "record 2: no name"),
        (">a x\nACGU\n>a y\nACGU\n", "a: a second record of that name"),
        (">a\0b first\nACGU\n>c\nAC\n", "'a\\x00b': a control character in the name"),
        (">a\rb\nACGU\n", "'a\\rb': a control character in the name"),
        (">a\nAC\u00a0GU\n", "a: letter '\\xa0' at position 3"),
        (">a\nACGU>b\nAC\n", "a: letter '>' at position 5"),
    ],
)
def test_fasta_errors_name_the_record(tmp_path, text, part):
    assert part in _error(_write(tmp_path, text))


@pytest.mark.parametrize("blanks", [" ", "\t", "\n \t "])
def test_blanks_before_a_record_do_not_lose_it(tmp_path, blanks):
    text = f"{blanks}>a first\nAC GU\n\n{blanks}>b\tnote\n UU\n{blanks}\n"
    expected = [SequenceRecord("a", "ACGU"), SequenceRecord("b", "UU")]
    assert fasta.read_fasta(_write(tmp_path, text)) == expected


def test_names_end_at_the_first_ascii_blank(tmp_path):
    text = ">miR\u00a01 x\nAC\n>miR\u00a02\tx\nGU\n> c\u2028d e\x01\nGG\n"
    names = ["miR\u00a01", "miR\u00a02", "c\u2028d"]
    records = fasta.read_fasta(_write(tmp_path, text))
    assert [record.name for record in records] == names


def test_all_bad_records_are_named_at_once(tmp_path):
    text = "".join(f">t{n}\nAC{'N' if n % 3 else 'G'}U\n" for n in range(60))
    message = _error(_write(tmp_path, text))
    assert "40 of 60 records cannot be read: t1: letter 'N'" in message
    assert "; t14: letter 'N' at position 3 is an ambiguity code; and 30" in message
    assert "t16" not in message


def test_bad_records_are_skipped_on_demand(tmp_path):
    path = _write(tmp_path, ">a\nACGU\n>b\nACNU\n>c\nAC\n>d\nGGGG\n>\nAC\n")
    skip = BadRecords(SKIP)
    records = fasta.read_fasta(path, bad_records=skip, min_length=4)
    assert [record.name for record in records] == ["a", "d"]
    assert [(bad.record, bad.reason) for bad in skip.skipped] == [
        ("b", "letter 'N' at position 3 is an ambiguity code"),
        ("c", "2 nt, at least 4 are needed"),
        ("record 5", "no name after '>'"),
    ]
    skip.write(tmp_path / "skipped.tsv")
    assert len((tmp_path / "skipped.tsv").read_text().splitlines()) == 4
    BadRecords(SKIP).write(tmp_path / "skipped.tsv")  # an earlier run's table goes
    assert not (tmp_path / "skipped.tsv").exists()


def test_unknown_letters_are_read_on_demand(tmp_path):
    path = _write(tmp_path, ">a\nacRnT\n")
    records = fasta.read_fasta(path, unknown_letters=True)
    assert records == [SequenceRecord("a", "ACNNU")]


def test_fasta_errors_name_the_file(tmp_path):
    assert "No such file" in _error(tmp_path / "absent.fa")
    assert "cannot be read" in _error(tmp_path)


def test_gzipped_fasta_is_read(tmp_path):
    packed = tmp_path / "packed.fa"
    packed.write_bytes(gzip.compress(b">a\nACGU\n"))
    assert fasta.read_fasta(packed) == [SequenceRecord("a", "ACGU")]


def test_a_long_line_takes_a_few_times_its_size(tmp_path):
    """Lines are read in chunks of 1 MiB: those of 100 MB in the same way."""
    letters = 20_000_000
    path = tmp_path / "x.fa"
    path.write_text(f">a\n{'ACGT' * (letters // 4)}\n>b\nAC\n")
    tracemalloc.start()
    started = time.monotonic()
    try:
        assert [len(each.sequence) for each in fasta.read_fasta(path)] == [letters, 2]
        with open_transcripts(path) as transcripts:
            assert transcripts.num_letters == letters + 2
            assert [len(each.sequence) for each in transcripts] == [letters, 2]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 6 * letters
    assert time.monotonic() - started < 60  # it takes about one second


def test_written_fasta_is_what_biopython_reads(tmp_path):
    records = [SequenceRecord("a", "ACGU"), SequenceRecord("b", "GG")]
    path = _write(tmp_path, "old", "out.fa")
    fasta.write_fasta(path, records)
    with open(path) as file:
        found = [(r.id, str(r.seq)) for r in SeqIO.parse(file, "fasta")]
    assert found == [("a", "ACGU"), ("b", "GG")]
    assert fasta.read_fasta(path) == records


@pytest.mark.usefixtures("unchecked")
def test_failed_write_leaves_the_old_file(tmp_path):
    path = _write(tmp_path, "old", "out.fa")
    with pytest.raises(AttributeError):
        fasta.write_fasta(path, [SequenceRecord("a", "ACGU"), None])
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
