"""Record a test fixture: a tiny published-architecture seq2seq in Keras.

    .venv-bench/bin/python scripts/bench/record_keras_fixture.py

writes tests/testdata/keras_seq2seq.h5, a model in Keras 3's legacy format, and
tests/testdata/keras_seq2seq.npz, what that model computes for six random pairs
(float32, no pickles):

    mirnas, targets                     strings, 5'→3'
    encoder_inputs [6, 29, 4]           one-hot A C G U, targets written 3'→5'
    decoder_inputs [6, 28, 6]           one-hot A C G U start end; padding is rows of 0
    decoder_targets [6, 28, 6]          the same one step earlier, without the start
    probabilities [6, 28, 6]            teacher-forced, no dropout
    decoded                             greedy letters, "$" the end, at most 29
    loss, l2_penalty, accuracy          as Keras reports them; loss includes l2_penalty,
                                        and accuracy counts padded steps as true A's
    initial/LAYER/WEIGHT                the parameters in the .h5
    gradient/LAYER/WEIGHT               of the loss, there, as of Keras 2.2
    keras2_rmsprop/losses [3]           the loss before each of 3 steps on all six pairs
    keras2_rmsprop/LAYER/WEIGHT         and the parameters after them, without dropout;
                                        epsilon outside the square root as in Keras 2.2
    keras3_rmsprop/...                  the same with Keras 3's own RMSprop, which has
                                        epsilon inside the square root
    learning_rate, rho, epsilon         of both
    keras_version, tensorflow_version   strings

LAYER is one of conv1d, dense, lstm (encoder), dense_1, lstm_1, dense_2 (decoder), and
WEIGHT one of kernel, recurrent_kernel, bias; LSTM gates are in the order i f c o.

Gradients and steps are those of `keras_seq2seq.keras2_crossentropy`: Keras 3's own
cross-entropy has the same value and, at padded steps, a wrong gradient.
"""

import argparse
import os
from pathlib import Path

import keras
import keras_seq2seq
import numpy as np
import one_hot_pairs
import tensorflow as tf

_TINY = {"width": 7, "conv_filters": 6, "dense_units": 5}
_STEPS = 3
_TESTDATA = Path(__file__).resolve().parents[2] / "tests" / "testdata"


def build_tiny(seed: int, **dropouts: float) -> keras_seq2seq.Models:
    """Return the tiny model with random parameters, biases too.

    Args:
      seed: of the parameters.
      **dropouts: passed to `keras_seq2seq.build`.

    Returns:
      Models with the layer names of a fresh Keras session.
    """
    keras.utils.clear_session()
    models = keras_seq2seq.build(**_TINY, **dropouts)
    rng = np.random.default_rng(seed)
    for variable in models.teacher_forced.weights:
        # Wide enough that some gates reach both ends of the hard sigmoid.
        scale = 0.3 if variable.name == "bias" else 1.0
        variable.assign(rng.normal(0.0, scale, variable.shape).astype(np.float32))
    return models


def named_parameters(model: keras.Model) -> dict[str, np.ndarray]:
    """Return a model's parameters by "LAYER/WEIGHT"."""
    return {
        f"{layer.name}/{variable.name}": variable.numpy()
        for layer in model.layers
        for variable in layer.weights
    }


def predictions(
    models: keras_seq2seq.Models, pairs: one_hot_pairs.OneHotPairs
) -> dict[str, np.ndarray]:
    """Return a compiled model's predictions, loss and accuracy.

    Args:
      models: the tiny model; its `teacher_forced` must be compiled.
      pairs: the pairs to predict.

    Returns:
      Arrays by their names in the fixture.
    """
    model = models.teacher_forced
    inputs = [pairs.encoder_inputs, pairs.decoder_inputs]
    count = len(pairs.encoder_inputs)
    report = model.evaluate(
        inputs, pairs.decoder_targets, batch_size=count, verbose=0, return_dict=True
    )
    decoded = [
        keras_seq2seq.decode_one(models, pairs.encoder_inputs[row : row + 1])
        for row in range(count)
    ]
    return {
        "probabilities": model.predict(inputs, batch_size=count, verbose=0),
        "decoded": np.array(decoded),
        "loss": np.float32(report["loss"]),
        "l2_penalty": np.float32(sum(float(loss) for loss in model.losses)),
        "accuracy": np.float32(report["accuracy"]),
    }


