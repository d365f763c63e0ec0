"""Tests of mirjax.training.sharding: what devices exchange."""

import functools

import jax
import numpy as np
import pytest
from equations import random_params
from small_runs import random_rows, small_config

from mirjax.models import losses, make_model
from mirjax.training import sharding
from mirjax.training.programs import SingleRun
from mirjax.training.task import make_task
from mirjax.training.task_rows import TaskData

MODEL = make_model(
    {"name": "seq2seq", "conv_features": 6, "dense_features": 6, "lstm_features": 8}
)


@pytest.mark.parametrize("vmapped", [False, True])
def test_metrics_are_added_up_without_gathering_rows(vmapped):
    """Two gathers at a time can wait for each other for ever."""
    evaluate = functools.partial(losses.evaluate_batch, MODEL)
    params, rows = random_params(MODEL, seed=0, scale=0.3), random_rows(48)
    if vmapped:
        evaluate = jax.vmap(evaluate, in_axes=(0, None))
        params = jax.tree.map(lambda leaf: np.stack([leaf, leaf / 2]), params)
    mesh = sharding.mesh_of(jax.devices())
    divided = sharding.put(rows, sharding.by_row(mesh))
    program = jax.jit(sharding.added_up(evaluate, mesh)).lower(params, divided)
    compiled = program.compile()
    assert "all-gather" not in compiled.as_text()
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5),
        compiled(params, divided),
        jax.jit(evaluate)(params, rows),
    )


def test_devices_exchange_gradients_and_no_rows():
    """A layer that joins the rows' axis with another would have them gathered."""
    task = make_task(small_config(), TaskData(random_rows(48), random_rows(16)))
    program = SingleRun(task)
    text = program.calls.compile(3, program.state, program.data.rows).as_text()
    assert "all-reduce" in text and "all-gather" not in text
