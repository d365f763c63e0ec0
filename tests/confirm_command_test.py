"""Tests of the command confirm, as a user runs it."""

import gzip
import io
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time
import types

import numpy as np
import pytest
from absl import flags
from blast_tools import fake_program, make_database, plain_lines

from mirjax import cli, confirm
from mirjax.blast import processes
from mirjax.blast.prefilter import PrefilterStats
from mirjax.blast.search_stats import SearchStats
from mirjax.sequences.fasta import write_fasta
from mirjax.sequences.records import SequenceRecord


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """Write q.fa and db.fa, and build a database for plain blastn."""
    folder = tmp_path_factory.mktemp("inputs")
    rng = np.random.default_rng(0)
    mirnas = ["".join(rng.choice(list("ACGU"), 22)) for _ in range(300)]
    queries = [s[:11] + "A" + s[12:] for s in mirnas[:40]] * 2
    queries += ["".join(rng.choice(list("ACGU"), 21)) for _ in range(40)]
    queries += ["ACGUA"]
    write_fasta(
        folder / "db.fa", [SequenceRecord(f"m-{n}", s) for n, s in enumerate(mirnas)]
    )
    write_fasta(
        folder / "q.fa", [SequenceRecord(f"q-{n}", s) for n, s in enumerate(queries)]
    )
    make_database(folder)
    return folder


