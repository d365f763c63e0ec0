"""Check that no score of a model is NaN."""

import numpy as np
from jaxtyping import Float


def check_log_probs(log_probs: Float[np.ndarray, "..."]) -> None:
    """Check the log-probabilities that a decoder or a ranking returned.

    Args:
      log_probs: -infinity is allowed: an unused beam slot has it.

    Raises:
      FloatingPointError: if one is NaN or positive infinity.
    """
    wrong = np.isnan(log_probs) | np.isposinf(log_probs)
    if wrong.any():
        raise FloatingPointError(
            f"{np.count_nonzero(wrong)} of {wrong.size} log-probabilities of the model "
            "are NaN or infinite: its parameters are damaged or its training diverged; "
            "train it again"
        )
