"""Tests that the table is the one of plain blastn, row for row."""

import collections
import dataclasses
import logging
import os
import shutil
import time

import numpy as np
import pytest
from blast_tools import (
    complete_lines,
    confirmed,
    fake_program,
    make_database,
    plain_lines,
)
from mutations import edited, random_sequence

from mirjax.blast import plan, prefilter, processes
from mirjax.blast.database import build_database
from mirjax.blast.hits import best_hits, parse_row
from mirjax.blast.processes import Limits
from mirjax.blast.programs import BlastError
from mirjax.blast.search import search_unique
from mirjax.blast.settings import (
    DEFAULT,
    PREFILTERS,
    PUBLISHED,
    BlastSettings,
    settings_of_task,
)
from mirjax.sequences import pairing
from mirjax.sequences.fasta import read_fasta, write_fasta
from mirjax.sequences.records import SequenceRecord

# What the published code gives to blastn; the rest is left to blastn.
PUBLISHED_BY_HAND = "-word_size 7 -gapopen 5 -gapextend 2 -evalue 0.1 -strand both"
DEFAULT_BY_HAND = "-word_size 7 -gapopen 5 -gapextend 2 -evalue 0.1 -strand plus"
# blastn misses a minus-strand hit at the very end of this query, unless another query
# follows.
MISSED = (
    "AGACUUAGGCUAAUUGGUGAGGUAAGCACCGUUAGGUGAUCCCUCUAGACUGGGCUAUAAAUUCACUUGUUUUCUAGCUCG"
    "UCAAGAACCGAUUCCCGUUUCGCUAGAUGUCAUCAUUGUAACAAAGACCUCCUAUCUCUUUGGUUUCUAGCUGUAGACUUA"
    "UUUUUGUGUUAGCUCGCCCACUUACC"
)


@pytest.fixture(scope="module")
def subjects():
    rng = np.random.default_rng(0)
    found = []
    for _ in range(300):  # families, so that hits are many and often equal
        ancestor = random_sequence(rng, int(rng.integers(18, 26)))
        found += [edited(rng, ancestor, int(rng.integers(4))) for _ in range(9)]
    found += [random_sequence(rng, 2000), "AC" * 12, "U" * 25]
    return [SequenceRecord(f"sub|{n}", s) for n, s in enumerate(found)]


@pytest.fixture(scope="module")
def queries(subjects):
    """Return queries of all kinds, a third of them several times."""
    rng = np.random.default_rng(1)
    made = []
    for edits in rng.integers(0, 7, 250):
        source = subjects[int(rng.integers(len(subjects) - 3))].sequence
        made.append(edited(rng, source, int(edits)))
    made += [random_sequence(rng, int(n)) for n in rng.integers(1, 120, 120)]
    made += [pairing.reverse_complement(s) for s in made[:60]]
    made += ["AC" * 11, "A" * 22, "GU" * 14 + made[0], "".join(made[:8])]
    made += [made[int(n)] for n in rng.integers(len(made), size=200)]
    order = rng.permutation(len(made))
    return [SequenceRecord(f"query:{n}", made[place]) for n, place in enumerate(order)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory, subjects, queries):
    folder = tmp_path_factory.mktemp("confirm")
    write_fasta(folder / "db.fa", subjects)
    write_fasta(folder / "q.fa", queries)
    make_database(folder)
    return folder


@pytest.fixture(scope="module")
def database(folder, tmp_path_factory):
    # BLAST+ reads a database path with a blank as two databases.
    return build_database(folder / "db.fa", tmp_path_factory.mktemp("a cache"))


