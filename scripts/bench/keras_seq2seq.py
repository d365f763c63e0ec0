"""The published CNN-LSTM seq2seq in Keras 3, as an oracle and as a benchmark worker.

As a worker (see timing.py for the protocol):

    python keras_seq2seq.py --task=train --batch_size=50
    python keras_seq2seq.py --task=teacher_forced --batch_size=512
    python keras_seq2seq.py --task=published_loop

The published code (Chakraborty & Hasija 2019, IEEE/ACM TCBB 8807144) ran on Keras 2.2.
Keras 3 differs:

* Its `hard_sigmoid` has slope 1/6, Keras 2.2's 1/5: `hard_sigmoid` here is the latter.
* Its RMSprop divides by sqrt(mean square + epsilon), Keras 2.2's by
  sqrt(mean square) + epsilon, with epsilon 1e-7 in both: `Keras2RMSprop` is the latter.
* Its cross-entropy has the same value: the mean over all sequences and all 28 steps,
  padded ones included (they contribute 0 to the sum); L2 penalties are added to it. Its
  gradient differs: Keras 3 on TensorFlow computes it from the logits before a softmax,
  and TensorFlow's gradient there, softmax - target, assumes that each target sums to 1.
  So padded steps, whose targets are all zeros, have a gradient that is not that of the
  loss (github.com/tensorflow/tensorflow/issues/60314). `keras2_crossentropy` uses the
  probabilities, as Keras 2.2 did, and has gradient 0 at padded steps.
* Dropout masks of an LSTM are drawn once per sequence, four of them (one per gate), in
  both; Keras 3 does so only if recurrent_dropout is not 0, as here.

Training is timed with Keras 3's own RMSprop and cross-entropy: its users have these,
and they are not slower.
"""

import argparse
import os
import time
from typing import Any, NamedTuple

# Its start-up notices would hide the error on a failing worker's stderr.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import one_hot_pairs
import tensorflow as tf
import timing
from one_hot_pairs import DECODER_LETTERS, ENCODER_LETTERS, OneHotPairs

PUBLISHED_PARAMETERS = 2_650_246
L2 = 0.001
LEARNING_RATE = 0.001
# Calls of the decoder for a mean miRNA: 22 letters and the end.
MEAN_DECODER_CALLS = 23


class Models(NamedTuple):
    """Three models that share one set of layers.

    Attributes:
      teacher_forced: [encoder, decoder inputs] → probabilities of each next letter.
      encoder: encoder inputs → the LSTM's last h and c.
      decoder_step: [one letter, h, c] → [probabilities, h, c].
    """

    teacher_forced: keras.Model
    encoder: keras.Model
    decoder_step: keras.Model


@keras.saving.register_keras_serializable(package="keras2")
def hard_sigmoid(x: Any) -> Any:
    """Return clip(0.2 x + 0.5, 0, 1), the gate activation of Keras 2."""
    return keras.ops.clip(0.2 * x + 0.5, 0.0, 1.0)


@keras.saving.register_keras_serializable(package="keras2")
def keras2_crossentropy(targets: Any, probabilities: Any) -> Any:
    """Return the cross-entropy of each step as Keras 2.2 computes it.

    Args:
      targets: one-hot [batch, steps, letters]; rows of zeros are padding.
      probabilities: the same shape.

    Returns:
      [batch, steps], 0 at padded steps, where the gradient is 0 too.
    """
    epsilon = keras.config.epsilon()
    total = keras.ops.sum(probabilities, axis=-1, keepdims=True)
    clipped = keras.ops.clip(probabilities / total, epsilon, 1.0 - epsilon)
    return -keras.ops.sum(targets * keras.ops.log(clipped), axis=-1)


class Keras2RMSprop(keras.optimizers.RMSprop):
    """RMSprop with epsilon outside the square root, as in Keras 2."""

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Update one variable and its running mean square."""
        mean_square = self._velocities[self._get_variable_index(variable)]
        self.assign(
            mean_square,
            self.rho * mean_square + (1.0 - self.rho) * keras.ops.square(gradient),
        )
        scale = keras.ops.sqrt(mean_square) + self.epsilon
        self.assign_sub(variable, learning_rate * gradient / scale)


def build(
    width: int = 512,
    *,
    conv_filters: int = 128,
    conv_width: int = 8,
    dense_units: int = 128,
    dropout: float = 0.1,
    recurrent_dropout: float = 0.4,
) -> Models:
    """Build the published architecture; its size by default.

    Args:
      width: units of both LSTMs.
      conv_filters: filters of the convolution over the target.
      conv_width: its width, in nt.
      dense_units: units of the Dense layer before either LSTM.
      dropout: rate for the LSTMs' inputs.
      recurrent_dropout: rate for the LSTMs' recurrent states.

    Returns:
      Models that share their layers, not compiled.
    """
    layers = keras.layers
    lstm_options = {
        "recurrent_activation": hard_sigmoid,
        "dropout": dropout,
        "recurrent_dropout": recurrent_dropout,
        "return_state": True,
    }

    encoder_inputs = keras.Input((one_hot_pairs.ENCODER_STEPS, len(ENCODER_LETTERS)))
    hidden = layers.Conv1D(conv_filters, conv_width, activation="relu")(encoder_inputs)
    hidden = _dense(dense_units, "relu")(hidden)
    _, *states = layers.LSTM(width, **lstm_options)(hidden)

    decoder_dense = _dense(dense_units, "relu")
    decoder_lstm = layers.LSTM(width, return_sequences=True, **lstm_options)
    output = _dense(len(DECODER_LETTERS), "softmax")

    decoder_inputs = keras.Input((one_hot_pairs.DECODER_STEPS, len(DECODER_LETTERS)))
    sequence, _, _ = decoder_lstm(decoder_dense(decoder_inputs), initial_state=states)
    probabilities = output(sequence)

    letter = keras.Input((1, len(DECODER_LETTERS)))
    previous = [keras.Input((width,)), keras.Input((width,))]
    step, *following = decoder_lstm(decoder_dense(letter), initial_state=previous)
    return Models(
        keras.Model([encoder_inputs, decoder_inputs], probabilities),
        keras.Model(encoder_inputs, states),
        keras.Model([letter, *previous], [output(step), *following]),
    )


def compile_for_training(
    model: keras.Model,
    optimizer: keras.optimizers.Optimizer | None = None,
    loss: Any = "categorical_crossentropy",
) -> None:
    """Compile a model with Keras 3's own optimizer and loss, or with those given."""
    model.compile(
        optimizer=optimizer or keras.optimizers.RMSprop(LEARNING_RATE),
        loss=loss,
        metrics=["accuracy"],
    )


