"""Probability that a miRNA binds the window around a seed site, by a classifier.

`screen_model()` reads each window: a network of 17,137 parameters that was trained on
sites of chimeric reads and on the predictions of a larger one, not on fold changes.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from mirjax.inference.classify import predict_logits
from mirjax.models.temperature import stored_temperature
from mirjax.scanning.repression.seed_sites import LENGTH
from mirjax.scanning.screen import MODEL, screen_model
from mirjax.sequences.records import Pairs

# Every batch has this many rows, so that there is one program, and the probability of a
# site does not depend on the number of sites that are predicted with it.
_BATCH = 64


def window_around(utr: str, start: int, width: int) -> str:
    """Return the window of a 3'UTR whose centre is a site.

    Args:
      utr: the 3'UTR.
      start: of the site's six letters.
      width: nt. Near an end of the 3'UTR the window is shifted inwards; a shorter 3'UTR
        is returned whole.
    """
    first = max(0, min(start + (LENGTH - width) // 2, len(utr) - width))
    return utr[first : first + width]


def log_probabilities(
    sites: Sequence[tuple[str, str, int]],
) -> Float[np.ndarray, " sites"]:
    """Return the natural logarithm of the calibrated probability of each site.

    Args:
      sites: of each site the strand, 5'→3', RNA letters; the 3'UTR, 5'→3', RNA letters
        and N; and the start of its six letters. A strand that is too long for the
        classifier is cut at its 3' end.
    """
    if not sites:
        return np.zeros(0)
    trained = screen_model()
    model = trained.model
    filled = [*sites, *[sites[0]] * (-len(sites) % _BATCH)]
    pairs = Pairs(
        [strand[: model.max_mirna_length] for strand, _, _ in filled],
        [window_around(utr, at, model.max_target_length) for _, utr, at in filled],
    )
    logits = predict_logits(model, trained.params, pairs, _BATCH)[: len(sites)]
    return -np.logaddexp(0, -logits / stored_temperature(trained.metadata, MODEL))
