"""Tests of the BLAST+ search, against blastn run by hand."""

import concurrent.futures
import dataclasses
import itertools
import logging
import os
import shutil
import subprocess
import time
import tracemalloc

import numpy as np
import pytest

from mirjax.blast import blastn as blast
from mirjax.sequences import alphabet
from mirjax.sequences.fasta import read_fasta
from mirjax.sequences.records import SequenceRecord

# What the published code gives to blastn, everything else left to blastn.
PUBLISHED_BY_HAND = "-word_size 7 -gapopen 5 -gapextend 2 -evalue 0.1 -strand both"
DEFAULT_BY_HAND = "-word_size 7 -gapopen 5 -gapextend 2 -evalue 0.1 -strand plus"
ROW = r"q0\ts0\t100.000\t22\t0\t0\t1\t22\t1\t22\t4.24e-08\t43.0"


def random_sequence(rng, length):
    return "".join(rng.choice(list("ACGU"), length))


def mutated(rng, sequence):
    """Replace, drop or add a letter, or nothing."""
    position = int(rng.integers(len(sequence)))
    middle = str(rng.choice(["", *"ACGU", *"AG"]))
    return sequence[:position] + middle + sequence[position + 1 :]


@pytest.fixture(scope="module")
def mirnas():
    """Return 40 families of 6, the last of each on the opposite strand."""
    rng = np.random.default_rng(7)
    records = []
    for family in range(40):
        ancestor = random_sequence(rng, int(rng.integers(19, 26)))
        relatives = [ancestor, *(mutated(rng, ancestor) for _ in range(4))]
        relatives.append(alphabet.reverse_complement(mutated(rng, ancestor)))
        for member, sequence in enumerate(relatives):
            records.append(SequenceRecord(f"sim-miR-{family}-{member}", sequence))
    records.append(SequenceRecord("low-complexity", "A" * 24))
    return records


@pytest.fixture(scope="module")
def queries(mirnas):
    rng = np.random.default_rng(8)
    near = [mutated(rng, mutated(rng, m.sequence)) for m in mirnas[::2]]
    far = [random_sequence(rng, int(n)) for n in rng.integers(1, 120, 30)]
    # Dust masks the first, which the database holds.
    plain = ["A" * 24, "UGAGGUAGUAGGUUGUAUAGUU", mirnas[3].sequence * 4]
    return [SequenceRecord(f"r{n}", s) for n, s in enumerate(near + far + plain)]


def write_fasta(path, records):
    path.write_text("".join(f">{r.name}\n{r.sequence}\n" for r in records))
    return path


@pytest.fixture(scope="module")
def fasta(tmp_path_factory, mirnas):
    return write_fasta(tmp_path_factory.mktemp("fasta") / "mirnas.fa", mirnas)


@pytest.fixture(scope="module")
def database(fasta, tmp_path_factory):
    # BLAST+ takes a database path with a blank for two databases.
    return blast.build_database(fasta, tmp_path_factory.mktemp("a cache"))


def by_hand(folder, fasta, queries, options):
    """Return the rows that blastn and makeblastdb give, called directly."""
    shutil.copy(fasta, folder / "hand.fa")
    write_fasta(folder / "queries.fa", queries)
    for command in (
        "makeblastdb -in hand.fa -dbtype nucl -out hand",
        f"blastn -query queries.fa -db hand -outfmt 6 -out rows {options}",
    ):
        subprocess.run(command.split(), cwd=folder, check=True, capture_output=True)
    rows = []
    for line in (folder / "rows").read_text().splitlines():
        query, subject, identity, *counts, evalue, bitscore = line.split("\t")
        numbers = (float(identity), *map(int, counts), float(evalue), float(bitscore))
        rows.append((query, subject, *numbers))
    return rows


def rows_of(hits):
    return [dataclasses.astuple(hit)[:12] for hit in hits]


def fake(monkeypatch, folder, program, body, version="2.12.0+"):
    """Put a shell script before the real program on PATH."""
    script = folder / program
    script.write_text(
        f'#!/bin/sh\n[ "$1" = -version ] && echo "{program}: {version}" && exit 0\n'
        f"{body}\n"
    )
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


@pytest.mark.parametrize(
    ("settings", "options"),
    [(blast.PUBLISHED, PUBLISHED_BY_HAND), (blast.DEFAULT, DEFAULT_BY_HAND)],
    ids=["published", "default"],
)
def test_rows_are_those_of_blastn(
    tmp_path, fasta, database, queries, settings, options
):
    rows = rows_of(blast.search(queries, database, settings))
    assert rows == by_hand(tmp_path, fasta, queries, options)
    minus = sum(start > end for *_, start, end, _, _ in rows)
    assert len(rows) > 300
    assert (minus > 50) == (settings.strand == "both")


