"""Check a model's config from a file, before a model is made from it.

The values in a file are not trusted: they may be of any type and size.
"""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

from mirjax.models import MODELS

_LIMITS = (  # ends of names, and the largest value, to bound memory and time
    ("layers", 100),
    ("length", 4_096),
    ("", 16_384),
)
_KINDS: Mapping[type, tuple[type | tuple[type, ...], str]] = {
    bool: (bool, "true or false"),
    int: (int, "a whole number"),
    float: ((int, float), "a number"),
    str: (str, "text"),
}
_SHOWN = 60  # characters of a value in a message


def check_config(config: Any) -> dict[str, Any]:
    """Check the arguments of `make_model` that a file holds.

    Returns:
      The arguments.

    Raises:
      ValueError: if they are not a JSON object with the name of a model, or a value has
        the wrong type or is far too large.
    """
    if not isinstance(config, Mapping):
        raise ValueError(f"its model is {shorten(config)}, not a JSON object")
    name = config.get("name")
    if not isinstance(name, str) or name not in MODELS:
        raise ValueError(
            f"its model's name is {shorten(name)}, not one of {', '.join(MODELS)}"
        )
    defaults = {field.name: field.default for field in dataclasses.fields(MODELS[name])}
    for key, value in config.items():
        if key != "name":
            _check_value(key, value, defaults.get(key))
    return dict(config)


def check_metadata(metadata: Any) -> dict[str, Any]:
    """Check the metadata in a model file of mirjax; see `TrainedModel`.

    Raises:
      ValueError: if it is not a JSON object, or an entry has the wrong type.
    """
    if not isinstance(metadata, dict) or "model" not in metadata:
        raise ValueError("its metadata describes no model")
    data = metadata.get("data")
    if data is not None:
        if not isinstance(data, dict) or not isinstance(data.get("name", ""), str):
            raise ValueError(f"its data is {shorten(data)}, not a named dataset")
        for key, value in data.items():
            if isinstance(value, dict | list):
                raise ValueError(f"its data has {shorten(key)}={shorten(value)}")
    step, l2 = metadata.get("step", 0), metadata.get("l2", 0.0)
    if not isinstance(step, int):
        raise ValueError(f"its step is {shorten(step)}, not a whole number")
    if not isinstance(l2, int | float) or not 0 <= l2 < math.inf:
        raise ValueError(f"its l2 is {shorten(l2)}, not a positive number")
    return metadata


def shorten(value: Any) -> str:
    """Return a value as one short line for a message."""
    text = ascii(value) if isinstance(value, str) else str(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _check_value(key: str, value: Any, default: Any) -> None:
    """Check one argument against the type of its default."""
    kind, described = _KINDS.get(type(default), (object, ""))
    is_bool = isinstance(value, bool)
    if not isinstance(value, kind) or is_bool != (kind is bool) and kind is not object:
        raise ValueError(f"its model's {key} is {shorten(value)}, not {described}")
    for number in value if isinstance(value, list) else [value]:
        if isinstance(number, float) and not math.isfinite(number):
            raise ValueError(f"its model's {key} is {shorten(number)}")
        if isinstance(number, int):
            limit = next(limit for end, limit in _LIMITS if key.endswith(end))
            if abs(number) > limit:
                raise ValueError(
                    f"its model's {key} is {shorten(number)}, more than {limit}"
                )
