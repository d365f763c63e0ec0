"""Kinds of values that keys of a config may have."""

import dataclasses
import math

from mirjax.spelling import suggest

LARGEST_INT = 2**31 - 1  # of int32, the integer type on devices
LARGEST_FLOAT = 3e38  # of float32


@dataclasses.dataclass(frozen=True)
class Number:
    """A number from `low` to `high`, both included unless `above` or `below` is set."""

    kind: type[int] | type[float]
    low: float = 0.0
    high: float = LARGEST_FLOAT
    above: bool = False
    below: bool = False

    def problem(self, value: object) -> str | None:
        """Return what a value must be, or None if it is valid."""
        kinds = (int,) if self.kind is int else (int, float)
        if isinstance(value, bool) or not isinstance(value, kinds):
            return "a whole number" if self.kind is int else "a number"
        if not math.isfinite(value):
            return "a finite number"
        if value < self.low or (self.above and value == self.low):
            if not self.below and self.high >= min(LARGEST_INT, LARGEST_FLOAT):
                return f"{'above' if self.above else 'at least'} {self.low:g}"
            return self._range()
        if value > self.high or (self.below and value == self.high):
            return self._range()
        return None

    def _range(self) -> str:
        high = f"{self.high:.10g}"
        return f"{self.low:g} to {'below ' if self.below else ''}{high}"


@dataclasses.dataclass(frozen=True)
class Choice:
    """One of the given texts; if none are given, any text that is not blank."""

    values: tuple[str, ...] = ()

    def problem(self, value: object) -> str | None:
        """Return what a value must be, or None if it is valid."""
        if not self.values:
            is_text = isinstance(value, str) and value.strip()
            return None if is_text else "a text that is not empty"
        if value in self.values:
            return None
        names = ", ".join(name or repr(name) for name in self.values)
        return f"one of {names}{suggest(str(value), self.values)}"


@dataclasses.dataclass(frozen=True)
class Flag:
    """True or False."""

    def problem(self, value: object) -> str | None:
        """Return what a value must be, or None if it is valid."""
        return None if isinstance(value, bool) else "True or False"


@dataclasses.dataclass(frozen=True)
class Sizes:
    """Whole numbers of at least 1."""

    def problem(self, value: object) -> str | None:
        """Return what a value must be, or None if it is valid."""
        sizes = value if isinstance(value, list | tuple) else ()
        if sizes and not any(SIZE.problem(size) for size in sizes):
            return None
        return "whole numbers of at least 1"


@dataclasses.dataclass(frozen=True)
class Text:
    """Any text, also an empty one."""

    def problem(self, value: object) -> str | None:
        """Return what a value must be, or None if it is valid."""
        return None if isinstance(value, str) else "a text"


Bound = Number | Choice | Flag | Sizes | Text

COUNT = Number(int, low=0, high=LARGEST_INT)
SIZE = Number(int, low=1, high=LARGEST_INT)
LENGTH = Number(float)
POSITIVE = Number(float, above=True)
RATE = Number(float, high=1.0, below=True)
TEXT = Text()