def train(models: Models, pairs: OneHotPairs, batch_size: int) -> float:
    """Train for one epoch, with `fit` as published; return the seconds."""
    inputs = [pairs.encoder_inputs, pairs.decoder_inputs]
    start = time.perf_counter()
    models.teacher_forced.fit(
        inputs, pairs.decoder_targets, batch_size=batch_size, verbose=0
    )
    return time.perf_counter() - start


def teacher_forced(models: Models, pairs: OneHotPairs, batch_size: int) -> float:
    """Predict every next letter from the true ones; return the seconds."""
    inputs = [pairs.encoder_inputs, pairs.decoder_inputs]
    start = time.perf_counter()
    models.teacher_forced.predict(inputs, batch_size=batch_size, verbose=0)
    return time.perf_counter() - start


def decode_one(
    models: Models,
    encoder_input: np.ndarray,
    *,
    most_letters: int = one_hot_pairs.DECODER_STEPS + 1,
    stop_at_end: bool = True,
) -> str:
    """Decode one target greedily, by one `predict` call per letter as published.

    Args:
      models: from `build`.
      encoder_input: one-hot [1, 29, 4].
      most_letters: maximum number of calls; 29 as published.
      stop_at_end: whether the end letter also stops decoding. It is off in timings, so
        that the time does not depend on the letters of an untrained model.

    Returns:
      The letters emitted, 5'→3', the end letter ("$") included.
    """
    states = models.encoder.predict(encoder_input, verbose=0)
    identity = np.eye(len(DECODER_LETTERS), dtype=np.float32)
    letters = "^"
    while len(letters) <= most_letters and not (stop_at_end and letters[-1] == "$"):
        previous = identity[None, [DECODER_LETTERS.index(letters[-1])]]
        probabilities, *states = models.decoder_step.predict(
            [previous, *states], verbose=0
        )
        letters += DECODER_LETTERS[int(np.argmax(probabilities[0, -1]))]
    return letters[1:]


def published_loop(models: Models, pairs: OneHotPairs) -> float:
    """Decode targets one at a time, 23 decoder calls each; return the seconds."""
    start = time.perf_counter()
    for row in range(len(pairs.encoder_inputs)):
        decode_one(
            models,
            pairs.encoder_inputs[row : row + 1],
            most_letters=MEAN_DECODER_CALLS,
            stop_at_end=False,
        )
    return time.perf_counter() - start


def main() -> None:
    """Serve one task to a driver."""
    parser = argparse.ArgumentParser(description="Keras worker; see timing.py.")
    parser.add_argument(
        "--task", choices=("train", "teacher_forced", "published_loop"), required=True
    )
    parser.add_argument("--batch_size", type=int, default=50)
    parser.add_argument("--width", type=int, default=512, help="units of both LSTMs")
    parser.add_argument("--threads", type=int, default=timing.cores())
    flags = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(flags.threads)
    keras.utils.set_random_seed(0)
    models = build(flags.width)
    compile_for_training(models.teacher_forced)
    parameters = models.teacher_forced.count_params()
    if flags.width == 512 and parameters != PUBLISHED_PARAMETERS:
        raise ValueError(f"{parameters=}, published are {PUBLISHED_PARAMETERS}")

    def repeat(size: int) -> float:
        pairs = one_hot_pairs.random_pairs(size)
        if flags.task == "train":
            return train(models, pairs, flags.batch_size)
        if flags.task == "teacher_forced":
            return teacher_forced(models, pairs, flags.batch_size)
        return published_loop(models, pairs)

    timing.serve(
        repeat,
        {
            "keras": keras.__version__,
            "tensorflow": tf.__version__,
            "parameters": parameters,
            "threads": flags.threads,
        },
    )


def _dense(units: int, activation: str) -> keras.layers.Dense:
    return keras.layers.Dense(
        units, activation=activation, kernel_regularizer=keras.regularizers.L2(L2)
    )


if __name__ == "__main__":
    main()