@pytest.fixture
def always_filter(monkeypatch):
    """Prefilter all queries, whether that is worthwhile or not."""
    decision = plan.FilterPlan(True, 1.0, "a test")
    monkeypatch.setattr(plan, "plan_filter", lambda *_: decision)
    monkeypatch.setattr(plan, "is_worthwhile", lambda *_, **__: True)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_rows_are_plain_blastn_s(folder, database, queries, always_filter, seed):
    rng = np.random.default_rng(seed)
    costs = [(1, -2, 5, 2), (1, -2, 0, 0), (1, -1, 3, 2), (2, -3, 5, 2), (1, -3, 1, 1)]
    reward, penalty, gapopen, gapextend = costs[int(rng.integers(len(costs)))]
    tasks = ["megablast"] + ["blastn", "blastn-short"] * (gapextend > 0)
    settings = BlastSettings(
        task=str(rng.choice(tasks)),
        word_size=int(rng.choice([4, 7, 7, 8, 11, 16])),
        reward=reward,
        penalty=penalty,
        gapopen=gapopen,
        gapextend=gapextend,
        strand=str(rng.choice(["plus", "both"])),
        evalue=float(rng.choice([10, 0.1, 0.01, 1e-3])),
        max_target_seqs=int(rng.choice([1, 3, 500, 5000])),
        dust=bool(rng.integers(2)),
    )
    ours, stats = confirmed(queries, database, settings, Limits(1 + seed % 3))
    expected = complete_lines(folder, settings)
    assert len(expected) > 100, settings
    assert collections.Counter(ours) == collections.Counter(expected), settings
    # Under each query in its own order, too.
    for name in {line.partition(b"\t")[0] for line in expected}:
        start = name + b"\t"
        assert [x for x in ours if x.startswith(start)] == [
            x for x in expected if x.startswith(start)
        ]
    assert stats.prefilter.tested > 100
    assert stats.distinct < len(queries)
    aligned, _ = confirmed(queries, database, settings, Limits(2), "alignment")
    assert aligned == ours