def test_every_setting_reaches_blastn(tmp_path, fasta, database, queries):
    settings = blast.BlastSettings(
        task="blastn",
        word_size=5,
        reward=2,
        penalty=-3,
        gapopen=4,
        gapextend=4,
        strand="both",
        evalue=5,
        max_target_seqs=3,
        dust=False,
    )
    options = (
        "-task blastn -word_size 5 -reward 2 -penalty -3 -gapopen 4 -gapextend 4 "
        "-strand both -evalue 5 -max_target_seqs 3 -dust no"
    )
    expected = by_hand(tmp_path, fasta, queries, options)
    assert rows_of(blast.search(queries, database, settings)) == expected


def test_rows_on_mirbase_are_those_of_blastn(data_dir, tmp_path):
    fasta = data_dir / "mirbase" / "hsa_mature_r22.fa"
    rng = np.random.default_rng(4)
    real = read_fasta(fasta)[::20]
    near = [
        SequenceRecord(f"near-{n}", mutated(rng, mutated(rng, r.sequence)))
        for n, r in enumerate(real)
    ]
    queries = [*real, *near]
    database = blast.build_database(fasta, tmp_path / "cache")
    for settings, options in (
        (blast.PUBLISHED, PUBLISHED_BY_HAND),
        (blast.DEFAULT, DEFAULT_BY_HAND),
    ):
        rows = rows_of(blast.search(queries, database, settings, batch_queries=100))
        assert rows == by_hand(tmp_path, fasta, queries, options)
        assert len(rows) > 500


def test_batches_and_threads_change_nothing(database, queries):
    whole = list(blast.search(queries, database, blast.PUBLISHED))
    names = [query.name for query in queries]
    for count, options in (
        (15, {"batch_queries": 1}),
        (len(queries), {"batch_queries": 37}),
        (len(queries), {"num_threads": 2}),
    ):
        again = list(
            blast.search(iter(queries[:count]), database, blast.PUBLISHED, **options)
        )
        assert again == [hit for hit in whole if hit.query in names[:count]]


def test_dna_and_lower_case_queries_are_read_as_rna(database, queries):
    dna = [
        SequenceRecord(q.name, q.sequence.replace("U", "T").lower()) for q in queries
    ]
    expected = list(blast.search(queries, database))
    assert list(blast.search(dna, database)) == expected


def test_odd_and_repeated_names_survive(tmp_path):
    rng = np.random.default_rng(1)
    odd = ["lcl|a|b", "gi|129295", ">>x", 'a,b;"c"', "µRNA-1*", "n" * 3000, "q0", "-h"]
    subjects = [SequenceRecord(name, random_sequence(rng, 22)) for name in odd]
    database = blast.build_database(write_fasta(tmp_path / "o.fa", subjects), tmp_path)
    names = ["two words", "", "a\nb", "\t", ">q1", "q1", "q1", "x" * 3000]
    queries = [
        SequenceRecord(name, subject.sequence)
        for name, subject in zip(names, subjects, strict=True)
    ]
    found = [
        (hit.query, hit.subject)
        for hit in blast.search(queries, database)
        if hit.length == 22
    ]
    assert found == list(zip(names, odd, strict=True))


def test_no_queries_give_no_hits(database):
    assert list(blast.search([], database)) == []


def test_bad_query_is_named(database):
    with pytest.raises(ValueError, match="query r7: letter 'N' at position 3"):
        list(blast.search([SequenceRecord("r7", "ACNGU")], database))


@pytest.mark.parametrize(
    "field",
    [
        {"task": "tblastx"},
        {"word_size": 3},
        {"reward": 0},
        {"penalty": 2},
        {"gapopen": -1},
        {"strand": "minus"},
        {"evalue": 0.0},
        {"max_target_seqs": 0},
    ],
)
def test_bad_setting_is_refused(field):
    with pytest.raises(ValueError, match=next(iter(field))):
        blast.BlastSettings(**field)


def test_bad_limits_are_refused_at_once(database):
    for limit in ("num_threads", "timeout_s", "batch_queries"):
        with pytest.raises(ValueError, match=limit):
            blast.search([], database, **{limit: 0})


def test_low_complexity_is_found_without_dust(database):
    plain = [SequenceRecord("a", "A" * 24)]
    assert list(blast.search(plain, database)) == []
    settings = dataclasses.replace(blast.DEFAULT, dust=False)
    assert {hit.subject for hit in blast.search(plain, database, settings)} == {
        "low-complexity"
    }


