"""The command `python -m mirjax.sweep`, run as its users run it."""

import csv
import json
import pathlib
import signal
import subprocess
import sys
import time

import jax
import pytest
from small_runs import fast_environment

from mirjax import sweep, train
from mirjax.configs.sweeps import mitar
from mirjax.models import loading
from mirjax.training import sweeps
from mirjax.training.metric_writer import read_metrics

ROOT = pathlib.Path(__file__).parents[1]
SMALL = {"conv_features": 6, "lstm_features": 4, "dense_features": 4}


@pytest.fixture(autouse=True)
def one_device(monkeypatch):
    """Eight virtual devices on two cores are slow."""
    (device, *_) = jax.devices()
    monkeypatch.setattr(jax, "devices", lambda: [device])


def small_sweep(learning_rates=(0.002, 0.01), epochs=2):
    config = mitar.get_config("simulated").unlock()
    config.base.model.update(SMALL)
    config.base.data.positive_rows = 150
    config.grid.optimizer.learning_rate = learning_rates
    config.grid.train.batch_size = (24,)  # of 240 training rows
    config.base.steps_per_call = 5
    config.epochs = epochs
    return config


def table(folder):
    with (folder / "runs.tsv").open() as file:
        return list(csv.DictReader(file, delimiter="\t"))


def start(folder):
    arguments = [f"--config.base.model.{key}={value}" for key, value in SMALL.items()]
    return subprocess.Popen(
        [
            sys.executable,
            "-m",
            "mirjax.sweep",
            "--config=configs/sweeps/mitar.py:simulated",
            f"--workdir={folder}",
            "--together=2",
            "--config.base.data.positive_rows=150",
            "--config.grid.train.batch_size=(24, 48)",
            "--config.base.steps_per_call=5",
            "--config.epochs=2",
            *arguments,
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=fast_environment(),
    )


@pytest.mark.slow
def test_a_killed_sweep_goes_on_and_ranks_all_runs(tmp_path):
    folder = tmp_path / "sweep"
    process = start(folder)
    deadline = time.monotonic() + 300
    while len(list(folder.glob("runs/*/result.json"))) < 2:
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    finished = {path: path.stat().st_mtime_ns for path in folder.glob("runs/*/res*")}
    assert len(finished) < 4 and not (folder / "runs.tsv").exists()

    process = start(folder)
    printed, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    assert {path: path.stat().st_mtime_ns for path in finished} == finished
    assert not list((folder / "unfinished").iterdir())
    rows = table(folder)
    assert len(rows) == 4
    values = [float(row["val/accuracy"]) for row in rows]
    assert values == sorted(values, reverse=True)
    for row in rows:
        run = folder / row["folder"]
        steps = {"24": 10, "48": 5}[row["train.batch_size"]]
        metrics = read_metrics(run)
        assert [line["step"] for line in metrics] == [steps, 2 * steps]
        best = max(metrics, key=lambda line: line["val/accuracy"])
        assert float(row["val/accuracy"]) == best["val/accuracy"]
        assert float(row["epoch"]) == best["epoch"]
        assert row["status"] == "finished"
        trained = loading.load_model(run)
        assert trained.metadata["step"] == best["step"]
        assert trained.metadata["temperature"] > 0
        config = json.loads((run / "config.json").read_text())
        assert str(config["train"]["batch_size"]) == row["train.batch_size"]
        rate = config["optimizer"]["learning_rate"]
        assert str(rate) == row["optimizer.learning_rate"]
    assert f"--model='{folder / rows[0]['folder']}'" in printed


@pytest.mark.slow
def test_values_added_to_the_grid_are_trained_in_addition(tmp_path, capsys):
    sweep.sweep(small_sweep((0.002,)), tmp_path, 4)
    first = {path: path.stat().st_mtime_ns for path in tmp_path.glob("runs/*/res*")}
    sweep.sweep(small_sweep((0.002, 1e30)), tmp_path, 1)
    assert {path: path.stat().st_mtime_ns for path in first} == first
    rows = table(tmp_path)
    assert len(rows) == 2
    for row in rows[1:]:  # no figure: ranked last
        assert row["optimizer.learning_rate"] == "1e+30"
        assert row["val/accuracy"] == row["epoch"] == ""
        assert row["status"].startswith("diverged by step")
    assert "2 runs" in capsys.readouterr().out
    lost = tmp_path / rows[0]["folder"]
    (lost / "model.npz").unlink()
    sweep.sweep(small_sweep((0.002, 1e30)), tmp_path, 1)
    assert table(tmp_path) == rows and (lost / "model.npz").exists()
    assert len(read_metrics(lost)) == 2 and (lost / "metrics.1.jsonl").exists()
    with pytest.raises(ValueError, match="config.epochs=2, not 3; choose another"):
        sweep.sweep(small_sweep(epochs=3), tmp_path, 1)


def test_what_cannot_be_trained_leaves_nothing(tmp_path):
    wrong = small_sweep()
    wrong.grid.model = {"dropout": (0.1, 2.0)}
    with pytest.raises(ValueError, match="dropout=2.0"):
        sweep.sweep(wrong, tmp_path / "run", 1)
    with pytest.raises(ValueError, match="describes no sweep.*mirjax.train"):
        sweep.sweep(small_sweep().base, tmp_path / "run", 1)
    with pytest.raises(ValueError, match="describes no training run.*mirjax.sweep"):
        train.train(small_sweep(), tmp_path / "run")
    with pytest.raises(ValueError, match="epochs"):
        sweep.sweep(small_sweep(epochs=0), tmp_path / "run", 1)
    absent = small_sweep()
    absent.base.data.positive_rows = 1_000_000
    with pytest.raises(ValueError, match="positive_rows=1000000"):
        sweep.sweep(absent, tmp_path / "run", 1)
    assert not (tmp_path / "run").exists()


def test_a_sweep_that_saved_nothing_does_not_refuse_the_corrected_config(
    tmp_path, monkeypatch
):
    def fail(*_, **__):
        raise RuntimeError("no memory")

    with monkeypatch.context() as patch:
        patch.setattr("mirjax.training.sweeps.VmappedRuns", fail)
        with pytest.raises(RuntimeError):
            sweep.sweep(small_sweep(epochs=3), tmp_path / "run", 1)
    assert list((tmp_path / "run/unfinished").iterdir())
    whole = sweeps.Sweep(small_sweep((0.004,), epochs=1), tmp_path / "run")
    assert not list((tmp_path / "run/unfinished").iterdir())
    assert json.loads((whole.folder / "sweep.json").read_text())["epochs"] == 1