@pytest.fixture
def run(tmp_path, monkeypatch, capfd, inputs):
    """Return a function that runs the command with flags on top of the inputs."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(inputs)

    def run(*options, **changed):
        paths = {"queries": "q.fa", "db": "db.fa", "out": str(tmp_path / "hits.tsv")}
        given = [f"--{name}={value}" for name, value in (paths | changed).items()]
        monkeypatch.setattr(flags, "FLAGS", flags.FlagValues())
        monkeypatch.setattr(
            cli.app,
            "run",
            lambda main, argv, flags_parser: sys.exit(main(flags_parser(argv))),
        )
        capfd.readouterr()
        with pytest.raises(SystemExit) as info:
            cli.run(confirm.main, confirm.define_flags, ["confirm", *given, *options])
        printed = capfd.readouterr()
        return info.value.code or 0, printed.out, printed.err

    return run


OPTIONS = {
    "default": ([], "-word_size 7 -gapopen 5 -gapextend 2 -evalue 0.1 -strand plus"),
    "all": (
        [
            "--task=blastn",
            "--word_size=6",
            "--reward=2",
            "--penalty=-3",
            "--gapopen=5",
            "--gapextend=2",
            "--strand=both",
            "--evalue=3",
            "--max_target_seqs=5",
            "--nodust",
            "--num_processes=2",
        ],
        "-task blastn -word_size 6 -reward 2 -penalty -3 -gapopen 5 -gapextend 2 "
        "-strand both -evalue 3 -max_target_seqs 5 -dust no",
    ),
    "short": (["--task=blastn-short", "--strand=both"], "-task blastn-short"),
    "short, higher": (
        ["--task=blastn-short", "--evalue=0.2", "--strand=both"],
        "-task blastn-short -evalue 0.2",
    ),
    "blastn": (["--task=blastn", "--strand=both"], "-task blastn"),
    "aligned": (
        ["--task=blastn-short", "--prefilter=alignment"],
        "-task blastn-short -strand plus",
    ),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_the_table_is_plain_blastn_s(tmp_path, run, inputs, name):
    ours, theirs = OPTIONS[name]
    code, _, _ = run(*ours)
    assert code == 0
    content = (tmp_path / "hits.tsv").read_bytes()
    assert content.count(b"\n") > 50
    assert content.endswith(b"\n")
    assert content.splitlines() == plain_lines(inputs, theirs.split())


def test_explain_says_what_each_stage_left(run):
    code, out, _ = run("--explain", "--evalue=0.001")
    assert code == 0
    lines = dict(line.split(": ", 1) for line in out.splitlines())
    assert lines["given"] == "121 queries, 36,300 pairs"
    assert lines["distinct"] == "81 queries, 24,300 pairs"
    assert lines["too short for a hit"] == "1 queries"
    assert lines["searched by blastn"] == "80 queries, 24,000 pairs"
    assert lines["with a hit"] == "40 queries"
    assert lines["plan for 5 letters"].startswith("not searched")
    assert "plan for 21-22 letters" in lines


def test_explain_says_what_alignments_removed(run):
    code, out, _ = run("--explain", "--evalue=0.001", "--prefilter=alignment")
    assert code == 0
    lines = dict(line.split(": ", 1) for line in out.splitlines())
    assert re.fullmatch(
        r"\d+ pairs, \d+ of them below the score of a hit", lines["aligned"]
    )
    assert lines["searched by blastn"] == "40 queries, 12,000 pairs"
    assert lines["with a hit"] == "40 queries"
    assert lines["plan for 21-22 letters"] == (
        "prefiltered by words and alignments: --prefilter=alignment"
    )


def test_explanation_of_a_prefilter():
    choices = {20: "a", 21: "a", 22: "b", 24: "a"}
    prefiltered = PrefilterStats(1, 8, 70, 6, choices)
    stats = SearchStats(20, 10, 5, prefiltered, searched=3, found=2, rows=4)
    lines = stats.explain()
    assert "looked up: 8 queries, 70 words in common with the database" in lines
    assert "without what a hit requires: 6 queries" in lines
    assert lines[-2:] == ["plan for 20-21, 24 letters: a", "plan for 22 letters: b"]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"queries": "none.fa"}, r"none.fa: cannot be read"),
        (
            {"queries": "bad.fa"},
            r"bad.fa: 1 of 2 .* b2: letter 'N' .*bad_record=skip",
        ),
        ({"queries": "-", "db": "-"}, r"- is given for two inputs"),
        ({"db": "bad.fa"}, r"bad.fa: 1 of 2 .* b2: letter 'N' .*bad_record=skip"),
        ({"out": "q.fa"}, r"q.fa is an input; name another"),
        ({"out": "no/such/folder"}, r"folder no/such cannot be written"),
        ({"word_size": 3}, r"--word_size=3"),
        ({"evalue": 0}, r"--evalue=0"),
        ({"evalue": "inf"}, r"--evalue=inf must be above 0 and finite"),
        ({"time_limit": 0}, r"--time_limit=0.* must be above 0"),
        ({"time_limit": 2147484}, r"--time_limit=2147484.*, and at most 2147483 s"),
        ({"gapopen": 1, "gapextend": 7}, r"--gapopen=1 --gapextend=7: .*choose"),
        ({"num_processes": 0}, r"--num_processes=0 must be at least 1"),
        ({"strand": "minus"}, r"--strand=minus"),
    ],
)
def test_mistakes_end_in_one_line(tmp_path, run, inputs, changed, message):
    (inputs / "bad.fa").write_text(">b1\nACGU\n>b2\nACNGU\n")
    before = (inputs / "q.fa").read_text()
    (tmp_path / "hits.tsv").write_text("earlier\n")
    code, _, err = run(**changed)
    assert code == 1
    (line,) = [line for line in err.splitlines() if line.startswith("error: ")]
    assert re.search(message, line)
    assert (tmp_path / "hits.tsv").read_text() == "earlier\n"
    assert (inputs / "q.fa").read_text() == before


def test_an_unknown_species_ends_in_one_line(data_dir, run):
    code, _, err = run(db="mirbase/hsaa")
    assert code == 1
    (line,) = [line for line in err.splitlines() if line.startswith("error: ")]
    assert "mirbase/hsaa: miRBase has no species" in line
    assert "the nearest are mirbase/hsa" in line


def test_bad_records_are_skipped_on_demand(tmp_path, run, inputs):
    assert run()[0] == 0
    expected = (tmp_path / "hits.tsv").read_bytes()
    for name in ("q", "db"):
        text = (inputs / f"{name}.fa").read_text()
        (inputs / f"{name}_bad.fa").write_text(f">n\nACGUNACGU\n{text}>q-0\n\n>m-0\n\n")
    skip = "--on_bad_record=skip"
    code, _, err = run(skip, queries="q_bad.fa", db="db_bad.fa")
    assert code == 0
    assert (tmp_path / "hits.tsv").read_bytes() == expected
    assert "skipped: q_bad.fa: 3 of 124 records cannot be read: n: letter 'N'" in err
    skipped = (tmp_path / "hits.tsv.skipped.tsv").read_text().splitlines()
    assert [line.split("\t")[:2] for line in skipped] == [
        ["file", "record"],
        *(
            [f"{file}_bad.fa", name]
            for file in ("q", "db")
            for name in ["n", "q-0", "m-0"]
        ),
    ]
    assert "--on_bad_record" in run(queries="q_bad.fa", db="db_bad.fa")[2]
    assert "--on_bad_record" in run(db="db_bad.fa")[2]  # though it has been searched


@pytest.mark.parametrize("flag", ["queries", "db"])
def test_inputs_may_be_gzipped_or_pipes(tmp_path, run, inputs, monkeypatch, flag):
    assert run()[0] == 0
    expected = (tmp_path / "hits.tsv").read_bytes()
    content = (inputs / {"queries": "q.fa", "db": "db.fa"}[flag]).read_bytes()
    packed = tmp_path / "packed"
    packed.write_bytes(gzip.compress(content))
    assert run(**{flag: str(packed)})[0] == 0
    assert (tmp_path / "hits.tsv").read_bytes() == expected
    shutil.rmtree(tmp_path / "cache")
    stream = types.SimpleNamespace(buffer=io.BytesIO(content))
    monkeypatch.setattr(sys, "stdin", stream)
    assert run(**{flag: "-"})[0] == 0
    assert (tmp_path / "hits.tsv").read_bytes() == expected


def test_a_failure_leaves_no_half_table(tmp_path, monkeypatch, run):
    def fail(*arguments, **options):
        raise RuntimeError("no memory left")

    monkeypatch.setattr(processes.ProgramGroup, "run", fail)
    code, _, err = run()
    assert code == 1
    assert "error: no memory left" in err
    assert not [path for path in tmp_path.iterdir() if path.name != "cache"]


def test_a_dataset_wins_over_a_file_of_its_name(tmp_path, run, inputs):
    (inputs / "simulated").write_text((inputs / "db.fa").read_text())
    assert run(db="./simulated", evalue="0.01")[0] == 0
    of_file = (tmp_path / "hits.tsv").read_text()
    assert run(evalue="0.01")[0] == 0
    assert (tmp_path / "hits.tsv").read_text() == of_file
    assert run(db="simulated", evalue="0.01")[0] == 0
    assert (tmp_path / "hits.tsv").read_text() != of_file
    (inputs / "simulated").unlink()


def test_a_search_needs_no_jax(inputs, tmp_path):
    """JAX takes longer to load than most searches take."""
    script = f"""
