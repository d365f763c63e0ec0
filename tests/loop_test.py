"""The training loop: resuming, stopping, devices, and what it writes."""

import json
import os
import pathlib
import re
import shutil
import signal
import threading

import chex
import jax
import numpy as np
import pytest
from small_runs import lasting, random_rows, small_config

from mirjax.models import loading
from mirjax.models import trained as exported
from mirjax.training import checkpoint, sharding, utilization
from mirjax.training.calls import next_stop
from mirjax.training.checkpoint_hashes import saved_steps
from mirjax.training.loop import Folders, Loop
from mirjax.training.metric_writer import read_metrics
from mirjax.training.options import StepCounts
from mirjax.training.programs import SingleRun
from mirjax.training.stop_signal import TrainingStopped
from mirjax.training.task import make_task
from mirjax.training.task_rows import TaskData

ALL_DEVICES = jax.devices


@pytest.fixture(autouse=True)
def one_device(monkeypatch):
    """Eight virtual devices on two cores are slow; one test compares the two."""
    monkeypatch.setattr(jax, "devices", lambda: ALL_DEVICES()[:1])


def no_decoding(model, params):
    return {}


def no_report(step, metrics):
    pass


def train(config, folder, rows=None, validate=no_decoding, report=no_report):
    folder.mkdir(exist_ok=True)
    rows = random_rows(40) if rows is None else rows
    task = make_task(config, TaskData(rows, random_rows(21, seed=1), validate))
    program = SingleRun(task)
    Loop(program, Folders([folder], folder), report=report).run()
    return program


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The small run, uninterrupted: its program, and its folder to read or copy."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jax, "devices", lambda: ALL_DEVICES()[:1])
        folder = tmp_path_factory.mktemp("loop") / "finished"
        yield train(small_config(), folder), folder


@pytest.fixture(scope="module")
def logged(tmp_path_factory):
    """The same with rows of metrics between evaluations."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jax, "devices", lambda: ALL_DEVICES()[:1])
        folder = tmp_path_factory.mktemp("loop") / "logged"
        yield train(small_config(log_every=4), folder), folder


@pytest.fixture
def copy(finished, tmp_path):
    """A copy of the finished run's folder."""
    return pathlib.Path(shutil.copytree(finished[1], tmp_path / "run"))


class Killed(Exception):
    pass


@pytest.mark.slow
@pytest.mark.parametrize("killed_at", [4, 8, 13, 19])
def test_a_run_killed_and_resumed_ends_bit_for_bit_the_same(
    tmp_path, logged, killed_at
):
    config = small_config(log_every=4)
    whole, folder = logged

    def kill(step, metrics):
        if step >= killed_at:
            raise Killed

    with pytest.raises(Killed):
        train(config, tmp_path / "cut", report=kill)
    resumed = train(config, tmp_path / "cut")
    assert int(resumed.state.step) == 24
    chex.assert_trees_all_equal(whole.state, resumed.state)

    assert lasting(folder) == lasting(tmp_path / "cut")
    steps = [row["step"] for row in lasting(folder)]
    assert steps == [4, 6, 8, 12, 16, 18, 20, 24], "each step once"


@pytest.mark.slow
def test_rows_between_evaluations_are_means_since_the_row_before(tmp_path):
    seen = []
    config = small_config(log_every=4)
    config.steps_per_call = 1
    train(config, tmp_path / "run", report=lambda _, metrics: seen.append(metrics))
    rows = {row["step"]: row for row in read_metrics(tmp_path / "run")}
    losses = [metrics["loss"] for metrics in seen]
    for step, first in ((4, 0), (8, 6), (16, 12), (20, 18)):
        mean = np.mean(losses[first:step])
        assert rows[step]["train/loss"] == pytest.approx(mean, rel=1e-6)
        assert "val/loss" not in rows[step]
    assert rows[6]["train/loss"] == pytest.approx(np.mean(losses[:6]), rel=1e-6)
    silent = train(small_config(log_every=0), tmp_path / "silent")
    assert len(read_metrics(tmp_path / "silent")) == 4
    assert int(silent.state.step) == 24


@pytest.mark.slow
@pytest.mark.parametrize(
    ("signum", "exit_code"),
    [(signal.SIGTERM, 143), (signal.SIGHUP, 143), (signal.SIGINT, 130)],
)
def test_a_signal_saves_and_the_run_goes_on_to_the_same_end(
    tmp_path, finished, signum, exit_code
):
    whole, _ = finished

    def terminate(step, metrics):
        if step == 9:
            os.kill(os.getpid(), signum)

    before = signal.getsignal(signum)
    with pytest.raises(TrainingStopped, match=f"{signum.name} at step") as stopped:
        train(small_config(), tmp_path / "cut", report=terminate)
    assert stopped.value.exit_code == exit_code
    assert signal.getsignal(signum) is before
    saved = {int(path.name) for path in (tmp_path / "cut/checkpoints").iterdir()}
    assert max(saved) >= 9, "the step SIGTERM came at is saved, not only evaluations"
    resumed = train(small_config(), tmp_path / "cut")
    chex.assert_trees_all_equal(whole.state.params, resumed.state.params)


