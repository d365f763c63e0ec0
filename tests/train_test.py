"""The command `python -m mirjax.train`, run as its users run it."""

import dataclasses
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import jax
import numpy as np
import pytest
from absl import flags
from equations import random_params
from small_runs import (
    fast_environment,
    labelled_pairs,
    run_forked,
    small_classifier,
)

from mirjax import train
from mirjax.configs import seq2seq
from mirjax.datasets import registry
from mirjax.evaluation.metrics.calibration import fit_temperature
from mirjax.inference.classify import predict_logits, predict_probabilities
from mirjax.models import loading, make_model
from mirjax.sequences.records import Pairs, Split
from mirjax.training import task_data
from mirjax.training.metric_writer import read_metrics
from mirjax.training.workdir_lock import lock_workdir

ROOT = pathlib.Path(__file__).parents[1]
SMALL = (
    "--config.model.conv_features=6",
    "--config.model.dense_features=6",
    "--config.model.lstm_features=8",
    "--config.train.num_epochs=0.64",  # 48 steps, of the 75 of an epoch
    "--config.train.eval_every_epochs=0.2134",  # 16
    "--config.train.decode_rows=20",
)


def start(workdir, *arguments, config="configs/seq2seq.py:simulated", file_blocks=None):
    """Start the command; `file_blocks` limits the size of its files, in KiB."""
    shell = ["bash", "-c", f'ulimit -f {file_blocks or "unlimited"}; exec "$@"', "bash"]
    return subprocess.Popen(
        [
            *shell,
            sys.executable,
            "-m",
            "mirjax.train",
            *([] if config is None else [f"--config={config}"]),
            f"--workdir={workdir}",
            *arguments,
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=fast_environment(),
    )


def finish(process):
    _, errors = process.communicate(timeout=200)
    return process.returncode, errors


def wait_for_metrics(process, workdir, lines):
    deadline = time.monotonic() + 200
    while len(read_metrics(workdir)) < lines:
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.02)


