"""Tests of what the benchmarks write for scripts/collect_results.py."""

import importlib
import json
import pathlib
import sys

import pyarrow as pa
import pytest

BENCH = pathlib.Path(__file__).parents[1] / "scripts" / "bench"


@pytest.fixture
def load(monkeypatch):
    for folder in (BENCH.parent, BENCH):
        monkeypatch.syspath_prepend(str(folder))
    return importlib.import_module


@pytest.fixture
def bench(load, monkeypatch, tmp_path):
    """Run a benchmark whose measurements are replaced; return what it collects."""

    def run_workers(competitors, repeats, size):
        for command in competitors.values():
            flags = dict(word[2:].split("=", 1) for word in command[2:])
            if "scores" in flags:
                pathlib.Path(flags["scores"]).write_text("[1]")
        return {name: [2.0**n] * repeats for n, name in enumerate(competitors)}

    monkeypatch.setattr(load("timing"), "run", run_workers)

    def run(name, *flags):
        out = tmp_path / f"{name}.json"
        monkeypatch.setattr(sys, "argv", [f"{name}.py", f"--out={out}", *flags])
        load(name).main()
        return load("collect_results").collect([out])

    return run


def test_rates_are_relative_to_the_baseline(load):
    seconds = {"theirs": [2.0, 4.0, 8.0], "ours": [1.0, 1.0, 2.0]}
    measured_rows = load("measured_rows")
    theirs, ours = measured_rows.rate_rows(seconds, 16, batch_size=10)
    assert theirs == {
        "batch_size": 10,
        "program": "theirs",
        "per_second": 4.0,
        "range": [2.0, 8.0],
        "repeats": 3,
        "repeat_size": 16,
        "times": 1.0,
    }
    assert ours["times"] == 4.0
    sizes = {"theirs": 16, "ours": 32}
    theirs, ours = measured_rows.rate_rows(seconds, sizes, "ours")
    assert (theirs["times"], ours["times"]) == (0.125, 1.0)
    table = measured_rows.markdown_table([theirs, ours], "ours").splitlines()
    assert table[2].endswith("| × ours |")
    assert table[4] == "| theirs | 4 | 2 to 8 | 3 of 16 | 0.125 |"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "flags", "fields"),
    [
        ("train_step", ["--repeats=2"], {"program": "mirjax", "times": 0.5}),
        ("decode", [], {"program": "mirjax greedy", "repeat_size": 2048}),
        ("decode", ["--decoders"], {"decoder": "ranking", "times": 2.0}),
        ("mitar", ["--task=train"], {"task": "training", "batch_size": 100}),
        ("sweep", ["--batch_sizes", "10"], {"mode": "together", "times": 0.5}),
        ("scan", ["--model=miTAR.h5"], {"program": "mirjax", "repeat_size": 1000}),
        ("alignment", ["--cases=pairs"], {"program": "parasail", "repeats": 7}),
    ],
)
def test_a_benchmark_of_workers_writes_its_rows(bench, capsys, name, flags, fields):
    result = bench(name, *flags)
    assert any(fields.items() <= row.items() for row in result["metrics"])
    assert result["command"] == [" ".join([f"python scripts/bench/{name}.py", *flags])]
    assert result["machine"] in capsys.readouterr().out


@pytest.mark.parametrize(
    ("flags", "row"),
    [
        ([], {"queries": "few", "blastn_seconds": 3.0, "confirm_seconds": 1.5}),
        (["--growth"], {"blastn_mb": 300, "confirm_seconds": 2.0, "same_rows": True}),
    ],
)
def test_confirm_writes_its_rows(bench, load, monkeypatch, flags, row):
    confirm = load("confirm")
    found = ([3.0], [2.0], [300.0], [200.0], True)
    monkeypatch.setattr(confirm, "compare", lambda *arguments: found)
    monkeypatch.setattr(confirm, "start_seconds", lambda repeats: 0.5)
    few = {"few": (lambda: ["ACGU"], "mirbase")}
    monkeypatch.setattr(confirm, "make_cases", lambda rng: few)
    monkeypatch.setattr(confirm, "write_databases", lambda folder, rng: {"mirbase": 1})
    monkeypatch.setattr(confirm.cases, "sequences_of", lambda name: ["ACGU"])
    monkeypatch.setattr(confirm.cases, "plain_database", lambda fasta: None)
    monkeypatch.setattr(confirm.cases, "distinct", lambda make, number: ["ACGU"])
    assert row.items() <= bench("confirm", *flags)["metrics"][0].items()


def test_same_table_writes_a_row_for_each_combination(bench, load, monkeypatch):
    same_table = load("same_table")
    found = same_table.Comparison(9, 0, 1, 2, 0, True)
    monkeypatch.setattr(same_table, "compare", lambda *arguments: found)
    monkeypatch.setattr(same_table.search_cases, "mixed_queries", lambda *size: [])
    monkeypatch.setattr(same_table.search_cases, "plain_database", lambda fasta: None)
    monkeypatch.setattr(same_table.registry, "load_fasta", lambda name: [])
    rows = bench("same_table", "--evalues=10", "--datasets=some")["metrics"]
    settings = [(row["strand"], row["word_size"]) for row in rows]
    assert settings == [("plus", 7), ("plus", 11), ("both", 7), ("both", 11)]
    expected = {"prefilter": "auto", "rows": 9, "ours_only": 1, "estimated": 2}
    assert rows[0].items() >= expected.items()