SEARCHES = {
    "published": PUBLISHED,
    "greedy, gaps of half points": BlastSettings(gapopen=0, gapextend=0, evalue=0.01),
    "blastn": settings_of_task("blastn", evalue=0.01, word_size=6, strand="both"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["published", "greedy, gaps of half points", "blastn"])
def test_every_prefilter_gives_the_same_table(tmp_path, subjects, queries, name):
    settings = SEARCHES[name]
    few = [record for record in subjects if len(record.sequence) <= 36][:900]
    asked = [record for record in queries if len(record.sequence) <= 36]
    write_fasta(tmp_path / "db.fa", few)
    write_fasta(tmp_path / "q.fa", asked)
    make_database(tmp_path)
    database = build_database(tmp_path / "db.fa", tmp_path / "cache")
    expected = sorted(plain_lines(tmp_path, settings.arguments()))
    assert len(expected) > 100
    searched = {}
    for mode in PREFILTERS:
        ours, stats = confirmed(asked, database, settings, Limits(2), mode)
        assert sorted(ours) == expected
        searched[mode] = stats.searched
        counts = stats.prefilter
        assert (counts.tested > 0) == (mode in ("words", "alignment"))
        assert (counts.unaligned > 0) == (mode == "alignment")
        removed = counts.too_short + counts.dropped + counts.unaligned
        assert stats.searched == stats.distinct - removed
        assert (counts.pairs.dropped > 0) == (mode == "alignment")
    assert searched["alignment"] < searched["words"] <= searched["none"]


@pytest.mark.parametrize(
    ("settings", "options"),
    [(PUBLISHED, PUBLISHED_BY_HAND), (DEFAULT, DEFAULT_BY_HAND)],
    ids=["published", "default"],
)
def test_presets_leave_the_rest_to_blastn(folder, database, queries, settings, options):
    ours, _ = confirmed(queries, database, settings)
    assert sorted(ours) == sorted(plain_lines(folder, options.split()))
    columns = [line.split(b"\t") for line in ours]
    minus = sum(int(row[8]) > int(row[9]) for row in columns)
    assert len(ours) > 300
    assert (minus > 50) == (settings.strand == "both")


def test_rows_on_mirbase_are_plain_blastn_s(data_dir, tmp_path):
    fasta = data_dir / "mirbase" / "hsa_mature_r22.fa"
    rng = np.random.default_rng(4)
    real = read_fasta(fasta)[::15]
    near = [
        SequenceRecord(f"near-{n}", edited(rng, record.sequence, 2))
        for n, record in enumerate(real)
    ]
    queries = [*real, *near]
    write_fasta(tmp_path / "q.fa", queries)
    write_fasta(tmp_path / "db.fa", read_fasta(fasta))
    make_database(tmp_path)
    database = build_database(fasta, tmp_path / "cache")
    for settings, options in (
        (PUBLISHED, PUBLISHED_BY_HAND),
        (DEFAULT, DEFAULT_BY_HAND),
    ):
        ours, _ = confirmed(queries, database, settings)
        assert sorted(ours) == sorted(plain_lines(tmp_path, options.split()))
        assert len(ours) > 500


def test_dna_and_lower_case_queries_are_read_as_rna(database, queries):
    rna = queries[:150]
    dna = [SequenceRecord(q.name, q.sequence.replace("U", "T").lower()) for q in rna]
    found = confirmed(dna, database)[0]
    assert len(found) > 50 and found == confirmed(rna, database)[0]


def test_odd_and_repeated_names_survive(tmp_path):
    rng = np.random.default_rng(1)
    odd = ["lcl|a|b", "gi|129295", ">>x", 'a,b;"c"', "µRNA-1*", "n" * 3000, "q0", "-h"]
    subjects = [SequenceRecord(name, random_sequence(rng, 22)) for name in odd]
    write_fasta(tmp_path / "o.fa", subjects)
    database = build_database(tmp_path / "o.fa", tmp_path)
    names = ["two words", "", "µ", "\\t", ">q1", "q1", "q1", "x" * 3000]
    queries = [
        SequenceRecord(name, subject.sequence)
        for name, subject in zip(names, subjects, strict=True)
    ]
    lines, _ = confirmed(queries, database)
    rows = [line.decode().split("\t") for line in lines]
    found = [(row[0], row[1]) for row in rows if row[3] == "22"]
    assert found == list(zip(names, odd, strict=True))


def test_low_complexity_is_found_without_dust(database):
    query = SequenceRecord("u", "U" * 25)
    assert confirmed([query], database)[0] == []
    lines, _ = confirmed([query], database, dataclasses.replace(DEFAULT, dust=False))
    assert {line.split(b"\t")[1] for line in lines} == {b"sub|2702"}


def test_the_plan_s_own_choice_changes_nothing(folder, database, queries):
    settings = BlastSettings(evalue=1e-3)
    ours, stats = confirmed(queries, database, settings)
    assert sorted(ours) == sorted(plain_lines(folder, settings.arguments()))
    assert stats.searched <= stats.distinct - stats.prefilter.dropped


def test_identical_queries_are_searched_once(
    tmp_path, monkeypatch, database, queries, subjects
):
    searched = []
    real = processes.ProgramGroup.run

    def spy(group, command, **options):
        path = command[command.index("-query") + 1]
        with open(path, encoding="ascii") as file:
            searched.extend(line.strip() for line in file if line[0] != ">")
        return real(group, command, **options)

    monkeypatch.setattr(processes.ProgramGroup, "run", spy)
    records = [SequenceRecord(f"q{n}", subjects[n % 5].sequence) for n in range(50)]
    ours, _ = confirmed(records, database, BlastSettings(), Limits(2))
    own = [subjects[n].sequence for n in range(5)]
    assert sorted(searched) == sorted(set(own))
    rows = collections.defaultdict(list)
    for line in ours:
        name, _, rest = line.partition(b"\t")
        rows[name].append(rest)
    assert [name.decode() for name in rows] == [query.name for query in records]
    assert all(rows[b"q%d" % n] == rows[b"q%d" % (n % 5)] for n in range(50))


@pytest.mark.slow
@pytest.mark.parametrize("queries_per_batch", [1, 7])
def test_batches_and_runs_change_nothing(
    monkeypatch, folder, database, queries, queries_per_batch
):
    monkeypatch.setattr(processes, "_QUERIES_PER_BATCH", queries_per_batch)
    monkeypatch.setattr(processes, "_QUERIES_PER_RUN", 60)
    settings = BlastSettings(evalue=5, word_size=11, strand="both")
    ours, _ = confirmed(queries, database, settings, Limits(2))
    assert sorted(ours) == sorted(complete_lines(folder, settings))


def test_neighbours_change_the_rows_of_blastn_alone(tmp_path):
    """blastn finds the second subject only if another query stands before this one."""
    query = SequenceRecord("q", "CUGGACUUGGAGUCAGAAGA")
    other = SequenceRecord("other", "GGAUCCUAGCAUCGAUUAGC")
    rng = np.random.default_rng(3)
    subjects = ["ACUGGACUUGGAGUCAGAAGG", "ACUGGACUUGGAGGCAGAA"]
    subjects += [random_sequence(rng, 22) for _ in range(2600)]
    records = [SequenceRecord(f"s{n}", s) for n, s in enumerate(subjects)]
    write_fasta(tmp_path / "db.fa", records)
    make_database(tmp_path)
    database = build_database(tmp_path / "db.fa", tmp_path / "cache")
    settings = BlastSettings(evalue=1e-3, word_size=11)
    plain, ours = [], []
    for queries in ([query], [query, other], [other, query], [other, query, other]):
        write_fasta(tmp_path / "q.fa", queries)
        lines = plain_lines(tmp_path, settings.arguments())
        plain.append({line for line in lines if line.startswith(b"q\t")})
        for processes_ in (1, 2):
            table, _ = confirmed(queries, database, settings, Limits(processes_))
            ours.append({line for line in table if line.startswith(b"q\t")})
    assert [len(rows) for rows in plain] == [1, 1, 2, 2]
    assert all(rows == plain[-1] for rows in ours)


@pytest.mark.slow
def test_hits_at_the_end_of_a_batch(tmp_path, data_dir):
    """A following query changes the rows of blastn; ours are never fewer."""
    subjects = tmp_path / "all.fa"
    write_fasta(subjects, read_fasta(data_dir / "mirbase" / "mature_r22.1.fa"))
    make_database(tmp_path, "all.fa")
    database = build_database(subjects, tmp_path / "cache")
    settings = BlastSettings(evalue=10, word_size=11, strand="both")
    one = SequenceRecord("one", MISSED)
    other = SequenceRecord("other", "UGAGGUAGUAGGUUGUAUAGUU")
    found = {}
    for name, queries in {
        "alone": [one],
        "last": [other, one],
        "first": [one, other],
    }.items():
        write_fasta(tmp_path / "q.fa", queries)
        plain = plain_lines(tmp_path, settings.arguments(), database="all.fa")
        expected = complete_lines(tmp_path, settings, database="all.fa")
        assert sorted(confirmed(queries, database, settings)[0]) == sorted(expected)
        found[name] = sum(line.startswith(b"one\t") for line in plain)
    assert found["alone"] == found["last"] == found["first"] - 1


def test_search_unique_gives_each_best_hit(folder, database, queries, always_filter):
    sequences = [query.sequence for query in queries] + ["", "AC^GU", "acgt"]
    found = search_unique(sequences, database)
    assert found[-3:] == [None, None, None]
    subjects = [record.name for record in read_fasta(folder / "db.fa")]
    hits = []
    for line in plain_lines(folder, DEFAULT.arguments()):
        name, subject, *columns = line.decode().split("\t")
        hits.append(parse_row(name, subjects, subjects.index(subject), columns))
    best = best_hits(hits)
    for query, hit in zip(queries, found, strict=False):
        expected = best.get(query.name)
        assert (hit is None) == (expected is None)
        if hit is not None:
            assert hit.query == query.sequence
            assert (hit.subject, hit.evalue, hit.bitscore, hit.subject_start) == (
                expected.subject,
                expected.evalue,
                expected.bitscore,
                expected.subject_start,
            )
    assert 50 < sum(hit is not None for hit in found) < len(queries) - 50


def test_nothing_to_search_runs_nothing(monkeypatch, database):
    monkeypatch.setattr(processes.ProgramGroup, "run", None)
    assert confirmed([], database, BlastSettings())[0] == []
    too_short = [SequenceRecord("q", "ACGUA")]
    lines, stats = confirmed(too_short, database, BlastSettings())
    assert lines == []
    assert stats.prefilter.too_short == 1
    assert search_unique(["", "ACGUA"], database) == [None, None]


def test_a_bad_query_is_named(database):
    with pytest.raises(ValueError, match="query r7: letter 'N' at position 3"):
        confirmed([SequenceRecord("r7", "ACNGU")], database, BlastSettings())


def test_a_failure_of_blastn_ends_the_search(tmp_path, monkeypatch, database, queries):
    body = "echo 'engine error: bad' >&2; exit 3"
    fake_program(monkeypatch, tmp_path, "blastn", body)
    with pytest.raises(BlastError, match=r"failed \(3\): engine error: bad$"):
        confirmed(queries, database, BlastSettings())


def test_missing_blast_is_an_error(tmp_path, monkeypatch, database, queries):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BlastError, match="apt-get install ncbi-blast"):
        confirmed(queries, database)