def test_reaching_max_target_seqs_is_logged(tmp_path, caplog):
    rng = np.random.default_rng(2)
    common, rare = random_sequence(rng, 22), random_sequence(rng, 22)
    subjects = [SequenceRecord(f"s-{n}", common) for n in range(8)]
    subjects.append(SequenceRecord("rare", rare))
    database = blast.build_database(write_fasta(tmp_path / "t.fa", subjects), tmp_path)
    queries = [
        SequenceRecord("c1", common),
        SequenceRecord("r", rare),
        SequenceRecord("c2", common),
    ]
    for most, warned in ((5, True), (8, True), (9, False)):
        caplog.clear()
        settings = dataclasses.replace(blast.DEFAULT, max_target_seqs=most)
        with caplog.at_level(logging.WARNING):
            hits = list(blast.search(queries, database, settings, batch_queries=2))
        assert sum(hit.query == "c1" for hit in hits) == min(most, 8)
        expected = f"2 of 3 queries reached max_target_seqs={most}"
        assert (expected in caplog.text) == warned
    # With the whole database reported, nothing can be missing.
    caplog.clear()
    all_hit = write_fasta(tmp_path / "u.fa", subjects[:8])
    settings = dataclasses.replace(blast.DEFAULT, max_target_seqs=8)
    list(blast.search(queries, blast.build_database(all_hit, tmp_path), settings))
    assert "max_target_seqs" not in caplog.text


def test_best_hit_is_by_evalue_then_bits_then_database_order():
    def hit(query, subject_index, evalue, bitscore):
        numbers = (100.0, 20, 0, 0, 1, 20, 1, 20, evalue, bitscore)
        return blast.Hit(query, f"s{subject_index}", *numbers, subject_index)

    rows = [
        hit("a", 9, 1e-3, 30.0),
        hit("a", 8, 1e-5, 30.0),
        hit("a", 7, 1e-5, 40.0),
        hit("a", 5, 1e-5, 40.0),
        hit("a", 6, 1e-5, 40.0),
        hit("b", 1, 5.0, 10.0),
    ]
    expected = {"a": rows[3], "b": rows[5]}
    for order in itertools.permutations(rows):
        assert blast.best_hits(order) == expected


def test_missing_blast_says_how_to_install_it(tmp_path, monkeypatch, fasta, database):
    monkeypatch.setenv("PATH", str(tmp_path))
    for call in (
        blast.find_blast,
        lambda: blast.build_database(fasta, tmp_path),
        lambda: blast.search([], database),
    ):
        with pytest.raises(
            blast.BlastError, match="apt-get install ncbi-blast"
        ) as info:
            call()
        assert "conda install" in str(info.value)
        assert "brew install" in str(info.value)
        assert "\n" not in str(info.value)


def test_version_is_checked(tmp_path, monkeypatch):
    assert blast.find_blast().version >= (2, 6, 0)
    fake(monkeypatch, tmp_path, "blastn", "", version="2.10.1+")
    assert blast.find_blast().version == (2, 10, 1)
    fake(monkeypatch, tmp_path, "blastn", "", version="2.5.0+")
    with pytest.raises(blast.BlastError, match=r"version 2\.5\.0, at least 2\.6\.0"):
        blast.find_blast()
    fake(monkeypatch, tmp_path, "blastn", "", version="unknown")
    with pytest.raises(blast.BlastError, match="names no version"):
        blast.find_blast()


def test_failing_blastn_is_quoted(tmp_path, monkeypatch, database):
    body = rf"printf '{ROW}\n'; echo first >&2; echo 'engine error: bad' >&2; exit 3"
    fake(monkeypatch, tmp_path, "blastn", body)
    hits = blast.search([SequenceRecord("a", "ACGU")], database)
    assert next(hits).query == "a"
    with pytest.raises(blast.BlastError, match=r"failed \(3\): engine error: bad$"):
        next(hits)


def test_real_refusal_of_blastn_is_quoted(database, queries):
    # Scores that blastn has no statistics for.
    settings = blast.BlastSettings(reward=7, penalty=-3)
    with pytest.raises(blast.BlastError, match="not supported"):
        list(blast.search(queries, database, settings))


def test_unexpected_row_is_quoted(tmp_path, monkeypatch, database):
    fake(monkeypatch, tmp_path, "blastn", r"printf 'q0\tnonsense\n'")
    with pytest.raises(blast.BlastError, match="nonsense"):
        list(blast.search([SequenceRecord("a", "ACGU")], database))


