"""`mirjax.study`: run, killed and continued; its results and its page."""

import dataclasses
import html
import json
import pathlib
import re
import signal
import subprocess
import sys
import time

import pytest
from absl import flags
from browsers import assert_contrast, find_browser, measure, show
from small_runs import fast_environment
from study_outcomes import MADE_UP, TINY, write_outcomes

from mirjax import study
from mirjax.reporting.study_report import write_report
from mirjax.studies.experiment import reported_values
from mirjax.studies.names import EXPERIMENT_NAMES
from mirjax.studies.study import run_study

pytestmark = pytest.mark.slow

TESTS = pathlib.Path(__file__).parent
# Trains one small classifier and measures it; no files are needed.
SCRIPT = """
import dataclasses, pathlib, sys
from absl import logging
from study_outcomes import TINY
from mirjax.studies.study import run_study
logging.set_verbosity(logging.INFO)
settings = dataclasses.replace(
    TINY, seeds=(0,), epochs={**TINY.epochs, "positives_only": float(sys.argv[2])})
run_study(settings, pathlib.Path(sys.argv[1]), ["T2"])
"""


@pytest.fixture(scope="module")
def workdir(tmp_path_factory):
    """A study whose stages are all finished, with made-up outcomes."""
    folder = tmp_path_factory.mktemp("study")
    write_outcomes(folder)
    run_study(MADE_UP, folder)
    write_report(folder / "results", folder / study.REPORT_FILE)
    return folder


def text_of(page):
    """The words of a page, without markup and styles."""
    content = re.sub(r"<style>.*?</style>", " ", page.read_text(), flags=re.DOTALL)
    words = html.unescape(re.sub(r"<[^>]*>", " ", content))
    return re.sub(r"\s+", " ", words)


def section_of(page, name):
    content = page.read_text()
    _, *parts = re.split(r"(?=<section )", content)
    return next(part for part in parts if f">{name}: " in part.split("</h2>")[0])


def test_every_experiment_has_its_result(workdir):
    files = sorted(path.stem for path in (workdir / "results").iterdir())
    assert files == list(EXPERIMENT_NAMES)
    for path in (workdir / "results").iterdir():
        content = json.loads(path.read_text())
        assert content["seconds"] > 0
        assert content["settings"]["name"] == "quick"
        (command,) = content["command"]
        assert f"--only={path.stem}" in command and "--quick" in command
        for line in content["commands_of_stages"]:
            assert line.startswith(("python -m mirjax.train", "python -m mirjax.eval"))


def test_every_table_row_has_what_the_study_left_out(workdir):
    """A model has the metric on rows seen and held out, an interval and its seeds."""
    for name in ("T1", "T4", "T5"):
        rows = json.loads((workdir / "results" / f"{name}.json").read_text())["metrics"]
        kinds = {row["kind"] for row in rows}
        assert kinds == {"reported", "model", "baseline"}
        for row in rows:
            if row["kind"] == "model":
                low, high = row["held_out_interval"]
                assert 0 <= low <= row["held_out"] <= high <= 1
                assert "seen_interval" in row
                recipe_seeds = 1 if "published" in row["predictor"] else 3
                assert row["seeds"] == recipe_seeds == len(row["held_out_by_seed"])


def test_every_reported_value_has_a_source_and_is_on_the_page(workdir):
    words = text_of(workdir / study.REPORT_FILE)
    assert set(reported_values()) == set(EXPERIMENT_NAMES)
    for values in reported_values().values():
        for value in values:
            assert value["source"] in words
    for shown in ("63.41%", "99.97%", "0.9018", "3.5%", "72%"):
        assert shown in words


@pytest.mark.parametrize(
    ("name", "metric", "predictor"),
    [
        ("T5", "blast_name_match", "Transformer"),
        ("T6", "exact_match", "Transformer"),
        ("T7", "seed_match", "Transformer"),
        ("T9", "exact_match", "complementarity, anchored"),
    ],
)
def test_an_altered_result_alters_table_and_text(
    workdir, tmp_path, name, metric, predictor
):
    results = tmp_path / "results"
    results.mkdir()
    content = json.loads((workdir / "results" / f"{name}.json").read_text())
    row = next(
        row
        for row in content["metrics"]
        if row["metric"] == metric and row["predictor"] == predictor
    )
    row["held_out"] = 0.98765
    (results / f"{name}.json").write_text(json.dumps(content))

    page = tmp_path / "report.html"
    write_report(results, page)
    before = section_of(workdir / study.REPORT_FILE, name)
    after = section_of(page, name)
    for part in ("<td>", '<p class="finding">'):
        assert not re.search(rf"{part}[^<]*98\.8%", before)
        assert re.search(rf"{part}[^<]*98\.8%", after)


