"""miTAR (Gu et al. 2021) in Keras 3, as a benchmark worker.

    python keras_mitar.py --task=train --batch_size=100
    python keras_mitar.py --task=predict --batch_size=512

Gates have the `hard_sigmoid` of Keras 2.2; dropout is 0.2 after each layer, as in the
released models.
"""

import argparse
import os
import time

# Its start-up notices would hide the error on a failing worker's stderr.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import mitar_tokens
import numpy as np
import tensorflow as tf
import timing
from keras_seq2seq import hard_sigmoid

DROPOUT = 0.2


def build() -> keras.Model:
    """Build the published model, compiled as published."""
    layers = keras.layers
    lstm = layers.LSTM(32, activation="relu", recurrent_activation=hard_sigmoid)
    model = keras.Sequential(
        [
            keras.Input((mitar_tokens.LENGTH,)),
            layers.Embedding(mitar_tokens.CODES, 5),
            layers.Conv1D(320, 12, activation="relu"),
            layers.Dropout(DROPOUT),
            layers.MaxPooling1D(2),
            layers.Dropout(DROPOUT),
            layers.Bidirectional(lstm),
            layers.Dropout(DROPOUT),
            layers.Dense(16, activation="relu"),
            layers.Dropout(DROPOUT),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])
    return model


def main() -> None:
    """Serve one task to a driver."""
    parser = argparse.ArgumentParser(description="Keras worker; see timing.py.")
    parser.add_argument("--task", choices=("train", "predict"), required=True)
    parser.add_argument("--batch_size", type=int, default=100)
    flags = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(timing.cores())
    keras.utils.set_random_seed(0)
    model = build()
    if model.count_params() != mitar_tokens.PUBLISHED_PARAMETERS:
        raise ValueError(f"the model has {model.count_params()} parameters")

    def repeat(size: int) -> float:
        tokens, labels = mitar_tokens.random_rows(size)
        tokens = tokens.astype(np.int32)
        start = time.perf_counter()
        if flags.task == "train":
            model.fit(tokens, labels, batch_size=flags.batch_size, verbose=0)
        else:
            model.predict(tokens, batch_size=flags.batch_size, verbose=0)
        return time.perf_counter() - start

    timing.serve(
        repeat, {"keras": keras.__version__, "parameters": model.count_params()}
    )


if __name__ == "__main__":
    main()