@pytest.mark.slow
def test_sigterm_at_an_evaluation_still_evaluates(tmp_path):
    def terminate(step, metrics):
        if step == 21:  # the last call before the end has been dispatched
            os.kill(os.getpid(), signal.SIGTERM)

    train(small_config(), tmp_path / "run", report=terminate)
    assert [row["step"] for row in read_metrics(tmp_path / "run")] == [6, 12, 18, 24]


@pytest.mark.slow
def test_one_device_equals_eight(tmp_path, finished, monkeypatch):
    one, _ = finished
    assert one.mesh.size == 1
    monkeypatch.setattr(jax, "devices", ALL_DEVICES)
    eight = train(small_config(), tmp_path / "eight")
    assert eight.mesh.size == 8
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=2e-4, atol=2e-6),
        jax.device_get(eight.state.params),
        jax.device_get(one.state.params),
    )


@pytest.mark.slow
def test_steps_per_call_does_not_change_the_result(tmp_path, finished):
    config = small_config()
    config.steps_per_call = 1
    single = train(config, tmp_path / "single")
    several, _ = finished
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6),
        single.state.params,
        several.state.params,
    )


@pytest.mark.slow
def test_a_loss_that_is_not_a_number_stops_the_run_and_names_the_step(tmp_path):
    config = small_config()
    config.optimizer.learning_rate = 1e38
    config.optimizer.schedule = "constant"
    # The first step is made with finite parameters, the second with infinite ones.
    with pytest.raises(FloatingPointError, match="at step 2;"):
        train(config, tmp_path / "run")
    assert not (tmp_path / "run" / exported.FILE_NAME).exists()


@pytest.mark.slow
def test_parameters_that_are_not_finite_are_neither_saved_nor_exported(tmp_path):
    """The last step's loss is still finite: it was computed before the update."""
    config = small_config(num_epochs=1 / 3)
    config.optimizer.learning_rate = 1e38
    config.optimizer.schedule = "constant"
    config.optimizer.clip_norm = 0.0
    config.optimizer.weight_decay = 1e38
    with pytest.raises(FloatingPointError, match="a parameter is .* at step 1;"):
        train(config, tmp_path / "run")
    assert not (tmp_path / "run" / exported.FILE_NAME).exists()
    assert not saved_steps(tmp_path / "run/checkpoints")
    assert not read_metrics(tmp_path / "run")


@pytest.mark.slow
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_validation_metric_that_is_not_finite_stops_the_run(tmp_path, value):
    values = iter([1.0, value])
    config = small_config(best_metric="val/loss")
    with pytest.raises(FloatingPointError, match=f"scripted is {value} at step 12;"):
        train(config, tmp_path / "run", validate=lambda *_: {"scripted": next(values)})
    assert loading.load_model(tmp_path / "run").metadata["step"] == 6
    assert saved_steps(tmp_path / "run/checkpoints") == [6]
    assert [row["step"] for row in read_metrics(tmp_path / "run")] == [6]


