"""Random miRNA-target pairs as miTAR's published code encodes them, for the benchmarks.

Independent of `mirjax.datasets`, since the programs that mirjax is compared with run in
an environment without mirjax.
"""

import numpy as np

LENGTH = 79  # letters of a row: the miRNA's 26, then the target's
MIRNA_LENGTH = 26
CODES = 5  # N, A, U, C, G
PUBLISHED_PARAMETERS = 110_970


def random_rows(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return random rows of realistic lengths, and random labels.

    Args:
      count: number of rows.
      seed: random seed of the letters, lengths and labels.

    Returns:
      uint8 [count, 79]: a miRNA of 17 to 26 nt, padding, a target of 20 to 53 nt,
      padding; and float32 [count], 0 or 1.
    """
    rng = np.random.default_rng(seed)
    tokens = rng.integers(1, CODES, (count, LENGTH), dtype=np.uint8)
    place = np.arange(LENGTH)
    mirna_end = rng.integers(17, MIRNA_LENGTH + 1, (count, 1))
    target_end = MIRNA_LENGTH + rng.integers(20, LENGTH - MIRNA_LENGTH + 1, (count, 1))
    tokens[(place >= mirna_end) & (place < MIRNA_LENGTH)] = 0
    tokens[place >= target_end] = 0
    return tokens, rng.integers(0, 2, count).astype(np.float32)