# What a script does to the table of the real blastn, and the error that follows.
DAMAGES = {
    "cut in a row": ("truncate -s -200", "cut short"),
    "without its end": ("sed -i '$d'", "cut short"),
    "without its last row": ("sed -i '/^q/h;/^# BLAST /{x;d}'", "cut short|unexpected"),
    "without a row": ("sed -i '0,/^q/{/^q/d}'", "unexpected row"),
    "an unknown query": ("sed -i 's/^q/q9/'", "unexpected row: b'q9"),
    "an unknown name": ("sed -i 's/\\ts/\\tx/'", "unexpected row: .*tx"),
    "no such subject": ("sed -i 's/\\ts/\\ts99999/'", "unexpected row: .*s99999"),
    "a column less": ("sed -i 's/\\t[^\\t]*$//'", "unexpected row"),
    "NaN": ("sed -i 's/\\t[^\\t]*$/\\tnan/'", "unexpected row: .*nan"),
    "beyond the query": ("sed -i '/^q/s/[0-9]*/500/16'", "unexpected row"),
    "nothing": ("truncate -s 0", "cut short"),
    "more rows": ("sed -i '$p'", "goes on after its end"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_table_that_blastn_never_prints_is_refused(
    tmp_path, monkeypatch, database, queries, name
):
    damage, message = DAMAGES[name]
    real = shutil.which("blastn")
    body = f'\'{real}\' "$@"; for out; do :; done\n{damage} "$out"'
    fake_program(monkeypatch, tmp_path, "blastn", body)
    with pytest.raises(BlastError, match=message):
        confirmed(queries[:60], database, DEFAULT, Limits(1))


def test_slow_blastn_is_stopped(tmp_path, monkeypatch, database, queries):
    pid_file = tmp_path / "pid"
    body = f"echo $$ > '{pid_file}'; exec sleep 60"
    fake_program(monkeypatch, tmp_path, "blastn", body)
    started = time.monotonic()
    with pytest.raises(BlastError, match=r"longer than 0\.5 s"):
        confirmed(queries, database, DEFAULT, Limits(1, timeout_s=0.5))
    assert time.monotonic() - started < 20
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid_file.read_text()), 0)


