"""Vmapped runs, against runs trained one by one."""

import os
import signal

import jax
import numpy as np
import pytest
from small_runs import encoded, labelled_pairs, lasting, small_classifier

from mirjax.models import loading
from mirjax.training import loop
from mirjax.training.loop import Folders, Loop
from mirjax.training.metric_writer import read_metrics
from mirjax.training.programs import SingleRun, VmappedRuns
from mirjax.training.stop_signal import TrainingStopped
from mirjax.training.task import make_task
from mirjax.training.task_rows import TaskData

PAIRS = labelled_pairs(126)
DATA = TaskData(encoded(PAIRS.take(range(96))), encoded(PAIRS.take(range(96, 126))))


@pytest.fixture(autouse=True)
def one_device(monkeypatch):
    """Eight virtual devices on two cores are slow."""
    (device, *_) = jax.devices()
    monkeypatch.setattr(jax, "devices", lambda: [device])


def config_of(learning_rate=0.005, dropout=0.1, seed=0, **train):
    config = small_classifier()
    config.model.update({"conv_features": 6, "lstm_features": 4, "dropout": dropout})
    config.optimizer.update({"learning_rate": learning_rate, "schedule": "cosine"})
    config.optimizer.warmup_epochs = 0.5
    config.seed = seed
    config.steps_per_call = 3
    config.train.update({"batch_size": 16, "num_epochs": 2.0})  # of 6 steps
    config.train.eval_every_epochs = 1.0
    config.train.update({"best_metric": "val/loss", "best_mode": "min"})
    config.train.update(train)
    return config


CONFIGS = [
    config_of(),
    config_of(learning_rate=0.02, dropout=0.4),
    config_of(dropout=0.0, seed=5),
]


def train_together(folder, configs):
    folders = [folder / f"run{number}" for number in range(len(configs))]
    for run_folder in folders:
        run_folder.mkdir(parents=True, exist_ok=True)
    program = VmappedRuns([make_task(config, DATA) for config in configs])
    where = Folders(folders, folder / "group")
    return Loop(program, where, raise_on_divergence=False).run()


def parameters(folder):
    return jax.tree.leaves(loading.load_model(folder).params)


@pytest.fixture(scope="module")
def together(tmp_path_factory):
    folder = tmp_path_factory.mktemp("together")
    with pytest.MonkeyPatch.context() as patch:
        (device, *_) = jax.devices()
        patch.setattr(jax, "devices", lambda: [device])
        return folder, train_together(folder, CONFIGS)


@pytest.mark.slow
def test_each_run_is_what_it_is_alone(together, tmp_path):
    folder, runs = together
    for number, config in list(enumerate(CONFIGS))[1:]:
        alone = tmp_path / f"run{number}"
        alone.mkdir()
        Loop(SingleRun(make_task(config, DATA)), Folders([alone], alone)).run()
        rows, alone_rows = lasting(folder / alone.name), lasting(alone)
        assert [row.keys() for row in rows] == [row.keys() for row in alone_rows]
        for row, alone_row in zip(rows, alone_rows, strict=True):
            for name, value in row.items():
                assert value == pytest.approx(alone_row[name], rel=1e-3, abs=1e-5)
        for one, other in zip(
            parameters(folder / alone.name), parameters(alone), strict=True
        ):
            np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5)
        best = min(rows, key=lambda row: row["val/loss"])
        assert runs[number].best == pytest.approx(best["val/loss"])
        assert runs[number].best_step == best["step"]
    # They are not all the same run.
    firsts = [parameters(folder / f"run{number}")[0] for number in range(3)]
    assert len({first.tobytes() for first in firsts}) == 3


@pytest.mark.slow
def test_stopped_vmapped_runs_go_on_to_the_same_end(together, tmp_path, monkeypatch):
    whole, _ = together
    next_stop, asked = loop.next_stop, []

    def terminate(step, *arguments):
        asked.append(step)
        if step == 6:
            os.kill(os.getpid(), signal.SIGTERM)
        return next_stop(step, *arguments)

    monkeypatch.setattr(loop, "next_stop", terminate)
    with pytest.raises(TrainingStopped, match="step 9"):
        train_together(tmp_path, CONFIGS)
    runs = train_together(tmp_path, CONFIGS)
    assert asked.count(0) == 1, "the second start goes on, it does not begin anew"
    assert len(runs) == 3
    for number in range(3):
        name = f"run{number}"
        # The metrics of the interrupted interval cover its later part alone.
        assert lasting(tmp_path / name)[:1] == lasting(whole / name)[:1]
        for one, other in zip(
            parameters(tmp_path / name), parameters(whole / name), strict=True
        ):
            np.testing.assert_array_equal(one, other)


@pytest.mark.slow
def test_a_run_that_diverges_leaves_the_others_alone(together, tmp_path):
    folder, _ = together
    configs = [CONFIGS[0], config_of(learning_rate=1e30), CONFIGS[2]]
    runs = train_together(tmp_path, configs)
    assert [run.diverged for run in runs] == [None, 3, None]  # step 1 has rate 0
    assert not read_metrics(tmp_path / "run1")
    for number in (0, 2):
        name = f"run{number}"
        assert len(read_metrics(tmp_path / name)) == 2
        for one, other in zip(
            parameters(tmp_path / name), parameters(folder / name), strict=True
        ):
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


@pytest.mark.slow
def test_early_stopping_ends_each_run_on_its_own(tmp_path):
    patient = {
        "num_epochs": 5.0,
        "patience_epochs": 1.0,
        "eval_every_epochs": 0.5,
    }
    # Without a learning rate nothing gets better after the first evaluation.
    configs = [
        config_of(**patient),
        config_of(learning_rate=0.0, **patient),
    ]
    runs = train_together(tmp_path, configs)
    assert runs[1].stopped
    assert runs[1].best_step == 3
    assert [row["step"] for row in read_metrics(tmp_path / "run1")] == [3, 6, 9]
    assert len(read_metrics(tmp_path / "run0")) > 3
