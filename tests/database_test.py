"""Tests of the cache of BLAST databases."""

import concurrent.futures
import dataclasses
import shutil

import numpy as np
import pytest
from blast_tools import fake_program, write_fasta
from mutations import random_sequence

from mirjax.blast.database import (
    build_database,
    database_size,
    subject_letters,
    subject_names,
)
from mirjax.blast.programs import BlastError
from mirjax.blast.search import search_unique
from mirjax.blast.statistics import DatabaseSize
from mirjax.sequences.records import SequenceRecord


@pytest.fixture(scope="module")
def mirnas():
    rng = np.random.default_rng(7)
    return [SequenceRecord(f"m{n}", random_sequence(rng, 22)) for n in range(12)]


def subject_of(query, database):
    """Return the subject of a query's best hit."""
    (hit,) = search_unique([query.sequence], database)
    return hit.subject


def test_database_is_reused_until_its_content_changes(tmp_path, mirnas):
    cache = tmp_path / "cache"
    fasta = write_fasta(tmp_path / "m.fa", mirnas[:6])
    first = build_database(fasta, cache)
    times = {path: path.stat().st_mtime_ns for path in first.iterdir()}
    copy = write_fasta(tmp_path / "copy.fa", mirnas[:6])
    assert build_database(copy, cache) == first
    assert {path: path.stat().st_mtime_ns for path in first.iterdir()} == times
    write_fasta(fasta, mirnas[6:12])
    second = build_database(fasta, cache)
    assert second != first
    assert subject_of(mirnas[6], second) == "m6"
    # The same letters under another name are another database.
    renamed = [dataclasses.replace(mirnas[6], name="new"), *mirnas[7:12]]
    third = build_database(write_fasta(fasta, renamed), cache)
    assert subject_of(mirnas[6], third) == "new"


def test_concurrent_builders_share_one_database(tmp_path, monkeypatch, mirnas):
    fasta = write_fasta(tmp_path / "m.fa", mirnas)
    real, log = shutil.which("makeblastdb"), tmp_path / "log"
    body = f"echo built >> '{log}'; sleep 0.5; exec '{real}' \"$@\""
    fake_program(monkeypatch, tmp_path, "makeblastdb", body)
    cache = tmp_path / "cache"
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        folders = list(pool.map(lambda _: build_database(fasta, cache), range(3)))
    assert len(set(folders)) == 1
    assert log.read_text().count("built") > 1  # They did race.
    assert list(cache.iterdir()) == folders[:1]
    assert subject_of(mirnas[0], folders[0]) == "m0"


def test_failed_build_leaves_nothing(tmp_path, monkeypatch, mirnas):
    fasta = write_fasta(tmp_path / "m.fa", mirnas)
    body = "touch sequences.nsq; echo no >&2; exit 1"
    fake_program(monkeypatch, tmp_path, "makeblastdb", body)
    cache = tmp_path / "cache"
    with pytest.raises(BlastError, match=r"makeblastdb failed \(1\): no"):
        build_database(fasta, cache)
    assert list(cache.iterdir()) == []


def test_missing_blast_is_an_error(tmp_path, monkeypatch, mirnas):
    fasta = write_fasta(tmp_path / "m.fa", mirnas)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BlastError, match="apt-get install ncbi-blast"):
        build_database(fasta, tmp_path / "cache")


@pytest.mark.parametrize("text", [None, "", "not FASTA\n", ">p1\nMKVLAW\n"])
def test_database_must_be_nucleotide_fasta(tmp_path, text):
    fasta = tmp_path / "bad.fa"
    if text is not None:
        fasta.write_text(text)
    with pytest.raises(ValueError, match=r"bad\.fa"):
        build_database(fasta, tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_names_letters_and_size_are_those_of_the_file(tmp_path):
    records = [SequenceRecord("lcl|a", "ACGU"), SequenceRecord("µ" * 90, "GG")]
    database = build_database(write_fasta(tmp_path / "o.fa", records), tmp_path)
    assert subject_names(database) == ["lcl|a", "µ" * 90]
    letters = subject_letters(database)
    assert "".join("-AUCG"[token] for token in letters) == "-ACGU-GG-"
    assert database_size(letters) == DatabaseSize(letters=6, sequences=2)


@pytest.mark.parametrize("read", [subject_names, subject_letters])
def test_another_folder_is_refused(tmp_path, read):
    with pytest.raises(ValueError, match="not a BLAST database"):
        read(tmp_path)