@pytest.mark.parametrize(
    ("limit", "flag"),
    [({"num_processes": 0}, "--num_processes=0"), ({"timeout_s": 0}, "--time_limit=0")],
)
def test_bad_limits_are_refused(limit, flag):
    with pytest.raises(ValueError, match=flag):
        Limits(**limit)


def test_another_folder_is_refused(tmp_path, queries):
    with pytest.raises(ValueError, match="not a BLAST database"):
        confirmed(queries, tmp_path)


def test_reaching_max_target_seqs_is_logged(tmp_path, caplog):
    rng = np.random.default_rng(2)
    common, rare = random_sequence(rng, 22), random_sequence(rng, 22)
    subjects = [SequenceRecord(f"s-{n}", common) for n in range(8)]
    write_fasta(tmp_path / "t.fa", [*subjects, SequenceRecord("rare", rare)])
    database = build_database(tmp_path / "t.fa", tmp_path)
    sequences = {"c1": common, "r": rare, "c2": common}
    queries = [SequenceRecord(name, s) for name, s in sequences.items()]
    for most, is_logged in ((5, True), (8, True), (9, False)):
        caplog.clear()
        settings = dataclasses.replace(DEFAULT, max_target_seqs=most)
        with caplog.at_level(logging.WARNING):
            lines, _ = confirmed(queries, database, settings)
        assert sum(line.startswith(b"c1\t") for line in lines) == min(most, 8)
        expected = f"distinct queries reached max_target_seqs={most} and may have more"
        assert (expected in caplog.text) == is_logged
    # With the whole database reported, nothing can be missing.
    caplog.clear()
    write_fasta(tmp_path / "u.fa", subjects)
    database = build_database(tmp_path / "u.fa", tmp_path)
    confirmed(queries, database, dataclasses.replace(DEFAULT, max_target_seqs=8))
    assert "reached max_target_seqs" not in caplog.text


