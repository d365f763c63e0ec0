"""Decode target sites: short records whole, long ones window by window."""

import itertools
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from mirjax.inference.decoders import Decoder
from mirjax.sequences import alphabet
from mirjax.sequences.records import SequenceRecord
from mirjax.sequences.windows import count_windows, sliding_windows

_BATCHES_AT_ONCE = 8  # decoded between two reports; bounds memory

Report = Callable[[int], None]  # takes the number of windows done since the last call


class Decoded(NamedTuple):
    """What a model answers to every window.

    Attributes:
      mirnas: the different answers, 5'→3'.
      choices: int32 [windows], the number of each window's answer.
      log_probs: float32 [windows], log P(answer | window), natural logarithm.
    """

    mirnas: list[str]
    choices: np.ndarray
    log_probs: np.ndarray


def decode_windows(
    decoder: Decoder,
    size: int,
    targets: Sequence[SequenceRecord],
    stride: int,
    batch_size: int,
    report: Report,
) -> Decoded:
    """Decode every window of every target, in memory of 8 bytes a window.

    Args:
      decoder: what answers.
      size: of a window, nt.
      targets: 5'→3', none too short for the model.
      stride: from one window to the next, nt.
      batch_size: windows that the decoder takes at a time.
      report: told of progress.

    Returns:
      The answers, in the order of `sliding_windows`.
    """
    lengths = [len(target.sequence) for target in targets]
    choices = np.empty(count_windows(lengths, size, stride), np.int32)
    log_probs = np.empty(len(choices), np.float32)
    numbers: dict[str, int] = {}
    windows = sliding_windows(lengths, size, stride)
    done = 0
    while chunk := list(itertools.islice(windows, _BATCHES_AT_ONCE * batch_size)):
        stretches = [
            targets[record].sequence[start:end] for record, start, end in chunk
        ]
        answers = decoder(alphabet.encode(stretches, size))
        rows = slice(done, done + len(chunk))
        choices[rows] = [
            numbers.setdefault(mirna, len(numbers))
            for mirna in alphabet.decode(answers.tokens)
        ]
        log_probs[rows] = answers.log_probs
        done += len(chunk)
        report(len(chunk))
    return Decoded(list(numbers), choices, log_probs)