def test_a_value_of_the_text_comes_from_the_results(workdir, tmp_path):
    results = tmp_path / "results"
    results.mkdir()
    content = json.loads((workdir / "results" / "T6.json").read_text())
    content["values"]["distinct"]["CNN-LSTM, published recipe"] = 79
    (results / "T6.json").write_text(json.dumps(content))
    write_report(results, tmp_path / "report.html")
    assert "collapsed" in text_of(workdir / study.REPORT_FILE)
    words = text_of(tmp_path / "report.html")
    assert "79 distinct predictions" in words and "collapsed" not in words


def test_reduced_data_are_marked_on_every_table(workdir):
    captions = re.findall(
        r"<caption>(.*?)</caption>", (workdir / study.REPORT_FILE).read_text()
    )
    assert len(captions) > 20
    assert all(caption.startswith("Reduced data (") for caption in captions)


def test_damaged_results_are_one_error(tmp_path):
    with pytest.raises(ValueError, match="holds no results"):
        write_report(tmp_path, tmp_path / "report.html")
    (tmp_path / "T1.json").write_text("{")
    with pytest.raises(ValueError, match=r"T1\.json: not a result file"):
        write_report(tmp_path, tmp_path / "report.html")


# ---- The page in a browser. ----


@pytest.fixture(scope="module")
def browser():
    return find_browser()


def test_the_console_stays_empty(browser, workdir):
    document, messages = show(browser, workdir / study.REPORT_FILE)
    assert "Summary" in document
    assert messages == []


@pytest.mark.parametrize("width", [375, 1280])
def test_nothing_is_wider_than_the_screen(browser, workdir, tmp_path, width):
    found = measure(browser, workdir / study.REPORT_FILE, tmp_path, width)
    assert found["width"] == width
    assert found["content"] <= width
    assert found["right"] <= width


def test_pictures_have_texts_and_nothing_is_loaded(workdir):
    page = (workdir / study.REPORT_FILE).read_text()
    labels = re.findall(r'<div class="picture" role="img" aria-label="([^"]*)"', page)
    assert len(labels) == page.count('<div class="picture"') > 15
    assert all(len(label) > 30 for label in labels)
    assert not re.search(r'(?:src|href)="(?!#|data:)', page)
    ids = re.findall(r'\bid="([^"]*)"', page)
    assert len(ids) == len(set(ids))
    assert page.count("miRNA  3&#39;") == 3  # a drawing of each duplex
    assert_contrast(page)


# ---- Killed, and run again. ----


def start(workdir, epochs, environment):
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(workdir), str(epochs)],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_killed_study_goes_on(tmp_path, caplog):
    environment = fast_environment()
    environment["PYTHONPATH"] = f"{TESTS}:{TESTS.parent}"
    workdir = tmp_path / "W"
    process = start(workdir, 60, environment)
    deadline = time.monotonic() + 300
    while not list(workdir.glob("stages/*/checkpoints/*/_CHECKPOINT_METADATA")):
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert not (workdir / "results").exists()

    process = start(workdir, 60, environment)
    _, log = process.communicate(timeout=300)
    assert process.returncode == 0, log
    assert re.search(r"[Rr]estored|[Cc]ontinu", log), log
    assert (workdir / "results" / "T2.json").exists()

    settings = dataclasses.replace(
        TINY, seeds=(0,), epochs={**TINY.epochs, "positives_only": 60.0}
    )
    with caplog.at_level("INFO"):
        run_study(settings, workdir, ["T2"])
    assert "4 stages, 4 of them finished" in caplog.text


# ---- The command. ----


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--workdir= "], "--workdir: it is empty"),
        (["--workdir=W", "--only=T1,T10"], "--only: 'T10' is not one of T1, T2"),
    ],
)
def test_wrong_flags_are_errors(arguments, problem):
    flag_values = flags.FlagValues()
    study.define_flags(flag_values)
    flag_values(["study", *arguments])
    with pytest.raises(ValueError, match=problem):
        study.main(flag_values)


def test_without_viennarna_nothing_is_run(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "RNA", None)
    flag_values = flags.FlagValues()
    study.define_flags(flag_values)
    flag_values(["mirjax.study", f"--workdir={tmp_path / 'W'}"])
    with pytest.raises(ValueError, match=r"mirjax\.study needs ViennaRNA: pip install"):
        study.main(flag_values)
    assert not (tmp_path / "W").exists()
