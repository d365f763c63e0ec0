"""Tests of the pages: rendered from results/*.json, and examples that run."""

import doctest
import importlib
import json
import os
import pathlib
import pkgutil
import shutil
import subprocess
import sys

import pytest

import mirjax
from scripts import render_docs

ROOT = pathlib.Path(__file__).resolve().parents[1]
MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(mirjax.__path__, "mirjax.")
    if not module.name.endswith("__main__")
)


@pytest.fixture
def copy(tmp_path):
    """Copy what the pages are made of and what they are."""
    for folder in ("docs", "results", "mirjax/data"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    shutil.copy(ROOT / "README.md", tmp_path)
    return tmp_path


def change(path, **fields):
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | fields))


def test_pages_are_up_to_date():
    assert render_docs.main(["--check"]) == 0


def test_an_altered_result_alters_the_page(copy, capsys):
    path = copy / "results" / "seq2seq_tuned.json"
    rows = json.loads(path.read_text())["metrics"]
    rows[0]["exact_match"] = 0.1234
    change(path, metrics=rows)
    root = f"--root={copy}"

    assert render_docs.main(["--check", root]) == 1
    assert "out of date: README.md, docs/results.md" in capsys.readouterr().err
    assert "12.3%" not in (copy / "docs" / "results.md").read_text()
    assert render_docs.main([root]) == 0
    for page in ("README.md", "docs/results.md"):
        assert "12.3%" in (copy / page).read_text()
    assert render_docs.main(["--check", root]) == 0


