"""Accessibility of target sites and energies of duplexes, by ViennaRNA (extra `fold`).

References:
  Lorenz et al. 2011, ViennaRNA Package 2.0, doi 10.1186/1748-7188-6-26.
  Bernhart et al. 2006, Local RNA base pairing probabilities in large sequences,
  doi 10.1093/bioinformatics/btk014.
"""

from typing import Any

import numpy as np
from jaxtyping import Bool

WINDOW = 120  # nt that are folded at a time
SPAN = 60  # nt that a pair may span
STRETCH = 8  # nt that are unpaired together
LEAST_PROBABILITY = 0.01  # above it a stretch is taken as open


def load_viennarna(purpose: str) -> Any:
    """Return ViennaRNA's module.

    Args:
      purpose: the flag or feature that needs it, for the error.

    Raises:
      ValueError: if it is not installed.
    """
    try:
        import RNA
    except ImportError as error:
        raise ValueError(
            f"{purpose} needs ViennaRNA: pip install 'mirjax[fold]'"
        ) from error
    return RNA


def open_stretches(sequence: str) -> Bool[np.ndarray, " letters"]:
    """Return at which letters an open stretch ends (one that is likely unpaired).

    Args:
      sequence: the transcript, RNA letters 5'→3'.

    Returns:
      For each letter, whether the `STRETCH` letters up to it are all unpaired with a
      probability above `LEAST_PROBABILITY`.

    Raises:
      ValueError: if ViennaRNA is not installed.
    """
    rna = load_viennarna("--accessible")
    opened = np.zeros(len(sequence), bool)
    if len(sequence) < STRETCH:
        return opened
    window = min(WINDOW, len(sequence))
    rows = rna.pfl_fold_up(sequence, STRETCH, window, min(SPAN, window))
    for end in range(STRETCH, len(sequence) + 1):  # ViennaRNA counts from 1
        opened[end - 1] = rows[end][STRETCH] > LEAST_PROBABILITY
    return opened


def duplex_energy(mirna: str, site: str) -> float:
    """Return the free energy of the best duplex of a miRNA and a site, in kcal/mol.

    Args:
      mirna: RNA letters 5'→3', at least one.
      site: likewise.

    Raises:
      ValueError: if ViennaRNA is not installed.
    """
    return float(load_viennarna("--max_energy").duplexfold(mirna, site).energy)