import sys
from absl import flags
from mirjax import confirm
values = flags.FlagValues()
confirm.define_flags(values)
values(["confirm", "--queries=q.fa", "--db=db.fa", "--out={tmp_path}/hits.tsv"])
confirm.main(values)
print(*{{"jax", "flax", "scipy", "sklearn", "matplotlib", "rich"}} & set(sys.modules))
"""
    environment = {
        **os.environ,
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "PYTHONPATH": str(pathlib.Path(__file__).parents[1]),
    }
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=inputs,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout == "\n"


def test_it_is_a_command_of_the_console():
    run = subprocess.run(
        [sys.executable, "-m", "mirjax", "--help"], capture_output=True, text=True
    )
    assert "confirm" in run.stdout


def test_the_letters_of_a_batch_fit_an_integer_of_blastn(tmp_path, run):
    """2,000 queries of this length, as a batch may hold, have over 2**31 letters."""
    rng = np.random.default_rng(5)
    long = "".join(np.array(list("ACGU"))[rng.integers(0, 4, 1_100_000)])
    write_fasta(tmp_path / "q.fa", [SequenceRecord("long", long)])
    write_fasta(tmp_path / "db.fa", [SequenceRecord("m", long[1_000_000:1_000_022])])
    files = {"queries": tmp_path / "q.fa", "db": tmp_path / "db.fa"}
    code, _, err = run(**files, word_size=16, evalue=1, max_target_seqs=1)
    assert code == 0, err
    (row,) = (tmp_path / "hits.tsv").read_text().splitlines()
    columns = row.split("\t")
    assert columns[:2] == ["long", "m"] and columns[6:8] == ["1000001", "1000022"]


@pytest.mark.parametrize("prefilter", ["words", "alignment"])
def test_a_long_query_is_searched_without_a_prefilter(tmp_path, run, prefilter):
    """It would take the letters of the query for each occurrence of its words."""
    rng = np.random.default_rng(5)
    long = "".join(np.array(list("ACGU"))[rng.integers(0, 4, 200_000)])
    write_fasta(tmp_path / "q.fa", [SequenceRecord("long", long)])
    code, out, err = run("--explain", queries=tmp_path / "q.fa", prefilter=prefilter)
    assert code == 0, err
    assert "above 2,000 nt none is prefiltered" in out


@pytest.mark.parametrize(
    ("number", "code", "line"),
    [
        (signal.SIGTERM, 143, "error: stopped by SIGTERM"),
        (signal.SIGHUP, 129, "error: stopped by SIGHUP"),
        (signal.SIGINT, 130, "error: interrupted"),
        (signal.SIGKILL, -9, None),
    ],
)
def test_a_signal_ends_blastn_too(tmp_path, monkeypatch, inputs, number, code, line):
    pids = tmp_path / "pids"
    fake_program(monkeypatch, tmp_path, "blastn", f"echo $$ >> {pids}; exec sleep 300")
    scratch, results = tmp_path / "scratch", tmp_path / "results"
    scratch.mkdir()
    results.mkdir()
    command = [sys.executable, "-m", "mirjax.confirm", "--queries=q.fa", "--db=db.fa"]
    command += [f"--out={results}/hits.tsv", "--num_processes=2"]
    variables = {
        "TMPDIR": str(scratch),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "PYTHONPATH": str(pathlib.Path(__file__).parents[1]),
    }
    with subprocess.Popen(
        command,
        cwd=inputs,
        env=os.environ | variables,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        wait_for(lambda: pids.exists() and pids.read_text().count("\n") == 2)
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
    assert process.returncode == code
    wait_for(lambda: not any(map(is_running, pids.read_text().split())))
    if line:
        assert [text for text in err.splitlines() if "hits" not in text][-1] == line
        assert "Traceback" not in err
        assert not list(scratch.iterdir()) and not list(results.iterdir())


def is_running(pid):
    """Return whether a process runs, and is not merely waiting to be reaped."""
    try:
        status = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)
