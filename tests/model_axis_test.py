"""Wide kernels that several devices share."""

import jax
import numpy as np
import pytest
from small_runs import (
    encoded,
    labelled_pairs,
    random_rows,
    small_classifier,
    small_config,
)

from mirjax.training import sharding
from mirjax.training.loop import Folders, Loop
from mirjax.training.programs import SingleRun, VmappedRuns
from mirjax.training.task import make_task
from mirjax.training.task_rows import TaskData

ALL_DEVICES = jax.devices()
KERNELS = [
    ("decoder_lstm", "kernel"),
    ("decoder_lstm", "recurrent_kernel"),
    ("encoder_lstm", "kernel"),
    ("encoder_lstm", "recurrent_kernel"),
]


class Stopped(Exception):
    pass


def task_of(model_devices, seed=0):
    config = small_config(num_epochs=3.0, eval_every_epochs=1.0)
    config.train.model_devices = model_devices
    config.seed = seed
    return make_task(config, TaskData(random_rows(40), random_rows(21, seed=1)))


def train(folder, program, last_step=9):
    """Train, or leave the run after a step as a kill does."""
    runs = [folder / str(number) for number in range(len(program.tasks))]
    for run in runs:
        run.mkdir(parents=True, exist_ok=True)

    def report(step, metrics):
        if step > last_step:
            raise Stopped

    Loop(program, Folders(runs, folder), report=report).run()
    return program


def assert_close(found, expected):
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=2e-4, atol=2e-6),
        jax.device_get(found),
        jax.device_get(expected),
    )


@pytest.fixture(scope="module", autouse=True)
def narrow():
    """Divide kernels of 32 columns: those of the small model's LSTMs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sharding, "WIDE", 32)
        yield


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run of one device."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jax, "devices", lambda: ALL_DEVICES[:1])
        return train(tmp_path_factory.mktemp("whole"), SingleRun(task_of(1)))


def divided_kernels(state):
    """Return the names of kernels of which each device holds a quarter of the columns.

    Every device holds all the rest.
    """
    found = set()
    for path, leaf in jax.tree_util.tree_leaves_with_path(state):
        (part,) = {shard.data.shape for shard in leaf.addressable_shards}
        if part != leaf.shape:
            assert part == (*leaf.shape[:-1], leaf.shape[-1] // 4)
            names = [key.key for key in path if hasattr(key, "key")]
            found.add(tuple(names[-2:]))
    return sorted(found)


@pytest.mark.slow
def test_devices_hold_a_part_of_each_wide_kernel(tmp_path, whole):
    program = SingleRun(task_of(4))
    assert program.mesh.shape == {"data": 2, "model": 4}
    assert divided_kernels(program.state) == KERNELS
    train(tmp_path, program)
    assert divided_kernels(program.state) == KERNELS
    assert_close(program.state.params, whole.state.params)
    with np.load(tmp_path / "0/model.npz") as arrays:
        names = [name for name in arrays.files if "recurrent_kernel" in name]
        assert {arrays[name].shape for name in names} == {(8, 32)}


@pytest.mark.slow
def test_a_run_goes_on_with_kernels_that_are_no_longer_divided(
    tmp_path, monkeypatch, whole
):
    with pytest.raises(Stopped):
        train(tmp_path, SingleRun(task_of(4)), last_step=5)
    monkeypatch.setattr(jax, "devices", lambda: ALL_DEVICES[:1])
    ended = train(tmp_path, SingleRun(task_of(1)))
    assert int(ended.state.step) == int(whole.state.step) == 9
    assert_close(ended.state.params, whole.state.params)


@pytest.mark.slow
def test_vmapped_runs_divide_kernels_too(tmp_path, monkeypatch):
    pairs = labelled_pairs(96)
    rows = TaskData(encoded(pairs), encoded(pairs))

    def tasks_of(model_devices):
        config = small_classifier()
        config.train.update({"num_epochs": 2.0, "eval_every_epochs": 2.0})
        config.train.model_devices = model_devices
        seeds = [config.copy_and_resolve_references() for _ in range(2)]
        for seed, each in enumerate(seeds):
            each.seed = seed
        return [make_task(each, rows) for each in seeds]

    divided = train(tmp_path / "divided", VmappedRuns(tasks_of(4)), last_step=6)
    kernel = divided.state.params["forward_lstm"]["recurrent_kernel"]
    assert {shard.data.shape for shard in kernel.addressable_shards} == {(2, 8, 8)}
    monkeypatch.setattr(jax, "devices", lambda: ALL_DEVICES[:1])
    together = train(tmp_path / "whole", VmappedRuns(tasks_of(1)), last_step=6)
    for run in range(2):
        assert_close(divided.eval_params(run), together.eval_params(run))


def test_devices_must_divide_into_groups(monkeypatch):
    monkeypatch.setattr(jax, "devices", lambda: ALL_DEVICES[:6])
    with pytest.raises(ValueError, match=r"model_devices=4 does not divide the 6 dev"):
        sharding.make_mesh(16, 4)
    assert sharding.make_mesh(8, 3).shape == {"data": 2, "model": 3}
    assert sharding.make_mesh(7, 3).shape == {"data": 1, "model": 3}
