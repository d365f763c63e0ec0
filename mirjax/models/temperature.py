"""The temperature of a trained classifier: what calibrates its probabilities.

It is fitted by `evaluation.metrics.calibration` and kept in the model's metadata.
"""

import math
import os
from collections.abc import Mapping
from typing import Any

METADATA = "temperature"  # the key in a model's metadata


def find_temperature(
    metadata: Mapping[str, Any], path: str | os.PathLike[str]
) -> float | None:
    """Return the temperature that was fitted when a model was trained, or None.

    Args:
      metadata: the model's.
      path: its file, for messages.

    Raises:
      ValueError: if it is not a positive number.
    """
    value = metadata.get(METADATA)
    if value is None:
        return None
    if not isinstance(value, int | float) or not 0 < value < math.inf:
        raise ValueError(
            f"{path}: its temperature {value!r} is not a positive number; train the "
            "model again"
        )
    return float(value)


def stored_temperature(
    metadata: Mapping[str, Any], path: str | os.PathLike[str]
) -> float:
    """Return the temperature that was fitted when a model was trained.

    Args:
      metadata: the model's.
      path: its file, for messages.

    Raises:
      ValueError: if there is none, or it is not a positive number.
    """
    value = find_temperature(metadata, path)
    if value is None:
        raise ValueError(
            f"--calibrated: {path} holds no temperature fitted on validation rows; "
            "train the model with mirjax.train, or leave the flag out"
        )
    return value
