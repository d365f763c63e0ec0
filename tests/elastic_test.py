"""A run that is continued on another number of devices."""

import jax
import numpy as np
import pytest
from small_runs import random_rows, small_config

from mirjax.training.loop import Folders, Loop
from mirjax.training.programs import SingleRun
from mirjax.training.task import make_task
from mirjax.training.task_rows import TaskData

ALL_DEVICES = jax.devices()


class Killed(Exception):
    pass


def kill(step, metrics):
    if step >= 9:
        raise Killed


def train(folder, monkeypatch, devices, report=lambda step, metrics: None):
    monkeypatch.setattr(jax, "devices", lambda: ALL_DEVICES[:devices])
    folder.mkdir(exist_ok=True)
    rows, held_out = random_rows(40), random_rows(21, seed=1)
    program = SingleRun(
        make_task(small_config(num_epochs=5.0), TaskData(rows, held_out))
    )
    Loop(program, Folders([folder], folder), report=report).run()
    return jax.device_get(program.state)


@pytest.fixture(scope="module")
def on_one(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        return train(tmp_path_factory.mktemp("elastic") / "one", patch, 1)


@pytest.mark.slow
@pytest.mark.parametrize(("before", "after"), [(8, 1), (8, 2), (8, 4), (2, 8)])
def test_a_run_goes_on_with_other_devices(tmp_path, monkeypatch, on_one, before, after):
    with pytest.raises(Killed):
        train(tmp_path / "run", monkeypatch, before, kill)
    found = train(tmp_path / "run", monkeypatch, after)
    assert int(found.step) == int(on_one.step) == 15
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=2e-4, atol=2e-6),
        found.params,
        on_one.params,
    )
