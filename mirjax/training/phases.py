"""Times of the phases of a run."""

import contextlib
import time
from collections.abc import Iterator, Mapping

OTHER = "other work of the host"


class Phases:
    """Sums the times of phases; a phase's time excludes that of inner phases."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}
        self._current = OTHER
        self._since = time.perf_counter()

    @contextlib.contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Count the time of the block for a phase."""
        outer = self._current
        self._change(name)
        try:
            yield
        finally:
            self._change(outer)

    def seconds(self) -> dict[str, float]:
        """Return the seconds of each phase so far; other time is under `OTHER`."""
        self._change(self._current)
        return dict(self._seconds)

    def restart(self) -> None:
        """Set all times to 0."""
        self._seconds, self._since = {}, time.perf_counter()

    def _change(self, name: str) -> None:
        now = time.perf_counter()
        before = self._seconds.get(self._current, 0.0)
        self._seconds[self._current] = before + now - self._since
        self._current, self._since = name, now


def phase_table(seconds: Mapping[str, float]) -> str:
    """Return a table of phases, the longest first, with percentages.

    >>> print(phase_table({"training steps": 9.0, "evaluation": 3.0}))
    training steps                9.00 s   75.0%
    evaluation                    3.00 s   25.0%
    """
    total = sum(seconds.values()) or 1.0
    ordered = sorted(seconds.items(), key=lambda item: -item[1])
    return "\n".join(
        f"{name:<26} {value:>7.2f} s  {value / total:>6.1%}" for name, value in ordered
    )
