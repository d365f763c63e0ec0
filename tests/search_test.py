"""Tests that the table is plain blastn's, row for row."""

import collections
import io
import logging
import subprocess

import numpy as np
import pytest
from mutations import edited, random_sequence

from mirjax.blast import blastn as blast
from mirjax.blast import plan
from mirjax.blast import prefilter as sieve
from mirjax.blast import search as confirm
from mirjax.blast.settings import BlastSettings
from mirjax.datasets import registry
from mirjax.sequences import alphabet
from mirjax.sequences.fasta import write_fasta
from mirjax.sequences.records import SequenceRecord

# blastn alone overlooks a hit at this one's very end, of the minus strand; followed by
# another query it finds it.
OVERLOOKED = (
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
    made += [alphabet.reverse_complement(s) for s in made[:60]]
    made += ["AC" * 11, "A" * 22, "GU" * 14 + made[0], "".join(made[:8])]
    made += [made[int(n)] for n in rng.integers(len(made), size=200)]
    order = rng.permutation(len(made))
    return [SequenceRecord(f"query:{n}", made[place]) for n, place in enumerate(order)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory, subjects, queries):
    folder = tmp_path_factory.mktemp("confirm")
    write_fasta(folder / "db.fa", subjects)
    write_fasta(folder / "q.fa", queries)
    command = ["makeblastdb", "-in", "db.fa", "-dbtype", "nucl"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def database(folder, tmp_path_factory):
    return blast.build_database(folder / "db.fa", tmp_path_factory.mktemp("a cache"))


def plain(folder, settings, queries="q.fa", database="db.fa"):
    """Return the lines of blastn, called directly."""
    command = ["blastn", "-query", queries, "-db", database, "-outfmt", "6"]
    return subprocess.run(
        command + settings.arguments(), cwd=folder, check=True, capture_output=True
    ).stdout.splitlines()


def table(queries, database, settings, **options):
    file = io.BytesIO()
    account = confirm.confirm(queries, database, file, settings, **options)
    lines = file.getvalue().splitlines()
    assert account.rows == len(lines)
    return lines, account


@pytest.fixture
def always_filter(monkeypatch):
    """Filter everything, whether it pays or not."""
    step = plan.Step(True, 1.0, "a test")
    monkeypatch.setattr(plan, "plan_step", lambda *_: step)
    monkeypatch.setattr(plan, "pays", lambda *_, **__: True)


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
    ours, account = table(queries, database, settings, workers=1 + seed % 3)
    expected = plain(folder, settings)
    assert len(expected) > 100, settings
    assert collections.Counter(ours) == collections.Counter(expected), settings
    # Under each query in its own order, too.
    for name in {line.partition(b"\t")[0] for line in expected}:
        start = name + b"\t"
        assert [x for x in ours if x.startswith(start)] == [
            x for x in expected if x.startswith(start)
        ]
    assert account.sieve.tested > 100
    assert account.distinct < len(queries)


def test_the_plan_s_own_choice_changes_nothing(folder, database, queries):
    settings = BlastSettings(evalue=1e-3)
    ours, account = table(queries, database, settings)
    assert sorted(ours) == sorted(plain(folder, settings))
    assert account.searched <= account.distinct - account.sieve.dropped


def test_identical_queries_are_searched_once(
    tmp_path, monkeypatch, database, queries, subjects
):
    searched = []
    real = confirm.run

    def spy(command, **options):
        path = command[command.index("-query") + 1]
        with open(path, encoding="ascii") as file:
            searched.extend(line.strip() for line in file if line[0] != ">")
        return real(command, **options)

    monkeypatch.setattr(confirm, "run", spy)
    records = [SequenceRecord(f"q{n}", subjects[n % 5].sequence) for n in range(50)]
    ours, _ = table(records, database, BlastSettings(), workers=2)
    own = [subjects[n].sequence for n in range(5)]
    counts = collections.Counter(s for s in searched if s in own)
    # The last query is searched a second time, since it must be the last.
    assert counts == collections.Counter({**dict.fromkeys(own, 1), own[4]: 2})
    rows = collections.defaultdict(list)
    for line in ours:
        name, _, rest = line.partition(b"\t")
        rows[name].append(rest)
    assert [name.decode() for name in rows] == [query.name for query in records]
    assert all(rows[b"q%d" % n] == rows[b"q%d" % (n % 5)] for n in range(50))


@pytest.mark.parametrize("at_a_time", [1, 7])
def test_batches_and_runs_change_nothing(
    monkeypatch, folder, database, queries, at_a_time
):
    monkeypatch.setattr(confirm, "_QUERIES_AT_A_TIME", at_a_time)
    monkeypatch.setattr(confirm, "_QUERIES_PER_RUN", 60)
    settings = BlastSettings(evalue=5, word_size=11, strand="both")
    ours, _ = table(queries, database, settings, workers=2)
    assert sorted(ours) == sorted(plain(folder, settings))


def test_hits_at_the_end_of_a_batch(tmp_path, data_dir):
    """Show that blastn heeds what follows a query, and that ours is its own answer."""
    subjects = tmp_path / "all.fa"
    write_fasta(subjects, registry.load_fasta("mirbase/all"))
    command = ["makeblastdb", "-in", subjects, "-dbtype", "nucl"]
    subprocess.run(command, check=True, capture_output=True)
    database = blast.build_database(subjects, tmp_path / "cache")
    settings = BlastSettings(evalue=10, word_size=11, strand="both")
    one = SequenceRecord("one", OVERLOOKED)
    other = SequenceRecord("other", "UGAGGUAGUAGGUUGUAUAGUU")
    found = {}
    for name, queries in {
        "alone": [one],
        "last": [other, one],
        "first": [one, other],
        "twice": [one, SequenceRecord("again", OVERLOOKED)],
    }.items():
        write_fasta(tmp_path / "q.fa", queries)
        expected = plain(tmp_path, settings, database="all.fa")
        assert sorted(table(queries, database, settings)[0]) == sorted(expected)
        found[name] = sum(line.startswith(b"one\t") for line in expected)
    assert found["alone"] == found["last"] == found["first"] - 1
    assert found["twice"] == found["first"]


def test_search_unique_gives_each_best_hit(folder, database, queries, always_filter):
    rows = list(blast.search(queries, database))
    sequences = [query.sequence for query in queries] + ["", "AC^GU", "acgt"]
    found = confirm.search_unique(sequences, database)
    assert found[-3:] == [None, None, None]
    best = blast.best_hits(rows)
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
    monkeypatch.setattr(confirm, "run", None)
    assert table([], database, BlastSettings())[0] == []
    too_short = [SequenceRecord("q", "ACGUA")]
    lines, account = table(too_short, database, BlastSettings())
    assert lines == []
    assert account.sieve.too_short == 1
    assert confirm.search_unique(["", "ACGUA"], database) == [None, None]


def test_a_bad_query_is_named(database):
    with pytest.raises(ValueError, match="query r7: letter 'N' at position 3"):
        table([SequenceRecord("r7", "ACNGU")], database, BlastSettings())


def test_a_failure_of_blastn_ends_the_search(tmp_path, monkeypatch, database, queries):
    script = tmp_path / "blastn"
    script.write_text(
        '#!/bin/sh\n[ "$1" = -version ] && echo "blastn: 2.12.0+" && exit 0\n'
        "echo 'engine error: bad' >&2; exit 3\n"
    )
    script.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    (tmp_path / "makeblastdb").symlink_to("/bin/true")
    with pytest.raises(blast.BlastError, match=r"failed \(3\): engine error: bad$"):
        table(queries, database, BlastSettings())


def test_truncation_is_told(caplog, database, subjects):
    records = [SequenceRecord(s.name, s.sequence) for s in subjects[:5]]
    with caplog.at_level(logging.WARNING):
        table(records, database, BlastSettings(max_target_seqs=2))
    assert "reached max_target_seqs=2 and may have more" in caplog.text
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        table(records, database, BlastSettings())
    assert caplog.text == ""


def test_the_filter_gives_up_where_all_have_hits(
    database, subjects, always_filter, monkeypatch
):
    monkeypatch.setattr(sieve, "_SAMPLE", 5)
    sequences = list({s.sequence for s in subjects if len(s.sequence) == 22})
    left, account = sieve.sieve(sequences, database, BlastSettings(), 1)
    assert left == list(range(len(sequences)))
    assert account.tested == 5 < len(sequences)
    assert account.dropped == 0
    assert "most have hits" in account.choices[22]


def test_the_filter_goes_where_it_pays():
    size = plan.DatabaseSize(10**6, 45_000)
    settings = BlastSettings()

    def step(*needs):
        needs = [plan.Requirement(*need) for need in needs]
        return plan.plan_step(settings, needs, 22, 1000, size, 2)

    assert step((10, 17)).is_filtered
    assert not step((7, 15)).is_filtered
    assert not step((10, 17), (9, 9)).is_filtered  # chance alone meets the second
    assert step((10, 17)).saving_s > step((9, 17)).saving_s
    assert plan.pays(0.2, size, has_index=True)
    assert not plan.pays(0.001, size, has_index=True)
    assert not plan.pays(1e9, plan.DatabaseSize(1 << 30, 1000), has_index=False)
