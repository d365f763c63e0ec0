"""Tests of training that starts from a trained model's parameters."""

import chex
import jax
import numpy as np
import pytest
from equations import random_params

from mirjax.configs import duplex
from mirjax.models import loading, make_model
from mirjax.models.trained import save_model
from mirjax.training import run, workdir
from mirjax.training.programs import VmappedRuns
from mirjax.training.task import make_task
from mirjax.training.task_data import pin_config

SIZES = {"stack_features": 2, "filters": 4, "conv_features": 3, "conv_layers": 1}


@pytest.fixture(autouse=True)
def one_device(monkeypatch):
    """Eight virtual devices on two cores are slow."""
    devices = jax.devices()
    monkeypatch.setattr(jax, "devices", lambda: devices[:1])


def config_of(init_from):
    config = duplex.get_config("simulated").unlock()
    config.model.update(SIZES)
    config.train.update({"num_epochs": 1.0, "batch_size": 64, "init_from": init_from})
    config.optimizer.learning_rate = 0.0
    config.steps_per_call = 8
    return config.lock()


def save(path, **sizes):
    arguments = duplex.get_config("simulated").model.to_dict() | SIZES | sizes
    params = random_params(make_model(arguments), seed=7)
    save_model(path, params, {"model": arguments})
    return params


@pytest.mark.slow
def test_a_run_starts_from_the_model_and_says_so_in_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    params = save(tmp_path / "start.npz")
    run.train(config_of("start.npz"), tmp_path / "W")  # at a learning rate of 0
    made = loading.load_model(tmp_path / "W")
    assert made.metadata["init_from"] == str(tmp_path / "start.npz")
    # Their moving average is exported, which rounds.
    chex.assert_trees_all_close(dict(made.params), params, rtol=1e-6)


@pytest.mark.slow
def test_vmapped_runs_start_from_it_whatever_their_seeds(tmp_path):
    params = save(tmp_path / "start.npz")
    task = make_task(config_of(str(tmp_path / "start.npz")))
    program = VmappedRuns([task, task])
    for number in range(2):
        chex.assert_trees_all_equal(jax.device_get(program.eval_params(number)), params)


def test_another_model_is_refused_with_what_to_set(tmp_path):
    save(tmp_path / "start.npz", filters=5)
    with pytest.raises(ValueError, match=r"init_from=.*--config\.model\.filters=5"):
        make_task(config_of(str(tmp_path / "start.npz")))
    with pytest.raises(
        ValueError,
        match="that is mitar, and --config trains duplex",
    ):
        make_task(config_of("pretrained/mitar"))
    with pytest.raises(ValueError, match=r"no such model .*pretrained/duplex"):
        make_task(config_of("pretrained/duplx"))
    with pytest.raises(ValueError, match=r"nosuch\.npz is not a file"):
        make_task(config_of("nosuch.npz"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="empty holds no trained model"):
        make_task(config_of(str(tmp_path / "empty")))


def test_a_run_is_not_continued_from_another_content(tmp_path):
    start = tmp_path / "start.npz"
    save(start)
    folder = tmp_path / "W"
    run.train(config_of(str(start)), folder)
    arguments = duplex.get_config("simulated").model.to_dict() | SIZES
    other = random_params(make_model(arguments), seed=8)
    save_model(start, other, {"model": arguments})
    changed = pin_config(config_of(str(start)))
    with pytest.raises(ValueError, match="another content of .*start.npz"):
        workdir.check_workdir(folder, changed)


@pytest.mark.slow
def test_the_published_network_trains_on_from_its_released_weights(data_dir):
    """One step away from them, the loss of the same rows is lower."""
    config = duplex.get_config("mirbind2").unlock()
    assert config.model.name == "mirbind2"
    assert config.train.init_from == "published/mirbind2"
    config.data.update(
        {"sources": "simulated", "reserved": "", "as_published": "", "shift": 0}
    )
    task = make_task(config.lock())
    released = loading.load_model("published/mirbind2").params
    for found, wanted in zip(
        jax.tree.leaves(task.initial), jax.tree.leaves(released), strict=True
    ):
        np.testing.assert_array_equal(found, wanted)