def test_scaling_compares_with_a_bare_step_and_one_process(bench, load, monkeypatch):
    scaling = load("scaling")
    rates = {1: 100.0, 2: 80.0, 4: 50.0}
    monkeypatch.setattr(scaling, "process_rate", lambda given, size, n: rates[n])
    seconds = {"bare": [1.0, 2.0, 4.0], "sharded": [1.1, 2.4, 4.2]}
    answer = seconds | {"gradient_bytes": 4_000_000}
    monkeypatch.setattr(scaling, "ask", lambda command: answer)
    rows = bench("scaling", "--batch_size=64", "--steps=2")["metrics"]
    (bare,) = (row for row in rows if row["part"] == "bare step")
    assert bare["overhead"] == pytest.approx(0.1)
    assert bare["overhead_range"] == pytest.approx([0.05, 0.2])
    # As replaced, each worker takes twice as long as the one before it.
    timed = [row for row in rows if row["part"] == "devices"]
    assert [row["devices"] for row in timed] == [1, 2, 4, 8]
    assert [row["overhead"] for row in timed] == [0.0, 1.0, 3.0, 7.0]
    processes = [row for row in rows if row["part"] == "processes"]
    assert [row["overhead"] for row in processes] == [0.0, 0.25, 1.0]
    shares = [row for row in rows if row["part"] == "share of a batch"]
    assert [row["batch_size"] for row in shares] == [32, 16, 8]
    assert [row["per_second"] for row in shares] == [4.0, 1.0, 0.25]
    assert sum(row["part"] == "model" for row in rows) == 2 * len(scaling.LINKS)


def test_the_model_of_clusters_adds_the_ring_to_the_step(load):
    scaling = load("scaling")
    found = scaling.model_rows({64: 0.1, 32: 0.06, 16: 0.04}, 4_000_000, [1.0, 10.0])
    rows = {(row["link"], row["times_as_fast"]): row for row in found}
    slow = rows["Ethernet 10 Gb/s", 1.0]
    ring = 2 * (3 / 4) * 4e6 / 1.25e9 + 2 * 3 * 50e-6
    assert slow["speedup_1"] == 1.0
    assert slow["speedup_2"] == pytest.approx(0.1 / (0.06 + 3.3e-3), rel=1e-2)
    assert slow["speedup_4"] == pytest.approx(0.1 / (0.04 + ring), rel=1e-2)
    faster = rows["Ethernet 10 Gb/s", 10.0]
    assert faster["speedup_4"] == pytest.approx(0.01 / (0.004 + ring), rel=1e-2)
    for row in rows.values():
        assert row["speedup_4"] <= 2.5, "a link makes nothing faster"


def test_out_is_refused_before_the_benchmark_starts(bench, capsys, tmp_path):
    out = tmp_path / "none" / "out.json"
    with pytest.raises(SystemExit):
        bench("train_step", f"--out={out}")
    assert f"{str(out)!r} is not a file" in capsys.readouterr().err


def test_the_stored_command_leaves_out_both_forms_of_out(load, monkeypatch, tmp_path):
    out = tmp_path / "out.json"
    words = ["any.py", "--a=b c", "--out", str(out), f"--out={out}", "d"]
    monkeypatch.setattr(sys, "argv", words)
    load("measured_rows").write_rows(out, [{"x": 1}])
    content = json.loads(out.read_text())
    assert content["command"] == "python scripts/bench/any.py '--a=b c' d"
    assert content["rows"] == [{"x": 1}]


def test_an_ablation_trains_each_recipe_once_and_keeps_its_best_evaluation(
    load, monkeypatch, tmp_path
):
    ablation, commands = load("duplex_ablation"), []

    def run(command, *, check):
        commands.append(command)
        folder = pathlib.Path(command[-1].removeprefix("--workdir="))
        folder.mkdir()
        seed = next(int(word[-1]) for word in command if "--config.seed=" in word)
        rows = [
            {"step": 1, "val/average_precision": 0.9, "val/helwak2013": 0.0},
            {"step": 2, "train/loss": 1.0},
            {"step": 3, "val/average_precision": 0.8},
        ]
        for name in ablation.SETS:
            rows[0][f"val/{name}/average_precision"] = 0.6 + seed / 10
            rows[2][f"val/{name}/average_precision"] = 0.1
        lines = [json.dumps(row) for row in rows]
        (folder / "metrics.jsonl").write_text("\n".join(lines) + "\n")

    monkeypatch.setattr(ablation.subprocess, "run", run)
    out = tmp_path / "rows.json"
    only = ["labels", "labels without helwak2013"]
    words = [f"--workdir={tmp_path}", "--seeds", "0", "1", f"--out={out}", "--only"]
    for _ in range(2):
        monkeypatch.setattr(sys, "argv", ["duplex_ablation.py", *words, *only])
        ablation.main()
    assert len(commands) == 4, "a recipe that is trained is not trained again"
    assert "--config.data.left_out=helwak2013" in commands[2]
    assert "--config.data.sources=hejret2023/train+manakov2022/sample" in commands[2]
    rows = json.loads(out.read_text())["rows"]
    assert [row["recipe"] for row in rows] == only
    assert [row["helwak2013"] for row in rows] == [0.65, 0.65]
    assert rows[0]["hejret2023/train range"] == [0.6, 0.7]
    monkeypatch.setattr(sys, "argv", ["x", *words, "teacher"])
    with pytest.raises(SystemExit):  # it needs --transcripts
        ablation.main()


def test_retained_sites_are_near_ones_of_the_same_pair(load):
    reference = pa.table(
        {"mirna": ["a", "a", "b"], "target": ["t", "t", "t"], "end": [30, 100, 30]}
    )
    table = pa.table({"mirna": ["a", "b"], "target": ["t", "u"], "end": [51, 30]})
    assert load("candidates").retained(reference, table).tolist() == [
        True,
        False,
        False,
    ]
