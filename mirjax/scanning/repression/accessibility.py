"""Accessibility of target sites: local probabilities of being unpaired, by ViennaRNA.

References:
  Bernhart et al. 2006, Local RNA base pairing probabilities in large sequences,
  doi 10.1093/bioinformatics/btk014.
  Agarwal et al. 2015, doi 10.7554/eLife.05005: the settings that are used here.
"""

import hashlib
import pathlib
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from mirjax.files import atomic_write, cache_folder, make_cache_folder
from mirjax.inference.folding import load_viennarna

WINDOW = 80  # nt that are folded at a time
SPAN = 40  # nt that a pair may span
STRETCH = 14  # nt that are unpaired together, centred on miRNA letters 7 and 8

_FLOOR = 1e-5  # least probability, so that logarithms are finite


def is_available() -> bool:
    """Return whether ViennaRNA's Python package (extra `fold`) is installed."""
    try:
        load_viennarna("accessibility of sites")
    except ValueError:
        return False
    return True


def log10_unpaired(utr: str) -> Float[np.ndarray, " ends"]:
    """Return the probability that each stretch of `STRETCH` letters is unpaired.

    Args:
      utr: the 3'UTR, 5'→3', RNA letters and N.

    Returns:
      log10 of the probability. Index e holds that of the letters from e - `STRETCH` to
        e, e excluded; NaN where a stretch does not fit.

    Raises:
      ValueError: if ViennaRNA is not installed.
    """
    rna = load_viennarna("accessibility of sites")
    found = np.full(len(utr) + 1, np.nan)
    if len(utr) < STRETCH:
        return found
    window = min(WINDOW, len(utr))
    rows = rna.pfl_fold_up(utr, STRETCH, window, min(SPAN, window))
    for end in range(STRETCH, len(utr) + 1):
        found[end] = rows[end][STRETCH]
    return np.log10(np.maximum(found, _FLOOR))


def log10_unpaired_of_all(utrs: Sequence[str]) -> list[Float[np.ndarray, " ends"]]:
    """Return `log10_unpaired` of each 3'UTR, through the user's cache.

    Folding takes about a minute for a million letters.

    Args:
      utrs: 3'UTRs, 5'→3', RNA letters and N.

    Raises:
      ValueError: if ViennaRNA is not installed.
      OSError: if the cache cannot be written.
    """
    ends = np.cumsum([len(utr) + 1 for utr in utrs])[:-1]
    path = cache_path(utrs)
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as kept:
            found = kept["log10_unpaired"].astype(np.float64)
    except Exception:  # no file, or a damaged one, which fails in many ways
        found = np.zeros(0)  # fold again
    if len(found) != sum(map(len, utrs)) + len(utrs):
        found = np.concatenate([log10_unpaired(utr) for utr in utrs]).astype(np.float32)
        make_cache_folder(path.parent)
        with atomic_write(path) as unfinished, open(unfinished, "wb") as out:
            np.savez_compressed(out, log10_unpaired=found)
    return [part.astype(np.float64) for part in np.split(found, ends)]


def cache_path(utrs: Sequence[str]) -> pathlib.Path:
    """Return the cache file of the accessibility of these 3'UTRs."""
    settings = f"{WINDOW} {SPAN} {STRETCH} {_FLOOR} {_version()}"
    key = hashlib.sha256("\n".join([settings, *utrs]).encode()).hexdigest()
    return cache_folder("accessibility") / f"{key[:32]}.npz"


def _version() -> str:
    if not is_available():
        return ""
    return str(load_viennarna("accessibility of sites").__version__)