def gradients(
    model: keras.Model, pairs: one_hot_pairs.OneHotPairs
) -> dict[str, np.ndarray]:
    """Return the gradient of Keras 2.2's loss, with L2, by "LAYER/WEIGHT"."""
    inputs = [pairs.encoder_inputs, pairs.decoder_inputs]
    with tf.GradientTape() as tape:
        steps = keras_seq2seq.keras2_crossentropy(
            pairs.decoder_targets, model(inputs, training=False)
        )
        loss = tf.reduce_mean(steps) + sum(model.losses)
    values = tape.gradient(loss, [weight.value for weight in model.trainable_weights])
    by_path = {
        weight.path: value.numpy()
        for weight, value in zip(model.trainable_weights, values, strict=True)
    }
    return {
        f"{layer.name}/{weight.name}": by_path[weight.path]
        for layer in model.layers
        for weight in layer.weights
    }


def three_steps(
    seed: int,
    pairs: one_hot_pairs.OneHotPairs,
    optimizer: keras.optimizers.Optimizer,
) -> dict[str, np.ndarray]:
    """Train the tiny model for three steps on one batch, without dropout.

    Args:
      seed: of its parameters.
      pairs: the batch.
      optimizer: a fresh optimizer.

    Returns:
      The loss before each step and the parameters after the last.
    """
    model = build_tiny(seed, dropout=0.0, recurrent_dropout=0.0).teacher_forced
    keras_seq2seq.compile_for_training(
        model, optimizer, keras_seq2seq.keras2_crossentropy
    )
    inputs = [pairs.encoder_inputs, pairs.decoder_inputs]
    losses = []
    for _ in range(_STEPS):
        # fit resets its running averages; train_on_batch would continue them.
        history = model.fit(
            inputs,
            pairs.decoder_targets,
            batch_size=len(pairs.encoder_inputs),
            shuffle=False,
            verbose=0,
        )
        losses.append(history.history["loss"][0])
    return {"losses": np.float32(losses), **named_parameters(model)}


def main() -> None:
    """Record both files."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    # With these parameters the six decode to six strings of several lengths, and every
    # argmax wins by at least 0.01, so that rounding cannot change one.
    parser.add_argument("--seed", type=int, default=312)
    parser.add_argument(
        "--out", type=Path, default=_TESTDATA, help="folder to write to"
    )
    flags = parser.parse_args()

    rng = np.random.default_rng(flags.seed)
    # The longest and shortest that occur, so that both ends of padding are recorded.
    mirnas = [
        *one_hot_pairs.random_letters(rng, 1, 26, 26),
        *one_hot_pairs.random_letters(rng, 1, 16, 16),
        *one_hot_pairs.random_letters(rng, 4, 20, 23),
    ]
    targets = [
        *one_hot_pairs.random_letters(rng, 1, 12, 12),
        *one_hot_pairs.random_letters(rng, 1, 29, 29),
        *one_hot_pairs.random_letters(rng, 4, 18, 28),
    ]
    pairs = one_hot_pairs.encode(mirnas, targets)

    models = build_tiny(flags.seed)
    keras_seq2seq.compile_for_training(models.teacher_forced)
    fixture = {
        "mirnas": np.array(mirnas),
        "targets": np.array(targets),
        **pairs._asdict(),
        **predictions(models, pairs),
        "learning_rate": np.float64(keras_seq2seq.LEARNING_RATE),
        "rho": np.float64(models.teacher_forced.optimizer.rho),
        "epsilon": np.float64(models.teacher_forced.optimizer.epsilon),
        "keras_version": np.array(keras.__version__),
        "tensorflow_version": np.array(tf.__version__),
    }
    groups = {
        "initial": named_parameters(models.teacher_forced),
        "gradient": gradients(models.teacher_forced, pairs),
    }
    unfinished = flags.out / "keras_seq2seq.unfinished.h5"
    models.teacher_forced.save(unfinished)
    os.replace(unfinished, flags.out / "keras_seq2seq.h5")

    for name, optimizer in {
        "keras2_rmsprop": keras_seq2seq.Keras2RMSprop,
        "keras3_rmsprop": keras.optimizers.RMSprop,
    }.items():
        steps = three_steps(flags.seed, pairs, optimizer(keras_seq2seq.LEARNING_RATE))
        groups[name] = steps
    for group, arrays in groups.items():
        fixture |= {f"{group}/{name}": array for name, array in arrays.items()}

    unfinished = flags.out / "keras_seq2seq.unfinished.npz"
    np.savez_compressed(unfinished, allow_pickle=False, **fixture)
    os.replace(unfinished, flags.out / "keras_seq2seq.npz")


if __name__ == "__main__":
    main()
