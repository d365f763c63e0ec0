"""Checks of a model's fields, when it is made."""

from collections.abc import Iterable

import flax.linen as nn


def check_sizes(model: nn.Module, names: Iterable[str]) -> None:
    """Raise a ValueError if one of the named fields is below 1."""
    for name in names:
        size = getattr(model, name)
        if size < 1:
            raise ValueError(f"{_kind(model)}: {name}={size} is below 1")


def check_rates(model: nn.Module, names: Iterable[str]) -> None:
    """Raise a ValueError if one of the named fields is not a dropout rate.

    A traced rate has no value yet and is not checked: runs of several rates may be
      trained in one program.
    """
    for name in names:
        rate = getattr(model, name)
        if isinstance(rate, (int, float)) and not 0.0 <= rate < 1.0:
            raise ValueError(f"{_kind(model)}: {name}={rate}: 0 to below 1")


def _kind(model: nn.Module) -> str:
    """Return a model's name in configs."""
    return type(model).__name__.lower()
