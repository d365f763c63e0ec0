"""The model, its decoding and its training against Keras itself.

tests/testdata/keras_seq2seq.* is what Keras computed; see
scripts/bench/record_keras_fixture.py.
"""

import functools
import pathlib

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from mirjax.datasets.batches import Batch, encode_pairs
from mirjax.inference import greedy
from mirjax.models import losses
from mirjax.models.loading import load_model
from mirjax.sequences import alphabet
from mirjax.training import steps
from mirjax.training.gradients import StepOptions
from mirjax.training.optimizer import make_optimizer
from mirjax.training.options import OptimizerOptions

TESTDATA = pathlib.Path(__file__).parent / "testdata"
# Keras's layer → ours.
LAYERS = {
    "conv1d": "encoder_conv",
    "dense": "encoder_dense",
    "lstm": "encoder_lstm",
    "dense_1": "decoder_dense",
    "lstm_1": "decoder_lstm",
    "dense_2": "output_dense",
}
# Where A, C, G, U (start, end) of the published arrays stand in ours.
LETTERS = [0, 2, 3, 1]
SYMBOLS = [*LETTERS, 4, 5]


@pytest.fixture(scope="module")
def keras():
    with np.load(TESTDATA / "keras_seq2seq.npz", allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


@pytest.fixture(scope="module")
def loaded():
    return load_model(TESTDATA / "keras_seq2seq.h5")


@pytest.fixture(scope="module")
def batch(keras):
    pairs = encode_pairs(
        list(keras["targets"]),
        list(keras["mirnas"]),
        target_length=29,
        mirna_length=27,
    )
    return Batch(*map(jnp.asarray, pairs))


def as_keras(params):
    """Our parameters under Keras's names, in the published letter order."""
    arrays = {
        f"{theirs}/{name}": np.asarray(array)
        for theirs, ours in LAYERS.items()
        for name, array in params[ours].items()
    }
    arrays["conv1d/kernel"] = arrays["conv1d/kernel"][:, LETTERS]
    arrays["dense_1/kernel"] = arrays["dense_1/kernel"][SYMBOLS]
    arrays["dense_2/kernel"] = arrays["dense_2/kernel"][:, SYMBOLS]
    arrays["dense_2/bias"] = arrays["dense_2/bias"][SYMBOLS]
    return arrays


def assert_same(found, keras, group, atol):
    names = {name for name in keras if name.startswith(f"{group}/")}
    names -= {f"{group}/losses"}
    assert {f"{group}/{name}" for name in found} == names
    for name, array in found.items():
        np.testing.assert_allclose(
            array, keras[f"{group}/{name}"], rtol=0, atol=atol, err_msg=name
        )


def test_parameters_are_those_in_the_file(keras, loaded):
    assert_same(as_keras(loaded.params), keras, "initial", 0)
    assert loaded.metadata["source"] == "keras_seq2seq.h5"


def test_probabilities_are_those_of_keras(keras, loaded, batch):
    logits = jax.jit(loaded.model.apply)(
        {"params": loaded.params}, batch.targets, losses.shift_right(batch.mirnas)
    )
    np.testing.assert_allclose(
        jax.nn.softmax(logits)[..., np.array(SYMBOLS)],
        keras["probabilities"],
        rtol=0,
        atol=1e-5,
    )


@pytest.mark.slow
def test_greedy_letters_are_those_of_keras(keras, loaded, batch):
    """Step by step, with BOS allowed as a prediction, as in the published code."""
    apply = functools.partial(loaded.model.apply, {"params": loaded.params})
    decode_step = jax.jit(functools.partial(apply, method="decode_step"))
    state = jax.jit(functools.partial(apply, method="encode"))(batch.targets)
    previous = np.full(len(batch.targets), alphabet.BOS, np.uint8)
    letters = []
    for _ in range(29):
        state, logits = decode_step(state, previous)
        previous = np.asarray(jnp.argmax(logits, axis=-1) + 1, np.uint8)
        letters.append(np.array(list("AUCG^$"))[previous - 1])
    for row, expected in zip(np.transpose(letters), keras["decoded"], strict=True):
        assert "".join(row)[: len(expected)] == expected


def test_decode_gives_keras_strings_where_they_hold_no_start_letter(
    keras, loaded, batch
):
    decoded = greedy.decode(loaded.model, loaded.params, np.asarray(batch.targets))
    found = alphabet.decode(decoded.tokens)
    rows = [row for row, text in enumerate(keras["decoded"]) if "^" not in text]
    assert len(rows) >= 2
    for row in rows:
        assert found[row] == keras["decoded"][row][:28].rstrip("$")


@pytest.mark.slow
def test_loss_accuracy_and_gradients_are_those_of_keras(keras, loaded, batch):
    model = loaded.model.clone(dropout=0.0, recurrent_dropout=0.0)
    # Plain descent of rate 1: the change is the gradient.
    new, metrics = train(model, loaded.params, batch, optax.sgd(1.0), 1)
    np.testing.assert_allclose(metrics[0]["loss"], keras["loss"], rtol=1e-6)
    np.testing.assert_allclose(
        metrics[0]["loss"] - metrics[0]["cross_entropy"],
        keras["l2_penalty"],
        atol=1e-6,
    )
    np.testing.assert_allclose(
        metrics[0]["token_accuracy_keras"], keras["accuracy"], rtol=1e-6
    )
    gradient = jax.tree.map(np.subtract, loaded.params, new)
    assert_same(as_keras(gradient), keras, "gradient", 1e-5)


@pytest.mark.slow
def test_three_steps_are_those_of_keras(keras, loaded, batch):
    model = loaded.model.clone(dropout=0.0, recurrent_dropout=0.0)
    options = OptimizerOptions("rmsprop", float(keras["learning_rate"]))
    optimizer = make_optimizer(options, num_steps=3)
    new, metrics = train(model, loaded.params, batch, optimizer, 3)
    np.testing.assert_allclose(
        [step["loss"] for step in metrics],
        keras["keras2_rmsprop/losses"],
        rtol=0,
        atol=1e-5,
    )
    assert_same(as_keras(new), keras, "keras2_rmsprop", 1e-5)


def train(model, params, batch, optimizer, num_steps):
    """Run steps on one batch; return the parameters and the metrics of each step."""
    options = StepOptions(l2=0.001)
    step = jax.jit(functools.partial(steps.train_step, model, optimizer, options))
    state = steps.TrainState(jnp.array(0), params, optimizer.init(params))
    metrics = []
    for _ in range(num_steps):
        state, step_metrics = step(jax.random.key(0), state, batch)
        metrics.append(step_metrics)
    return state.params, metrics
