"""miRNA-target pairs as the published code's one-hot arrays, for the benchmarks.

Independent of `mirjax.datasets`, since the programs that mirjax is compared with run in
an environment without mirjax.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

# Letter order of the published arrays; "^" stands for its start letter (a tab there)
# and "$" for its end letter (a newline there).
ENCODER_LETTERS = "ACGU"
DECODER_LETTERS = "ACGU^$"
ENCODER_STEPS = 29
DECODER_STEPS = 28


class OneHotPairs(NamedTuple):
    """One-hot float32 arrays of n pairs; rows of zeros are padding.

    Attributes:
      encoder_inputs: [n, 29, 4], target sites written 3'→5'.
      decoder_inputs: [n, 28, 6], start letter, miRNA 5'→3', end letter.
      decoder_targets: [n, 28, 6], the same one step earlier, without the start letter.
    """

    encoder_inputs: np.ndarray
    decoder_inputs: np.ndarray
    decoder_targets: np.ndarray


def encode(mirnas: Sequence[str], targets: Sequence[str]) -> OneHotPairs:
    """Return pairs as one-hot arrays.

    Args:
      mirnas: miRNAs 5'→3', RNA letters, at most 26 nt each.
      targets: as many target sites 5'→3', RNA letters, at most 29 nt each.

    Returns:
      The arrays that the published training code would build from these pairs.
    """
    framed = [f"^{mirna}$" for mirna in mirnas]
    return OneHotPairs(
        _one_hot([target[::-1] for target in targets], ENCODER_LETTERS, ENCODER_STEPS),
        _one_hot(framed, DECODER_LETTERS, DECODER_STEPS),
        _one_hot([letters[1:] for letters in framed], DECODER_LETTERS, DECODER_STEPS),
    )


def random_letters(
    rng: np.random.Generator, count: int, shortest: int, longest: int
) -> list[str]:
    """Return sequences of uniformly drawn letters and lengths.

    Args:
      rng: source of the letters and lengths.
      count: number of sequences.
      shortest: least length, in nt.
      longest: greatest length, in nt.

    Returns:
      `count` strings over A, C, G and U.
    """
    lengths = rng.integers(shortest, longest + 1, count)
    return ["".join(rng.choice(list(ENCODER_LETTERS), length)) for length in lengths]


def random_pairs(count: int, seed: int = 0) -> OneHotPairs:
    """Return `count` random pairs of realistic lengths: 17-26 and 19-29 nt.

    Args:
      count: number of pairs.
      seed: random seed of the letters.

    Returns:
      Their one-hot arrays.
    """
    rng = np.random.default_rng(seed)
    return encode(
        random_letters(rng, count, 17, 26), random_letters(rng, count, 19, 29)
    )


def _one_hot(sequences: Sequence[str], letters: str, steps: int) -> np.ndarray:
    array = np.zeros((len(sequences), steps, len(letters)), np.float32)
    for row, sequence in enumerate(sequences):
        for step, letter in enumerate(sequence):
            array[row, step, letters.index(letter)] = 1.0
    return array
