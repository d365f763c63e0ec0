"""FASTA files: read as RNA, errors that name the record, written whole."""

import gzip

import pytest
from Bio import SeqIO

from mirjax.sequences import fasta
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
        ("ACGU\n", "not a FASTA file"),
        ("# note\n>a\nACGU\n", "not a FASTA file"),
        (">a\nACGU\n>b\n>c\nAC\n", "record b: empty sequence"),
        (">a\nACGU\n>b\nACXU\n", "record b: letter 'X' at position 3"),
        (">a\nACGU\n>b\nACNU\n", "record b: letter 'N' at position 3"),
        (">a\nACGU\n>\nACGU\n", "record 2: no name"),
        (">a x\nACGU\n>a y\nACGU\n", "record a: second record"),
    ],
)
def test_fasta_errors_name_the_record(tmp_path, text, part):
    assert part in _error(_write(tmp_path, text))


def test_fasta_errors_name_the_file(tmp_path):
    assert "No such file" in _error(tmp_path / "absent.fa")
    assert "cannot be read" in _error(tmp_path)
    packed = tmp_path / "packed.fa"
    packed.write_bytes(gzip.compress(b">a\nACGU\n"))
    assert "not a text file" in _error(packed)


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