def test_the_prefilter_stops_where_all_have_hits(
    database, subjects, always_filter, monkeypatch
):
    monkeypatch.setattr(prefilter, "_CHUNK", 5)
    sequences = list({s.sequence for s in subjects if len(s.sequence) == 22})
    remaining, stats = prefilter.prefilter(sequences, database, BlastSettings(), 1)
    assert remaining == list(range(len(sequences)))
    assert stats.tested == 5 < len(sequences)
    assert stats.dropped == 0
    assert "most have hits" in stats.choices[22]


def test_alignments_are_scored_where_that_saves_time():
    size = plan.DatabaseSize(10**6, 45_000)
    required = plan.Requirement(7, 15), plan.Requirement(9, 9)
    asked = []

    def chosen(mode, number, cell_s, word_size=7, length=22):
        def cell_seconds():
            asked.append(cell_s)
            return cell_s

        workloads = {length: plan.Workload(length, number, size, num_processes=2)}
        conditions = plan.Conditions(mode, True, cell_seconds)
        settings = BlastSettings(word_size=word_size, evalue=0.01)
        required_of = {length: required}
        found = plan.choose_plans(settings, required_of, workloads, conditions)[length]
        return found.is_filtered, found.is_aligned

    few, many = 100, 10**7
    assert chosen("auto", few, 0.0, 4) == (False, False)
    assert not asked  # JAX is not started to find that out
    assert chosen("auto", many, 1e-11, 4) == (True, True)
    assert chosen("auto", many, 1e-3, 4) == (False, False)
    assert chosen("alignment", few, 1.0) == (True, True)
    assert chosen("words", few, 1.0) == (True, False)
    assert chosen("none", many, 1e-11) == (False, False)
    assert chosen("words", few, 1.0, length=2_000) == (True, False)
    assert chosen("words", few, 1.0, length=2_001) == (False, False)


def test_queries_are_prefiltered_where_that_saves_time():
    size = plan.DatabaseSize(10**6, 45_000)
    workload = plan.Workload(22, 1000, size, num_processes=2)

    def planned(*pairs):
        requirements = [plan.Requirement(*pair) for pair in pairs]
        return plan.plan_filter(BlastSettings(), requirements, workload)

    assert planned((10, 17)).is_filtered
    assert not planned((7, 15)).is_filtered
    assert not planned((10, 17), (9, 9)).is_filtered  # chance satisfies the second
    assert planned((10, 17)).saving_s > planned((9, 17)).saving_s
    assert plan.is_worthwhile(0.2, size, has_index=True)
    assert not plan.is_worthwhile(0.001, size, has_index=True)
    large = plan.DatabaseSize(1 << 30, 1000)
    assert not plan.is_worthwhile(1e9, large, has_index=False)
