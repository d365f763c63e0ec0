"""Tests of mirjax.training.gradients: a batch in parts against the whole batch."""

import chex
import equations
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from small_runs import encoded, labelled_pairs, small_classifier, small_config

from mirjax.models import losses
from mirjax.models.duplex import Duplex
from mirjax.models.mitar import Mitar
from mirjax.models.seq2seq import Seq2Seq
from mirjax.models.transformer import Transformer
from mirjax.training import gradients
from mirjax.training.gradients import StepOptions, batch_gradient
from mirjax.training.programs import SingleRun, VmappedRuns
from mirjax.training.task import make_task
from mirjax.training.task_rows import TaskData

L2, ROWS = 0.01, 8
WEIGHTS = jnp.float32([1, 0, 1, 1, 0, 0, 1, 0])  # parts differ in rows that count
SEQ2SEQ = Seq2Seq(
    conv_features=4,
    dense_features=4,
    lstm_features=4,
    dropout=0.0,
    recurrent_dropout=0.0,
)
MITAR = Mitar(
    conv_features=4, conv_width=4, lstm_features=3, dense_features=3, dropout=0.0
)
DUPLEX = Duplex(
    stack_features=2,
    filters=3,
    conv_features=3,
    conv_layers=1,
    dense_features=3,
    dropout=0.0,
    max_mirna_length=26,
    max_target_length=53,
)
TRANSFORMER = Transformer(
    encoder_layers=1,
    decoder_layers=1,
    features=4,
    heads=2,
    hidden_features=4,
    window=2,
    dropout=0.0,
)


def batch_for(model):
    if isinstance(model, Mitar | Duplex):
        batch = equations.random_labelled_batch(ROWS)[0]
    else:
        batch = equations.random_batch(ROWS)
    return jax.tree.map(jnp.asarray, batch._replace(weights=WEIGHTS))


def gradient(model, parts, key=0, dtype="float32"):
    """Return gradient and metrics of one batch computed in parts."""
    params = equations.random_params(model, seed=0, scale=0.3)
    options = StepOptions(L2, parts, dtype)
    return jax.jit(
        lambda params, batch: batch_gradient(
            model, options, params, batch, jax.random.key(key)
        )
    )(params, batch_for(model))


@pytest.mark.slow
@pytest.mark.parametrize("model", [MITAR, SEQ2SEQ, DUPLEX, TRANSFORMER])
def test_parts_of_a_batch_have_the_gradient_of_the_whole(model):
    whole = gradient(model, 1)
    for parts in (2, 4, 8):  # of the last, some parts have no row that counts
        chex.assert_trees_all_close(gradient(model, parts), whole, rtol=2e-5, atol=2e-6)


@pytest.mark.slow
def test_each_part_has_dropout_of_its_own():
    model, key = MITAR.clone(dropout=0.5), jax.random.key(3)
    params = equations.random_params(model, seed=0, scale=0.3)
    batch = batch_for(model)

    def loss(at, part, part_key):
        """The mean loss of some rows, without the penalty."""
        logits = losses.batch_logits(
            model, at, part, train=True, rngs={"dropout": part_key}
        )
        each = losses.binary_cross_entropy(logits, part.labels)
        return jnp.sum(each * part.weights) / jnp.sum(part.weights)

    expected = jax.grad(lambda at: losses.l2_penalty(at, L2))(params)
    loss_gradient = jax.jit(jax.grad(loss))
    for number in range(2):
        part = jax.tree.map(lambda x, at=number: x[at::2], batch)
        found = loss_gradient(params, part, jax.random.fold_in(key, number))
        share = float(np.sum(part.weights) / np.sum(batch.weights))
        expected = jax.tree.map(lambda a, b, s=share: a + s * b, expected, found)
    found, _ = gradient(model, 2, key=3)
    chex.assert_trees_all_close(found, expected, rtol=2e-5, atol=2e-6)
    assert not np.allclose(
        found["conv"]["kernel"], gradient(model, 1, 3)[0]["conv"]["kernel"]
    )


PAIRS = labelled_pairs(72)
DATA = TaskData(encoded(PAIRS.take(range(48))), encoded(PAIRS.take(range(48, 72))))


def task_of(micro_batches, seed=0):
    config = small_classifier()
    config.model.update({"conv_features": 4, "lstm_features": 3, "dropout": 0.0})
    config.train.update({"batch_size": 16, "micro_batches": micro_batches})
    config.seed, config.steps_per_call = seed, 3
    return make_task(config, DATA)


@pytest.mark.slow
def test_runs_in_micro_batches_are_those_in_whole_batches(monkeypatch):
    programs = []
    for micro_batches in (1, 2):
        programs.append(SingleRun(task_of(micro_batches)))
        assert programs[-1].mesh.size == 8, "a part of 8 rows lies on all 8 devices"
        programs[-1].advance(3)
    states = [jax.device_get(program.state.params) for program in programs]
    chex.assert_trees_all_close(*states, rtol=1e-4, atol=1e-6)

    (device, *_) = jax.devices()
    monkeypatch.setattr(jax, "devices", lambda: [device])
    together = VmappedRuns([task_of(4, seed) for seed in (0, 1)])
    together.advance(3)
    of_first = jax.device_get(together.eval_params(0))
    chex.assert_trees_all_close(of_first, states[0], rtol=1e-4, atol=1e-6)


def test_micro_batches_must_divide_the_batch():
    with pytest.raises(ValueError, match=r"micro_batches=3 does not divide .*size=16"):
        task_of(3)
    config = small_config(micro_batches=0)
    with pytest.raises(ValueError, match=r"config\.train\.micro_batches=0: at least 1"):
        make_task(config, DATA)


@pytest.mark.slow
def test_memory_falls_with_the_number_of_parts():
    """A batch in 8 parts keeps the activations of one part."""

    def temporary(parts):
        params = equations.random_params(MITAR, seed=0, scale=0.3)
        batch = batch_for(MITAR)
        batch = jax.tree.map(lambda x: jnp.concatenate([x] * 16), batch)

        def compute(params, batch):
            return gradients.batch_gradient(
                MITAR, StepOptions(L2, parts), params, batch, jax.random.key(0)
            )

        compiled = jax.jit(compute).lower(params, batch).compile()
        return compiled.memory_analysis().temp_size_in_bytes

    assert temporary(8) < temporary(1) / 3
