"""Decode target sites: short records as a whole, long ones window by window."""

import itertools
from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Int32

from mirjax.inference.decoders import Decoder
from mirjax.sequences import alphabet
from mirjax.sequences.records import SequenceRecord
from mirjax.sequences.windows import Window

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
    windows: Collection[Window],
    *,
    size: int,
    batch_size: int,
    report: Callable[[int], None],
) -> DecodedWindows:
    """Decode windows of targets, in memory of 8 bytes per window.

    Args:
      decoder: decoder, as returned by `decoders.make_decoder`.
      targets: records, 5'→3', none too short for the model.
      windows: windows of the records, in any order.
      size: length of the longest window, nt.
      batch_size: windows that the decoder takes at a time.
      report: called with the number of windows decoded since its previous call.

    Returns:
      The predictions, in the order of the windows.

    Raises:
      FloatingPointError: if a log P is NaN or infinite.
    """
    choices = np.empty(len(windows), np.int32)
    log_probs = np.empty(len(choices), np.float32)
    indices: dict[str, int] = {}
    following = iter(windows)
    done = 0
    while chunk := list(itertools.islice(following, _BATCHES_PER_REPORT * batch_size)):
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
