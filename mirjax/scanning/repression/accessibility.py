"""Accessibility of target sites: local probabilities of being unpaired, by ViennaRNA.

References:
  Bernhart et al. 2006, Local RNA base pairing probabilities in large sequences,
  doi 10.1093/bioinformatics/btk014.
  Agarwal et al. 2015, doi 10.7554/eLife.05005: the settings that are used here.
"""

import numpy as np
from jaxtyping import Float

WINDOW = 80  # nt that are folded at a time
SPAN = 40  # nt that a pair may span
STRETCH = 14  # nt that are unpaired together, centred on miRNA letters 7 and 8

_FLOOR = 1e-5  # least probability, so that logarithms are finite


def is_available() -> bool:
    """Return whether ViennaRNA's Python package (extra `fold`) is installed."""
    try:
        import RNA  # noqa: F401
    except ImportError:
        return False
    return True


def log10_unpaired(utr: str) -> Float[np.ndarray, " ends"]:
    """Return how likely each stretch of `STRETCH` letters is unpaired.

    Args:
      utr: the 3'UTR, 5'→3', RNA letters and N.

    Returns:
      log10 of the probability, by the end of the stretch: that of the letters from
      e - `STRETCH` to e, which is excluded, at e. NaN where a stretch does not fit.

    Raises:
      ValueError: if ViennaRNA is not installed.
    """
    try:
        import RNA
    except ImportError as error:
        raise ValueError(
            "accessibility of sites needs ViennaRNA: pip install 'mirjax[fold]'"
        ) from error
    found = np.full(len(utr) + 1, np.nan)
    if len(utr) < STRETCH:
        return found
    window = min(WINDOW, len(utr))
    rows = RNA.pfl_fold_up(utr, STRETCH, window, min(SPAN, window))
    for end in range(STRETCH, len(utr) + 1):
        found[end] = rows[end][STRETCH]
    return np.log10(np.maximum(found, _FLOOR))