def test_an_altered_published_metric_alters_the_pages(copy):
    path = copy / "mirjax" / "data" / "benchmarks" / "mirbench.json"
    path.write_text(path.read_text().replace("0.8552", "0.1234"))
    assert render_docs.main([f"--root={copy}"]) == 0
    assert "| miRBind2 | 2.5 million pairs | 0.1234 |" in (
        (copy / "docs" / "results.md").read_text()
    )
    assert "| 0.123 |" in (copy / "README.md").read_text()


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"metrics": []}, "0 rows with"),
        ({"values": {}}, "has no attribute"),
    ],
)
def test_a_missing_result_is_an_error(copy, capsys, fields, problem):
    change(copy / "results" / "seq2seq_baselines.json", **fields)
    assert render_docs.main([f"--root={copy}"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: docs/templates/") and problem in error


def test_every_result_is_complete_and_on_a_page():
    templates = "".join(
        path.read_text() for path in (ROOT / "docs" / "templates").iterdir()
    )
    for name, content in render_docs.load_results(ROOT / "results").items():
        assert f'("{name}"' in templates, name
        assert content["title"] and content["commit"] and content["machine"], name
        assert content["metrics"], name


@pytest.mark.parametrize(
    ("value", "style", "text"),
    [
        (0.4712, "%1", "47.1%"),
        (0.95, "%0", "95%"),
        (1234, "", "1,234"),
        (0.5, ".4", "0.5000"),
        (-0.001, ".2", "0.00"),
        ([1.5, 2], "", "1.5 to 2"),
        ([0.5, 0.25], "l%0", "50%, 25%"),
        (True, "", "yes"),
        (None, "%1", ""),
    ],
)
def test_format_value(value, style, text):
    assert render_docs.format_value(value, style) == text


def test_make_table():
    rows = [{"a": "x|y", "b": 0.5, "b_interval": [0.25, 1]}, {"a": "z"}]
    assert render_docs.make_table(rows, ["name=a", "value=b:i2"]).splitlines() == [
        "| name | value |",
        "| --- | ---: |",
        "| x\\|y | 0.50 (0.25 to 1.00) |",
        "| z |  |",
    ]
    with pytest.raises(ValueError, match="no row has the field 'c'"):
        render_docs.make_table(rows, ["other=c"])


def collect(folder, *arguments):
    """Run scripts/collect_results.py, with its results in a folder."""
    command = [sys.executable, "scripts/collect_results.py", f"--results={folder}"]
    return subprocess.run(
        [*command, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )


def evaluation(path, accuracy):
    content = {
        "command": "python -m mirjax.evaluate --model=W --data=mitar2021",
        "version": "1.2.3",
        "model": "W",
        "step": 7,
        "accuracy": accuracy,
        "auroc": None,
        "intervals": {"accuracy": [0.5, 1.0]},
        "decoders": {"beam": {"accuracy": 0.5, "new_targets": {"accuracy": 0.25}}},
        "baselines": {"mirna_identity": {"accuracy": 0.75}},
    }
    path.write_text(json.dumps(content))
    return str(path)


def test_collect_evaluations(tmp_path):
    runs = [evaluation(tmp_path / f"{k}.json", k) for k in (0.5, 0.75)]
    done = collect(tmp_path, "found", *runs, "--title=Two runs", "--seeds", "0", "1")
    assert done.returncode == 0, done.stderr
    result = json.loads((tmp_path / "found.json").read_text())
    assert result["metrics"] == [
        {
            "predictor": "model",
            "rows": "all",
            "accuracy": 0.625,
            "accuracy_by_seed": [0.5, 0.75],
            "accuracy_interval": [0.5, 1.0],
        },
        {"predictor": "beam", "rows": "all", "accuracy": 0.5},
        {"predictor": "beam", "rows": "new targets", "accuracy": 0.25},
        {"predictor": "mirna identity", "rows": "all", "accuracy": 0.75},
    ]
    assert result["seeds"] == [0, 1] and result["title"] == "Two runs"
    assert result["command"] == ["python -m mirjax.evaluate --model=W --data=mitar2021"]
    assert result["software"]["mirjax"] == "1.2.3"
    assert result["machine"] and result["time"].endswith("+00:00")


def test_collect_a_benchmark_anew(tmp_path):
    output = tmp_path / "output.json"
    content = {
        "command": ["python scripts/bench/any.py"],
        "machine": "a computer",
        "rows": [{"program": "theirs", "times": 1}, {"program": "ours", "times": 4}],
    }
    output.write_text(json.dumps(content))
    new = collect(tmp_path, "speed", str(output))
    assert new.returncode == 1 and "give it a --title" in new.stderr
    assert collect(tmp_path, "speed", str(output), "--title=T").returncode == 0
    path = tmp_path / "speed.json"
    assert json.loads(path.read_text())["metrics"] == content["rows"]

    change(path, values={"goal": 2})
    again = collect(tmp_path, "speed", str(output))
    assert again.returncode == 0 and "kept from the earlier" in again.stderr
    result = json.loads(path.read_text())
    assert result["title"] == "T" and result["values"] == {"goal": 2}
    assert result["machine"] == "a computer"


def test_collect_refuses_another_file(tmp_path):
    other = tmp_path / "other.json"
    other.write_text("{}")
    done = collect(tmp_path, "found", str(other), "--title=T")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1 and str(other) in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(("link", "problem"), [("", ""), ("[x](no.md)", "no.md")])
def test_the_site_builds_unless_a_link_is_broken(copy, link, problem):
    for folder in ("mirjax", "scripts"):
        shutil.copytree(ROOT / folder, copy / folder, dirs_exist_ok=True)
    shutil.copy(ROOT / "mkdocs.yml", copy)
    with (copy / "docs" / "guide.md").open("a") as page:
        page.write(f"\n{link}\n")
    done = subprocess.run(
        ["bash", copy / "scripts" / "docs.sh"],
        env=os.environ | {"PYTHON": sys.executable},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode != 0) == bool(link), done.stderr
    assert problem in done.stderr
    assert link or (copy / "build" / "site" / "index.html").exists()


@pytest.mark.parametrize("name", MODULES)
def test_examples_of_docstrings(name, tmp_path, monkeypatch):
    """Run the examples in a module's docstrings, with an empty cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    failed, _ = doctest.testmod(importlib.import_module(name))
    assert not failed