def test_a_damaged_checkpoint_is_told_and_the_one_before_it_used(
    finished, copy, caplog
):
    whole, _ = finished
    damaged = copy / "checkpoints/24"
    files = [path for path in damaged.rglob("*") if path.is_file()]
    largest = max(files, key=lambda path: path.stat().st_size)
    content = bytearray(largest.read_bytes())
    content[len(content) // 2] ^= 16
    largest.write_bytes(content)
    resumed = train(small_config(), copy)
    assert "step 24 is damaged" in caplog.text and largest.name in caplog.text
    assert (copy / "damaged/24").is_dir()
    chex.assert_trees_all_equal(whole.state, resumed.state)
    assert [row["step"] for row in read_metrics(copy)] == [6, 12, 18, 24]


@pytest.mark.slow
def test_a_run_logs_a_line_at_each_evaluation(copy, caplog):
    caplog.set_level("INFO", logger="absl")
    shutil.rmtree(copy / "checkpoints/24")
    train(small_config(num_epochs=12.0), copy)
    form = r"epoch (\d+)/12  loss \d\.\d\d  held out \d\.\d\d  [\d,]+ rows/s"
    lines = [re.fullmatch(form + "(  [0-9:]+ left)?", x) for x in caplog.messages]
    found = [(line[1], bool(line[2])) for line in lines if line]
    assert found == [("8", True), ("10", True), ("12", False)]


def test_fewer_epochs_than_are_done_are_refused(copy):
    with pytest.raises(ValueError, match=r"has already done 8 epochs .*num_epochs=7 "):
        train(small_config(num_epochs=7.0), copy)
    train(small_config(num_epochs=8.0), copy)


@pytest.mark.slow
@pytest.mark.parametrize(("export", "step"), [("best", 12), ("last", 24)])
def test_a_lost_model_file_is_written_again(tmp_path, export, step):
    values = iter([3.0, 1.0, 1.0, 1.0])  # ties keep the first
    config = small_config(best_metric="val/scripted", export=export)
    train(config, tmp_path / "run", validate=lambda *_: {"scripted": next(values)})
    path = tmp_path / "run" / exported.FILE_NAME
    before = loading.load_model(path)
    path.unlink()
    train(config, tmp_path / "run")
    after = loading.load_model(path)
    assert after.metadata == before.metadata and after.metadata["step"] == step
    chex.assert_trees_all_equal(before.params, after.params)


@pytest.mark.slow
def test_a_run_whose_checkpoints_are_lost_is_refused_and_keeps_its_metrics(copy):
    shutil.rmtree(copy / "checkpoints")
    metrics = (copy / "metrics.jsonl").read_text()
    with pytest.raises(ValueError, match="reaches step 24, but no checkpoint is left"):
        train(small_config(), copy)
    assert (copy / "metrics.jsonl").read_text() == metrics
    (copy / "metrics.jsonl").rename(copy / "earlier.jsonl")
    train(small_config(num_epochs=2.0), copy)  # as the message says


@pytest.mark.slow
def test_early_stopping_keeps_the_best(tmp_path):
    values = iter([3.0, 1.0, 2.0, 2.5, 0.5])
    seen = []

    def validate(model, params):
        seen.append(jax.device_get(params))
        return {"scripted": next(values)}

    config = small_config(
        best_metric="val/scripted",
        patience_epochs=4.0,
        num_epochs=20.0,
        export="best",
    )
    program = train(config, tmp_path / "run", validate=validate)
    assert int(program.state.step) == 24, "best at 12, stopped 12 steps later"
    model = loading.load_model(tmp_path / "run")
    assert model.metadata["step"] == 12
    chex.assert_trees_all_equal(dict(model.params), seen[1])
    kept = {path.name for path in (tmp_path / "run/checkpoints").iterdir()}
    assert kept == {"12", "18", "24"}, "the best and the last two"
    again = train(config, tmp_path / "run", validate=validate)
    assert int(again.state.step) == 24, "a stopped run stays stopped"


@pytest.mark.slow
def test_export_last_is_the_average_at_the_last_evaluation(tmp_path):
    config = small_config(export="last")
    config.optimizer.ema_decay = 0.5
    program = train(config, tmp_path / "run")
    model = loading.load_model(tmp_path / "run")
    assert model.metadata["step"] == 24
    average = program.state.opt_state[-1].average
    chex.assert_trees_all_equal(dict(model.params), jax.device_get(average))
    with pytest.raises(AssertionError):
        chex.assert_trees_all_close(average, program.state.params)


def test_metrics_hold_a_line_for_each_evaluation(finished):
    program, folder = finished
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    assert [row["step"] for row in rows] == [6, 12, 18, 24]
    assert all(row["train/loss"] > 0 and row["val/loss"] > 0 for row in rows)
    peak = utilization.measured_peak(program.mesh)
    for row in rows:
        computed = row["train/flops_per_second"] * row["train/seconds"]
        assert computed == pytest.approx(6 * program.calls.flops_per_step)
        assert row["train/mfu"] * peak == pytest.approx(row["train/flops_per_second"])
    assert any((folder / "tensorboard").iterdir())


@pytest.mark.slow
def test_training_lowers_the_loss(tmp_path):
    config = small_config(num_epochs=40.0, eval_every_epochs=20.0)
    config.optimizer.learning_rate = 0.01
    train(config, tmp_path / "run")
    first, *_, last = read_metrics(tmp_path / "run")
    assert last["train/loss"] < first["train/loss"] - 0.05


@pytest.mark.slow
def test_an_unknown_best_metric_is_named(tmp_path):
    with pytest.raises(ValueError, match="val/nothing"):
        train(small_config(best_metric="val/nothing"), tmp_path / "run")


def test_saving_a_step_twice_keeps_the_first(tmp_path, finished):
    program, _ = finished
    with checkpoint.Checkpoints(tmp_path / "again") as checkpoints:
        for _ in range(2):
            checkpoints.save(24, program.state, {})
    assert [path.name for path in (tmp_path / "again/checkpoints").iterdir()] == ["24"]


@pytest.mark.parametrize("batch_size, used", [(16, 8), (50, 2), (7, 1), (12, 4)])
def test_the_mesh_has_as_many_devices_as_divide_the_batch(
    batch_size, used, monkeypatch
):
    monkeypatch.setattr(jax, "devices", ALL_DEVICES)
    assert sharding.make_mesh(batch_size).size == used


def test_the_stops_of_a_run_depend_on_the_step_alone():
    counts = StepCounts(10, 50, 7, patience=0, warmup=0, per_call=3)
    stops = [0]
    while stops[-1] < 50:
        stops.append(next_stop(stops[-1], counts))
    expected = {step for step in range(50) if step % 7 == 0 or step % 10 % 3 == 0}
    assert set(stops) == expected | {50}


@pytest.mark.slow
def test_training_works_off_the_main_thread(tmp_path):
    """Signals belong to the main thread; a notebook may train elsewhere."""
    errors = []

    def work():
        try:
            train(small_config(num_epochs=2.0), tmp_path / "run")
        except Exception as error:  # noqa: BLE001
            errors.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert not errors