def test_slow_blastn_is_stopped(tmp_path, monkeypatch, database):
    pid_file = tmp_path / "pid"
    fake(monkeypatch, tmp_path, "blastn", f"echo $$ > '{pid_file}'; exec sleep 60")
    started = time.monotonic()
    with pytest.raises(blast.BlastError, match=r"longer than 0\.5 s"):
        list(blast.search([SequenceRecord("a", "ACGU")], database, timeout_s=0.5))
    assert time.monotonic() - started < 20
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid_file.read_text()), 0)


def test_trickling_blastn_is_stopped(tmp_path, monkeypatch, database):
    body = rf"for i in 1 2 3 4 5 6 7 8; do printf '{ROW}\n'; sleep 0.2; done"
    fake(monkeypatch, tmp_path, "blastn", body)
    with pytest.raises(blast.BlastError, match=r"longer than 0\.7 s"):
        list(blast.search([SequenceRecord("a", "ACGU")], database, timeout_s=0.7))


def test_slow_reader_is_not_timed(tmp_path, monkeypatch, database):
    fake(monkeypatch, tmp_path, "blastn", rf"printf '{ROW}\n{ROW}\n'")
    hits = blast.search([SequenceRecord("a", "ACGU")], database, timeout_s=1.0)
    next(hits)
    time.sleep(1.2)
    assert len(list(hits)) == 1


def test_hits_stream_in_bounded_memory(tmp_path, monkeypatch, database):
    pid_file = tmp_path / "pid"
    body = f"""echo $$ > '{pid_file}'; exec yes "$(printf '{ROW}')" """
    fake(monkeypatch, tmp_path, "blastn", body)
    # The fake never ends: only a search that streams gives anything.
    hits = blast.search([SequenceRecord("a", "ACGU")], database)
    next(hits)
    tracemalloc.start()
    for _ in itertools.islice(hits, 20_000):
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_500_000
    pid = int(pid_file.read_text())
    os.kill(pid, 0)
    hits.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_database_is_reused_until_its_content_changes(tmp_path, mirnas):
    cache = tmp_path / "cache"
    fasta = write_fasta(tmp_path / "m.fa", mirnas[:6])
    first = blast.build_database(fasta, cache)
    times = {path: path.stat().st_mtime_ns for path in first.iterdir()}
    copy = write_fasta(tmp_path / "copy.fa", mirnas[:6])
    assert blast.build_database(copy, cache) == first
    assert {path: path.stat().st_mtime_ns for path in first.iterdir()} == times
    write_fasta(fasta, mirnas[6:12])
    second = blast.build_database(fasta, cache)
    assert second != first
    hits = blast.search([mirnas[6]], second)
    assert next(hits).subject.startswith("sim-miR-1-")
    hits.close()
    # The same letters under another name are another database.
    renamed = [dataclasses.replace(mirnas[6], name="new"), *mirnas[7:12]]
    third = blast.build_database(write_fasta(fasta, renamed), cache)
    assert (
        blast.best_hits(blast.search([mirnas[6]], third))[mirnas[6].name].subject
        == "new"
    )


def test_concurrent_builders_share_one_database(tmp_path, monkeypatch, fasta, mirnas):
    real, log = shutil.which("makeblastdb"), tmp_path / "log"
    body = f"echo built >> '{log}'; sleep 0.5; exec '{real}' \"$@\""
    fake(monkeypatch, tmp_path, "makeblastdb", body)
    cache = tmp_path / "cache"
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        folders = list(pool.map(lambda _: blast.build_database(fasta, cache), range(3)))
    assert len(set(folders)) == 1
    assert log.read_text().count("built") > 1  # They did race.
    assert list(cache.iterdir()) == folders[:1]
    best = blast.best_hits(blast.search([mirnas[0]], folders[0]))
    assert best[mirnas[0].name].subject == mirnas[0].name


def test_failed_build_leaves_nothing(tmp_path, monkeypatch, fasta):
    fake(
        monkeypatch, tmp_path, "makeblastdb", "touch sequences.nsq; echo no >&2; exit 1"
    )
    cache = tmp_path / "cache"
    with pytest.raises(blast.BlastError, match=r"makeblastdb failed \(1\): no"):
        blast.build_database(fasta, cache)
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize("text", [None, "", "not FASTA\n", ">p1\nMKVLAW\n"])
def test_database_must_be_nucleotide_fasta(tmp_path, text):
    fasta = tmp_path / "bad.fa"
    if text is not None:
        fasta.write_text(text)
    with pytest.raises(ValueError, match=r"bad\.fa"):
        blast.build_database(fasta, tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_search_refuses_a_folder_that_is_no_database(tmp_path):
    with pytest.raises(ValueError, match="not a BLAST database"):
        blast.search([], tmp_path)
