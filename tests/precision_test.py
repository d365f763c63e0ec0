"""Tests of mirjax.training.precision: which numbers are rounded to bfloat16."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.extend import core
from small_runs import encoded, labelled_pairs, small_classifier

from mirjax.models.recurrence import recurrence
from mirjax.training.precision import in_bfloat16
from mirjax.training.programs import SingleRun, VmappedRuns
from mirjax.training.task import make_task
from mirjax.training.task_rows import TaskData


def products(jaxpr):
    """Yield every product of a traced function, those of inner functions too."""
    for equation in jaxpr.eqns:
        if equation.primitive.name in ("dot_general", "conv_general_dilated"):
            yield equation
        for value in equation.params.values():
            for part in value if isinstance(value, tuple) else (value,):
                if isinstance(part, core.ClosedJaxpr):
                    yield from products(part.jaxpr)


def rounded(x):
    return np.asarray(x).astype(jnp.bfloat16).astype(np.float64)


def test_operands_are_rounded_and_sums_are_not():
    a, b = (
        jax.random.normal(jax.random.key(n), shape)
        for n, shape in enumerate([(3, 300), (300, 2)])
    )
    found = in_bfloat16(lambda a, b: a @ b + 1e-4 * a[:, :2])(a, b)
    expected = rounded(a) @ rounded(b) + 1e-4 * np.asarray(a)[:, :2]
    assert found.dtype == jnp.float32
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
    assert np.abs(found - a @ b).max() > 1e-3


@pytest.mark.slow
def test_all_products_of_loops_branches_and_derivatives_are_rounded():
    """A scan, a branch, a loop, a jitted call and a derivative of its own."""
    kernel = jax.random.normal(jax.random.key(0), (4, 16)) * 0.3
    images = jax.random.normal(jax.random.key(1), (1, 1, 6, 6))

    def function(kernel, images):
        inputs = (jnp.ones((4, 3, 2)),) * 4
        hs, c = recurrence(inputs, kernel, None, (jnp.zeros((4, 2)),) * 2)
        x = jax.jit(lambda x: x @ x.T)(hs[:, -1] + c)
        x = jax.lax.cond(x[0, 0] > 0, lambda: x @ x, lambda: x)
        x = jax.lax.fori_loop(0, x.shape[0], lambda _, y: 0.1 * y @ y, x)
        y = jax.lax.conv_general_dilated(images, images[..., :2, :2], (1, 1), "VALID")
        return jnp.sum(x) + jnp.sum(jax.nn.relu(y))

    derived = jax.grad(lambda k, i: function(k, i))
    plain = list(products(jax.make_jaxpr(derived)(kernel, images).jaxpr))
    found = list(products(jax.make_jaxpr(in_bfloat16(derived))(kernel, images).jaxpr))
    assert len(found) == len(plain) > 10
    for equation in found:
        assert [x.aval.dtype for x in equation.invars] == [jnp.bfloat16] * 2
        assert equation.outvars[0].aval.dtype == jnp.float32
    result, exact = (
        jax.jit(f)(kernel, images) for f in (in_bfloat16(derived), derived)
    )
    assert result.dtype == jnp.float32
    np.testing.assert_allclose(result, exact, rtol=0.1, atol=0.02)
    assert np.any(np.asarray(result) != np.asarray(exact))


PAIRS = labelled_pairs(160)
DATA = TaskData(encoded(PAIRS.take(range(96))), encoded(PAIRS.take(range(96, 160))))


def trained(dtype, vmapped=False, epochs=20):
    """Train a duplex: miTAR's ReLU recurrence is unstable at this size in any type."""
    config = small_classifier().unlock()
    sizes = {"stack_features": 4, "filters": 8, "conv_features": 8, "conv_layers": 1}
    config.model = {"name": "duplex", "dense_features": 8, "dropout": 0.0, **sizes}
    config.model.update({"max_mirna_length": 26, "max_target_length": 53})
    config.train.update({"batch_size": 32, "compute_dtype": dtype})
    config.optimizer.learning_rate = 0.005
    config.steps_per_call = 3
    task = make_task(config, DATA)
    program = VmappedRuns([task]) if vmapped else SingleRun(task)
    losses = []
    for _ in range(epochs):
        (metrics,) = program.split(jax.device_get(program.advance(3)))
        losses += list(metrics["loss"])
    return program, losses


@pytest.mark.slow
def test_a_model_trains_in_bfloat16_with_its_state_in_float32(monkeypatch):
    (device, *_) = jax.devices()
    monkeypatch.setattr(jax, "devices", lambda: [device])
    program, found = trained("bfloat16")
    _, exact = trained("float32")
    _, together = trained("bfloat16", vmapped=True, epochs=2)
    for leaf in jax.tree.leaves((program.state.params, program.state.opt_state)):
        assert leaf.dtype in (jnp.float32, jnp.int32)
    assert np.mean(found[-3:]) < 0.8 * found[0]
    np.testing.assert_allclose(found, exact, rtol=0.03)
    np.testing.assert_allclose(together, found[:6], rtol=0.01)
    assert found != exact
    (evaluated,) = program.evaluate()
    assert evaluated["loss"] < 0.8 * found[0]


def test_another_type_is_refused_by_name():
    config = small_classifier()
    config.train.compute_dtype = "float16"
    with pytest.raises(ValueError, match="compute_dtype='float16': one of float32"):
        make_task(config, DATA)
