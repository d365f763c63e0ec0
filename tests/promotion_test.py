"""JAX_NUMPY_DTYPE_PROMOTION=strict is a user's to set: every model trains with it."""

import functools
import importlib

import jax
import pytest

from mirjax.models import loading
from mirjax.models.losses import evaluate_batch
from mirjax.train import train
from mirjax.training import sharding
from mirjax.training.calls import make_recipe, run_steps
from mirjax.training.metric_writer import read_metrics
from mirjax.training.state import TrainState
from mirjax.training.task import make_task


def small(name):
    config = importlib.import_module(f"mirjax.configs.{name}").get_config("simulated")
    config.train.update({"num_epochs": 0.05, "eval_every_epochs": 0.05})
    return config


@pytest.mark.slow
@pytest.mark.parametrize("name", ["seq2seq", "transformer", "mitar", "duplex"])
def test_steps_and_evaluations_are_traced_without_implicit_promotion(name):
    """Types are checked when a program is traced, before it is compiled."""
    task = make_task(small(name))
    recipe = make_recipe(task, sharding.mesh_of(jax.devices()[:1]))
    variables = jax.eval_shape(
        task.model.init, jax.random.key(0), *task.model.example_inputs()
    )
    params, rows = variables["params"], task.data.train
    with jax.numpy_dtype_promotion("strict"):
        state = TrainState(
            jax.ShapeDtypeStruct((), "int32"),
            params,
            jax.eval_shape(recipe.optimizer.init, params),
        )
        steps = functools.partial(run_steps, recipe, 0, count=1)
        after, _ = jax.eval_shape(steps, state, rows)
        jax.eval_shape(functools.partial(evaluate_batch, task.model), params, rows)
    assert jax.tree.structure(after) == jax.tree.structure(state)


@pytest.mark.slow
def test_a_run_does_not_need_implicit_promotion(tmp_path, monkeypatch):
    devices = jax.devices()[:1]
    monkeypatch.setattr(jax, "devices", lambda: devices)
    jax.clear_caches()  # of programs that were traced before
    with jax.numpy_dtype_promotion("strict"):
        train(small("mitar"), tmp_path)
    assert len(read_metrics(tmp_path)) == 1
    assert loading.load_model(tmp_path).params
