"""Tests of the cache of BLAST databases."""

import concurrent.futures
import dataclasses
import errno
import os
import pathlib
import shutil
import socket
import subprocess

import numpy as np
import pytest
from blast_tools import confirmed, fake_program, write_fasta
from mutations import random_sequence

from mirjax.blast import manifest, words
from mirjax.blast.database import (
    build_database,
    database_size,
    subject_letters,
    subject_names,
)
from mirjax.blast.manifest import is_intact
from mirjax.blast.programs import BlastError
from mirjax.blast.search import search_unique
from mirjax.blast.settings import BlastSettings
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


def test_files_are_on_the_disk_before_the_folder_has_its_name(
    tmp_path, monkeypatch, mirnas
):
    synced, rename = set(), pathlib.Path.rename
    original = manifest.sync
    monkeypatch.setattr(
        manifest, "sync", lambda path: (synced.add(path), original(path))
    )

    def renamed(path, target):
        if (path / "manifest.json").exists():
            files = set(path.iterdir()) - {path / "manifest.json"}
            assert files and files <= synced and path in synced
            synced.add("renamed")
        return rename(path, target)

    monkeypatch.setattr(pathlib.Path, "rename", renamed)
    build_database(write_fasta(tmp_path / "m.fa", mirnas), tmp_path / "cache")
    assert "renamed" in synced


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


def rows_of(mirnas, database):
    return confirmed(mirnas, database, BlastSettings(evalue=10))[0]


@pytest.fixture(scope="module")
def sealed(tmp_path_factory, mirnas):
    """A FASTA file, its cache with an index of words, and the right table."""
    folder = tmp_path_factory.mktemp("sealed")
    fasta = write_fasta(folder / "m.fa", mirnas)
    database = build_database(fasta, folder / "cache")
    words.load_index(database, subject_letters(database))
    return fasta, database, rows_of(mirnas, database)


@pytest.mark.slow
def test_a_flipped_bit_in_any_file_is_noticed(tmp_path, monkeypatch, mirnas, sealed):
    fasta, database, expected = sealed
    copy = tmp_path / "cache" / database.name
    shutil.copytree(database, copy)
    for times in ({"always": 1 << 40}, {"when touched": 0}):
        monkeypatch.setattr(manifest, "_ALWAYS_HASHED", *times.values())
        rng = np.random.default_rng(0)
        for original in sorted(path for path in copy.rglob("*") if path.is_file()):
            content = bytearray(original.read_bytes())
            content[int(rng.integers(len(content)))] ^= 1 << int(rng.integers(8))
            original.write_bytes(content)
            rebuilt = build_database(fasta, copy.parent)
            index = words.load_index(rebuilt, subject_letters(rebuilt))
            np.testing.assert_array_equal(
                index.keys, words.build_index(index.letters).keys
            )
            assert is_intact(rebuilt) and is_intact(rebuilt / "words")
            assert original.read_bytes() != bytes(content) or (
                original.name == "manifest.json"
            )
    assert rows_of(mirnas, rebuilt) == expected
    assert [path.name for path in copy.parent.iterdir()] == [copy.name]


@pytest.mark.parametrize("name", ["sequences.nsq", "names.json", "manifest.json"])
def test_a_lost_or_shortened_file_is_built_again(tmp_path, mirnas, sealed, name):
    fasta, database, expected = sealed
    copy = tmp_path / database.name
    for damage in (lambda path: path.unlink(), lambda path: os.truncate(path, 30)):
        shutil.copytree(database, copy, dirs_exist_ok=True)
        damage(copy / name)
        assert rows_of(mirnas, build_database(fasta, tmp_path)) == expected


def test_a_copied_database_is_used_as_it_is(tmp_path, monkeypatch, sealed):
    fasta, database, _ = sealed
    monkeypatch.setattr(manifest, "_ALWAYS_HASHED", 0)
    copy = tmp_path / database.name
    shutil.copytree(database, copy)
    (copy / "words").rename(tmp_path / "mark")
    build_database(fasta, tmp_path)
    assert not (copy / "words").exists()  # not built again
    monkeypatch.setattr(manifest, "file_sha256", None)  # its times are known by now
    assert build_database(fasta, tmp_path) == copy


def test_folders_of_killed_processes_are_deleted(tmp_path, mirnas):
    done = subprocess.Popen(["true"])
    done.wait()
    host = socket.gethostname()
    stale = tmp_path / f".building-{host}-{done.pid}-abc"
    kept = [
        tmp_path / f".building-{host}-{os.getpid()}-abc",
        tmp_path / f".building-another.host-{done.pid}-abc",
        tmp_path / f"building-{host}-{done.pid}-abc",
    ]
    for folder in (stale, *kept):
        (folder / "sequences").mkdir(parents=True)
    build_database(write_fasta(tmp_path / "m.fa", mirnas), tmp_path)
    assert not stale.exists()
    assert all(folder.exists() for folder in kept)


def test_a_full_disk_is_one_line(tmp_path, monkeypatch, mirnas):
    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    fasta = write_fasta(tmp_path / "m.fa", mirnas)
    with pytest.raises(OSError, match=r"cache/\w+: .*No space left.*make room"):
        build_database(fasta, tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []
