"""What a classifier says of the window around a seed site.

`screen_model()` reads each window: a network of 17,137 parameters that was trained on
sites of chimeric reads and on the predictions of a larger one, not on fold changes. Its
last two layers make one number, the probability that the site is bound. Fold changes
ask for another one, so that the repression head also reads what these layers read: the
embedding of the site.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from mirjax.models.temperature import stored_temperature
from mirjax.scanning.engines.duplex import DuplexEngine
from mirjax.scanning.repression import features
from mirjax.scanning.repression.seed_sites import LENGTH
from mirjax.scanning.screen import MODEL, screen_model
from mirjax.sequences import alphabet


def window_around(utr: str, start: int, width: int) -> str:
    """Return the window of a 3'UTR whose centre is a site.

    Args:
      utr: the 3'UTR.
      start: of the site's six letters.
      width: nt. Near an end of the 3'UTR the window is shifted inwards; a shorter 3'UTR
        is returned whole.
    """
    first = first_letter(utr, start, width)
    return utr[first : first + width]


def first_letter(utr: str, start: int, width: int) -> int:
    """Return where the window of `window_around` starts."""
    return max(0, min(start + (LENGTH - width) // 2, len(utr) - width))


def classify_sites(
    sites: Sequence[tuple[str, str, int]],
) -> Float[np.ndarray, "sites classifier_features"]:
    """Return the features `features.CLASSIFIER` of sites.

    Args:
      sites: of each site the strand, 5'→3', RNA letters; the 3'UTR, 5'→3', RNA letters
        and N; and the start of its six letters. A strand that is too long for the
        classifier is cut at its 3' end.

    Returns:
      One row per site: the natural logarithm of the calibrated probability, then the
        embedding.
    """
    if not sites:
        return np.zeros((0, len(features.CLASSIFIER)))
    trained = screen_model()
    width, longest = trained.model.max_target_length, trained.model.max_mirna_length
    strands = list(dict.fromkeys(strand[:longest] for strand, _, _ in sites))
    utrs = list(dict.fromkeys(utr for _, utr, _ in sites))
    padded = [len(utr) + width for utr in utrs]  # windows of short 3'UTRs end outside
    joined = np.concatenate(
        [
            alphabet.encode([utr], length, unknown_as_pad=True)[0]
            for utr, length in zip(utrs, padded, strict=True)
        ]
    )
    offsets = dict(zip(utrs, np.cumsum(padded) - padded, strict=True))
    numbers = {strand: number for number, strand in enumerate(strands)}
    temperature = stored_temperature(trained.metadata, MODEL)
    engine = DuplexEngine(trained, tuple(strands), temperature)
    probabilities, embedding = engine.embed_pairs(
        joined,
        np.array([numbers[strand[:longest]] for strand, _, _ in sites]),
        np.array([offsets[utr] + first_letter(utr, at, width) for _, utr, at in sites]),
    )
    first = np.log(probabilities.astype(np.float64))
    return np.column_stack([first, embedding])
