"""miTAR's published protocol in Keras 3: every window of every transcript.

    python keras_scan.py --batch_size=4096

The weights are random, which does not change the time.
"""

import argparse
import pathlib
import tempfile
import time

import keras
import keras_mitar
import mitar_tokens
import numpy as np
import scan_inputs
import tensorflow as tf
import timing

WINDOW = mitar_tokens.LENGTH - mitar_tokens.MIRNA_LENGTH


def encode(sequence: str, length: int) -> np.ndarray:
    """Return miTAR's codes of a sequence, padded on the right."""
    codes = np.zeros(length, np.int32)
    codes[: len(sequence)] = ["NAUCG".index(letter) for letter in sequence]
    return codes


def scan(
    model: keras.Model, mirnas: pathlib.Path, targets: pathlib.Path, batch_size: int
) -> int:
    """Scan the transcripts of a file, and write the sites beside it."""
    left = [
        (name, encode(sequence[::-1], mitar_tokens.MIRNA_LENGTH))
        for name, sequence in scan_inputs.read_fasta(mirnas)
    ]
    heads = np.stack([codes for _, codes in left])
    rows = 0
    with targets.with_suffix(".tsv").open("w") as file:
        for target, sequence in scan_inputs.read_fasta(targets):
            last = len(sequence) - WINDOW
            starts = [*range(0, last, scan_inputs.STEP), last]
            codes = encode(sequence, len(sequence))
            windows = np.stack([codes[start : start + WINDOW] for start in starts])
            tokens = np.concatenate(
                [
                    np.repeat(heads, len(windows), axis=0),
                    np.tile(windows, (len(heads), 1)),
                ],
                axis=1,
            )
            scores = model.predict(tokens, batch_size=batch_size, verbose=0)[:, 0]
            for number in np.flatnonzero(scores >= scan_inputs.THRESHOLD):
                mirna, window = divmod(number, len(windows))
                start = starts[window]
                fields = left[mirna][0], target, start, start + WINDOW, scores[number]
                print(*fields, sep="\t", file=file)
                rows += 1
    return rows


def main() -> None:
    """Run the worker."""
    parser = argparse.ArgumentParser(description="Keras worker; see timing.py.")
    parser.add_argument("--mirnas", type=int, default=100)
    parser.add_argument("--letters", type=int, default=1500, help="of a transcript")
    parser.add_argument("--batch_size", type=int, default=4096)
    flags = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(timing.cores())
    keras.utils.set_random_seed(0)
    model = keras_mitar.build()

    def repeat(transcripts: int) -> float:
        with tempfile.TemporaryDirectory() as name:
            paths = scan_inputs.write_inputs(
                pathlib.Path(name), flags.mirnas, transcripts, flags.letters
            )
            start = time.perf_counter()
            scan(model, *paths, flags.batch_size)
            return time.perf_counter() - start

    timing.serve(repeat, {"keras": keras.__version__})


if __name__ == "__main__":
    main()
