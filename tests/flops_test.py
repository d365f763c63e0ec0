"""Tests of mirjax.training.flops, against sums written out and XLA's own count."""

import functools
import importlib

import jax
import jax.numpy as jnp
import pytest
from jax import lax
from small_runs import encoded, labelled_pairs, random_rows, small_classifier

from mirjax.models.layers import LSTM
from mirjax.training import sharding
from mirjax.training.calls import (
    TRACED,
    make_recipe,
    make_vmapped_run_steps,
    run_steps,
)
from mirjax.training.flops import count_flops
from mirjax.training.state import TrainState
from mirjax.training.task import make_task
from mirjax.training.task_rows import TaskData


def counted(function, *shapes):
    return count_flops(jax.make_jaxpr(function)(*(jnp.ones(shape) for shape in shapes)))


def counted_by_xla(function, *shapes):
    arguments = [jnp.ones(shape) for shape in shapes]
    return jax.jit(function).lower(*arguments).cost_analysis()["flops"]


def test_a_product_is_two_operations_for_each_pair_of_numbers():
    assert counted(jnp.matmul, (4, 7), (7, 3)) == 2 * 4 * 7 * 3
    assert counted(jnp.matmul, (5, 4, 7), (5, 7, 3)) == 5 * 2 * 4 * 7 * 3
    assert counted(jnp.exp, (4, 7)) == 0


def test_a_loop_counts_as_often_as_it_runs():
    def powers(x):
        return lax.scan(lambda y, _: (y @ x, None), x, length=9)[0]

    assert counted(powers, (6, 6)) == 9 * 2 * 6**3
    assert counted_by_xla(powers, (6, 6)) < 2 * 2 * 6**3  # why it is counted here

    def nested(x):
        return lax.scan(lambda y, _: (powers(y), None), x, length=4)[0]

    assert counted(jax.jit(nested), (6, 6)) == 4 * 9 * 2 * 6**3
    # Backwards, a product has two: for each of its operands.
    gradient = jax.grad(lambda x: powers(x).sum())
    assert counted(gradient, (6, 6)) == 3 * 9 * 2 * 6**3


def test_of_a_condition_the_longest_branch_counts_and_while_is_unknown():
    def choose(x):
        return lax.cond(x[0, 0] > 0, lambda y: y @ y @ y, lambda y: y @ y, x)

    assert counted(choose, (6, 6)) == 2 * 2 * 6**3

    def repeat(body):
        return lambda x: lax.while_loop(lambda y: y[0, 0] < 1, body, x)

    assert counted(repeat(lambda y: y @ y), (6, 6)) is None
    assert counted(lambda x: repeat(lambda y: y + 1)(x @ x), (6, 6)) == 2 * 6**3
    within = jax.jit(lambda x: lax.scan(lambda y, _: (choose(y), None), x, length=2)[0])
    assert counted(within, (6, 6)) == 2 * 2 * 2 * 6**3


@pytest.mark.parametrize(
    "options",
    [
        {"window_strides": (1,), "padding": "VALID"},
        {"window_strides": (1,), "padding": "SAME"},
        {"window_strides": (2,), "padding": [(3, 1)]},
        {"window_strides": (1,), "padding": [(4, 4)], "lhs_dilation": (3,)},
        {"window_strides": (2,), "padding": "SAME", "rhs_dilation": (2,)},
    ],
)
def test_a_convolution_and_its_gradient_count_as_xla_counts_them(options):
    def convolve(x, kernel):
        return lax.conv_general_dilated(
            x, kernel, dimension_numbers=("NWC", "WIO", "NWC"), **options
        )

    shapes = ((3, 17, 4), (5, 4, 6))
    found = counted(convolve, *shapes)
    assert found == counted_by_xla(convolve, *shapes)
    gradients = jax.grad(lambda *inputs: convolve(*inputs).sum(), argnums=(0, 1))
    assert counted(gradients, *shapes) == pytest.approx(3 * found)


def test_a_grouped_convolution_reads_the_features_of_its_group():
    def grouped(x, kernel):
        return lax.conv_general_dilated(
            x,
            kernel,
            (1, 1),
            "VALID",
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
            feature_group_count=2,
        )

    assert counted(grouped, (3, 8, 9, 4), (3, 2, 2, 6)) == 2 * 3 * 6 * 8 * 6 * 6 * 2


@pytest.mark.slow
def test_an_lstm_counts_four_gates_at_each_step():
    rows, steps, features, hidden = 3, 11, 5, 7
    layer = LSTM(features=hidden)
    inputs = jnp.ones((features, steps, rows))
    variables = layer.init(jax.random.key(0), inputs)
    gates = 4 * hidden * (features + 1 + hidden)  # the bias is a row of the kernel
    found = count_flops(jax.make_jaxpr(layer.apply)(variables, inputs))
    assert found == 2 * rows * steps * gates


def step_flops(config, rows, count=1, together=0):
    """Count a call of training steps, without compiling anything."""
    task = make_task(config, TaskData(rows, rows))
    mesh = sharding.mesh_of(jax.devices()[:1])
    recipe = make_recipe(task, mesh)
    inputs = task.model.example_inputs()
    params = jax.eval_shape(task.model.init, jax.random.key(0), *inputs)["params"]
    step = jax.ShapeDtypeStruct((), jnp.int32)
    state = TrainState(step, params, jax.eval_shape(recipe.optimizer.init, params))
    if not together:
        run = functools.partial(run_steps, recipe, 0)
        return count_flops(jax.make_jaxpr(run, static_argnums=2)(state, rows, count))
    states, values = jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct((together, *leaf.shape), leaf.dtype),
        (state, {key: jnp.float32(0) for key in TRACED} | {"seed": jnp.int32(0)}),
    )
    run = make_vmapped_run_steps(task, mesh, states)
    return count_flops(run.trace(values, states, rows, count).jaxpr)


@pytest.mark.slow
def test_a_step_counts_its_batch_however_it_is_computed():
    config = small_classifier()
    config.model.update({"conv_features": 4, "lstm_features": 3})
    rows = encoded(labelled_pairs(64))
    once = step_flops(config, rows)
    assert once > 0
    assert step_flops(config, rows, count=2) == 2 * once
    assert step_flops(config, rows, together=3) == 3 * once
    config.train.micro_batches = 4
    # Products of parameters alone, as of the letters' embeddings, are made four times.
    assert once <= step_flops(config, rows) < 1.05 * once
    config.train.compute_dtype = "bfloat16"
    assert once <= step_flops(config, rows) < 1.05 * once
    config.train.update({"micro_batches": 1, "batch_size": 16})
    assert step_flops(config, rows) == pytest.approx(once / 2, rel=0.05)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["seq2seq", "transformer", "mitar", "duplex"])
def test_every_model_can_be_counted(name):
    config = importlib.import_module(f"mirjax.configs.{name}").get_config()
    generates = name in ("seq2seq", "transformer")
    rows = random_rows(40) if generates else encoded(labelled_pairs(40))
    config.train.batch_size = 32
    if name == "duplex":
        config.unlock()
        config.model.update({"max_mirna_length": 26, "max_target_length": 53})
    model = make_task(config, TaskData(rows, rows)).model
    inputs = model.example_inputs()
    params = jax.eval_shape(model.init, jax.random.key(0), *inputs)["params"]
    numbers = sum(leaf.size for leaf in jax.tree.leaves(params))
    # Each number takes part in a product at least once a row, forward and twice back.
    assert step_flops(config, rows) > 3 * 2 * 32 * 0.9 * numbers