def parameters(workdir):
    with (workdir / "model.npz").open("rb") as file, np.load(file) as arrays:
        return {name: arrays[name] for name in arrays.files}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder for runs, which share compiled programs."""
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def whole(folder):
    """A run that nothing interrupted."""
    code, log = finish(start(folder / "whole", *SMALL))
    assert code == 0, log
    assert "parameters" in log
    return folder / "whole"


@pytest.mark.slow
def test_a_killed_process_goes_on_to_the_same_bits(folder, whole):
    cut = folder / "cut"
    process = start(cut, *SMALL)
    wait_for_metrics(process, cut, 1)
    process.kill()
    assert finish(process)[0] == -signal.SIGKILL

    process = start(cut, *SMALL)
    wait_for_metrics(process, cut, 2)
    process.terminate()
    code, log = finish(process)
    assert code == 143, log
    assert "stopped by SIGTERM" in log and "run the same command to continue" in log

    code, log = finish(start(cut, *SMALL))
    assert code == 0, log
    expected, found = parameters(whole), parameters(cut)
    assert expected.keys() == found.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(value, found[name], err_msg=name)
    assert [row["step"] for row in read_metrics(cut)] == [16, 32, 48]


@pytest.mark.slow
def test_a_damaged_checkpoint_is_named_and_a_lost_model_written_again(folder, whole):
    damaged = folder / "damaged"
    shutil.copytree(whole, damaged)
    for path in (damaged / "checkpoints/48/state").rglob("*"):
        if path.is_file() and "metadata" not in path.name.lower():
            path.write_bytes(b"damaged")
    (damaged / "model.npz").unlink()
    # The advice of the message about a missing model: the run's own config is used.
    code, log = finish(start(damaged, config=None))
    assert code == 0 and "Traceback" not in log, log
    assert "checkpoint of step 48 is damaged: state/" in log
    assert (damaged / "damaged/48").exists()
    expected, found = parameters(whole), parameters(damaged)
    for name, value in expected.items():
        np.testing.assert_array_equal(value, found[name], err_msg=name)
    assert [row["step"] for row in read_metrics(damaged)] == [16, 32, 48]


@pytest.mark.slow
def test_a_disk_that_is_full_is_one_line_that_names_the_file(folder):
    """A limit on the size of files stands for it: `ulimit -f` gives EFBIG."""
    process = start(folder / "full", *SMALL, file_blocks=8)
    code, log = finish(process)
    assert code == 1 and "Traceback" not in log, log
    errors = [line for line in log.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1 and "File too large; free space" in errors[0]
    assert str(folder / "full") in errors[0]
    code, log = finish(start(folder / "full", *SMALL))
    assert code == 0, log
    assert not list((folder / "full").rglob("*.orbax-checkpoint-tmp*"))


@pytest.mark.slow
def test_a_second_run_in_a_workdir_is_refused(folder):
    held = folder / "held"
    with lock_workdir(held):
        code, log = finish(start(held, *SMALL))
    assert code == 1
    (line,) = (line for line in log.splitlines() if line.startswith("error: "))
    assert f"in use by process {os.getpid()} on " in line


@pytest.mark.parametrize("module", ["train", "sweep"])
def test_an_empty_workdir_is_refused(module, tmp_path):
    config = {"train": "seq2seq:simulated", "sweep": "sweeps/mitar:simulated"}[module]
    done = subprocess.run(
        [sys.executable, "-m", f"mirjax.{module}", f"--config={config}", "--workdir="],
        env=fast_environment() | {"PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 1
    assert done.stderr == "error: --workdir: it is empty; name a folder\n"
    assert not list(tmp_path.glob("config.json"))


def test_the_steps_to_profile_are_a_number_or_none():
    def profile(*words):
        parsed = flags.FlagValues()
        train.define_flags(parsed)
        parsed(["train", "--workdir=W", *words])
        return parsed.profile

    assert profile() == profile("--noprofile") == 0
    assert profile("--profile") == 10
    assert profile("--profile=3") == 3
    for wrong in ("-1", "1.5", "many"):
        with pytest.raises(flags.IllegalFlagValueError, match="a number of steps, not"):
            profile(f"--profile={wrong}")


def test_only_pairs_that_bind_are_trained_on(monkeypatch, tmp_path):
    pairs = Pairs(
        mirnas=["UGAGGUAGUAGGUUGUAUAGUU"] * 6,
        targets=["AACUAUACAACCUACUACCUCA"] * 6,
        labels=np.array([1, 0, 1, 1, 0, 0], np.uint8),
    )
    split = Split(np.arange(3), np.array([3, 4]), np.array([], int))
    monkeypatch.setattr(registry, "load_split", lambda *_, **__: (pairs, split))
    config = seq2seq.get_config("simulated")
    data = task_data.load_data(config)
    assert [len(data.train.weights), len(data.held_out.weights)] == [2, 1]

    for rows, problem in ([4, 5], "every row is labelled 0"), ([], "there are no rows"):
        none = dataclasses.replace(split, validation=np.array(rows, int))
        monkeypatch.setattr(
            registry, "load_split", lambda *_, none=none, **__: (pairs, none)
        )
        with pytest.raises(ValueError, match=f"held-out rows: {problem}"):
            train.train(config, tmp_path / "other")
    assert not (tmp_path / "other").exists()


@pytest.mark.slow
def test_a_classifier_learns_a_rule_and_is_exported(monkeypatch, tmp_path):
    (device, *_) = jax.devices()  # eight virtual ones on two cores are slow
    monkeypatch.setattr(jax, "devices", lambda: [device])
    pairs = labelled_pairs(500)
    split = Split(np.arange(400), np.arange(400, 500), np.array([], int))
    monkeypatch.setattr(registry, "load_split", lambda *_, **__: (pairs, split))
    train.train(small_classifier(), tmp_path / "run")
    rows = read_metrics(tmp_path / "run")
    assert [row["step"] for row in rows] == [30, 60, 90]
    assert max(row["val/accuracy"] for row in rows) > 0.95
    trained = loading.load_model(tmp_path / "run")
    held_out = pairs.take(split.validation)
    probabilities = predict_probabilities(trained, held_out)
    best = max(rows, key=lambda row: row["val/accuracy"])
    logits = predict_logits(trained.model, trained.params, held_out)
    assert trained.metadata["temperature"] == fit_temperature(held_out.labels, logits)
    # The exported model is the best one's, and says what the loop measured.
    assert trained.metadata["step"] == best["step"]
    assert np.mean((probabilities > 0.5) == held_out.labels) == pytest.approx(
        best["val/accuracy"]
    )


def test_a_classifier_needs_both_labels(monkeypatch, tmp_path):
    pairs = labelled_pairs(20)
    split = Split(np.arange(10), np.array([11, 13, 15]), np.array([], int))
    unlabelled = Pairs(pairs.mirnas, pairs.targets)
    for given, part in ((pairs, "held-out"), (unlabelled, "training")):
        monkeypatch.setattr(
            registry, "load_split", lambda *_, given=given, **__: (given, split)
        )
        with pytest.raises(
            ValueError, match=f"{part} rows: .* a classifier needs rows"
        ):
            train.train(small_classifier(), tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_a_classifier_may_be_told_to_learn_from_one_label(monkeypatch, tmp_path):
    pairs = labelled_pairs(40)
    split = Split(np.arange(30), np.arange(30, 40), np.array([], int))
    monkeypatch.setattr(registry, "load_split", lambda *_, **__: (pairs, split))
    config = small_classifier()
    config.data.negatives = "none"
    prepared = task_data.load_data(config)
    assert prepared.train.labels.tolist() == [1.0] * 15
    assert prepared.held_out.labels.tolist() == [1.0] * 5
    model = make_model(config.model)
    params = random_params(model, seed=0)
    assert prepared.describe(model, params) == {}  # no temperature fits one label


@pytest.mark.slow
def test_a_wrong_config_is_one_line_and_leaves_nothing(tmp_path):
    """From a folder that holds no config."""
    simulated = "configs/seq2seq.py:simulated"
    cases = [
        ("configs/seq2seq.py:other", [], "variant 'other' is not one of published"),
        ("seq2seq:other", [], "variant 'other' is not one of published"),
        ("configs/none.py", [], "none.py"),
        (simulated, ["--config.train.steps=3"], "train.steps"),
        (simulated, ["--config.data.name=x"], "'x'"),
        (simulated, ["--config.data.split=odd"], "odd"),
        (simulated, ["--config.model.conv_width=40"], "conv_width"),
    ]
    lines = [
        [f"--config={config}", f"--workdir={tmp_path / 'run'}", *arguments]
        for config, arguments, _ in cases
    ]
    late = ["mirjax.training.loop", "mirjax.training.task"]
    environment = fast_environment() | {"PYTHONPATH": str(ROOT)}
    found = run_forked("mirjax.train", late, lines, tmp_path, environment)
    for (code, errors), (_, _, part) in zip(found, cases, strict=True):
        assert code == 1
        (line,) = errors.splitlines()
        assert line.startswith("error: ") and part in line
    assert not (tmp_path / "run").exists()
