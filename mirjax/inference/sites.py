"""Decode target sites: short records as a whole, long ones window by window."""

import itertools
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Int32

from mirjax.inference.decoders import Decoder
from mirjax.sequences import alphabet
from mirjax.sequences.records import SequenceRecord
from mirjax.sequences.windows import count_windows, sliding_windows

_BATCHES_PER_REPORT = 8  # batches decoded at a time; bounds memory


class DecodedWindows(NamedTuple):
    """The miRNA that a model predicts for each window.

    Attributes:
      mirnas: the distinct predictions, 5'→3'.
      choices: index in `mirnas` of each window's prediction.
      log_probs: log P(prediction | window), natural logarithm.
    """

    mirnas: list[str]
    choices: Int32[np.ndarray, " windows"]
    log_probs: Float32[np.ndarray, " windows"]


def decode_windows(
    decoder: Decoder,
    targets: Sequence[SequenceRecord],
    *,
    size: int,
    stride: int,
    batch_size: int,
    report: Callable[[int], None],
) -> DecodedWindows:
    """Decode every window of every target, in memory of 8 bytes per window.

    Args:
      decoder: decoder, as returned by `decoders.make_decoder`.
      targets: records, 5'→3', none too short for the model.
      size: length of a window, nt.
      stride: distance from one window to the next, nt.
      batch_size: windows that the decoder takes at a time.
      report: called with the number of windows decoded since its previous call.

    Returns:
      The predictions, in the order of `sliding_windows`.

    Raises:
      FloatingPointError: if a log P is NaN or infinite.
    """
    lengths = [len(target.sequence) for target in targets]
    choices = np.empty(count_windows(lengths, size, stride), np.int32)
    log_probs = np.empty(len(choices), np.float32)
    indices: dict[str, int] = {}
    windows = sliding_windows(lengths, size, stride)
    done = 0
    while chunk := list(itertools.islice(windows, _BATCHES_PER_REPORT * batch_size)):
        sites = [targets[record].sequence[start:end] for record, start, end in chunk]
        decoded = decoder(alphabet.encode(sites, size))
        rows = slice(done, done + len(chunk))
        choices[rows] = [
            indices.setdefault(mirna, len(indices))
            for mirna in alphabet.decode(decoded.tokens)
        ]
        log_probs[rows] = decoded.log_probs
        if not np.isfinite(decoded.log_probs).all():
            raise FloatingPointError(
                "the model's log probabilities are NaN or infinite: its parameters are "
                "damaged or its training diverged; train it again"
            )
        done += len(chunk)
        report(len(chunk))
    return DecodedWindows(list(indices), choices, log_probs)
