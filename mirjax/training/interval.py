"""The training metrics of the steps between two evaluations."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from mirjax.training.programs import RunMetrics


@dataclasses.dataclass(frozen=True)
class Interval:
    """The steps from one evaluation to the next, or to a stop before it.

    Attributes:
      end: the last step.
      is_evaluation: whether the runs are evaluated at it.
      metrics: means over the steps, of each run.
      seconds: time of the steps.
    """

    end: int
    is_evaluation: bool
    metrics: Sequence[Mapping[str, float]]
    seconds: float


class IntervalMetrics:
    """Collects the metrics of an interval's steps, call by call.

    Args:
      first: steps done before the interval.
      log_every: steps between rows of `logged`; 0: none.
    """

    def __init__(self, first: int, log_every: int):
        self._log_every = log_every
        self._calls: list[Sequence[RunMetrics]] = []
        self._unlogged: list[Sequence[RunMetrics]] = []
        self._logged_to = first

    def add(self, call: Sequence[RunMetrics]) -> None:
        """Add the metrics of each run at each step of one call."""
        self._calls.append(call)
        if self._log_every:
            self._unlogged.append(call)

    def means(self) -> list[dict[str, float]]:
        """Return the means over all steps so far, of each run."""
        return _means(_joined(self._calls))

    def logged(self) -> Iterator[tuple[int, list[dict[str, float]]]]:
        """Yield each multiple of `log_every` once all its steps are added.

        Yields:
          The step, and for each run the means over the steps since the previous
          multiple.
        """
        if not self._unlogged:
            return
        steps = _joined(self._unlogged)
        start = self._logged_to
        end = start + len(next(iter(steps[0].values())))
        for step in range(
            (start // self._log_every + 1) * self._log_every, end + 1, self._log_every
        ):
            rows = slice(self._logged_to - start, step - start)
            yield step, _means([_cut(of_run, rows) for of_run in steps])
            self._logged_to = step
        rest = slice(self._logged_to - start, None)
        self._unlogged = [[_cut(of_run, rest) for of_run in steps]]


def first_not_finite(metrics: RunMetrics) -> tuple[int, str] | None:
    """Return the first step of a call with a metric that is NaN or infinite.

    Args:
      metrics: of one run, at each step.

    Returns:
      The step, from 0, and the metric with its value; None if all are finite.

    >>> first_not_finite({"loss": np.array([1.0, np.inf])})
    (1, 'loss is inf')
    """
    for offset in range(len(next(iter(metrics.values())))):
        if (
            name := not_finite({k: float(v[offset]) for k, v in metrics.items()})
        ) is not None:
            return offset, name
    return None


def not_finite(metrics: Mapping[str, float]) -> str | None:
    """Return the first metric that is NaN or infinite with its value, or None."""
    for name in sorted(metrics, key=lambda name: name != "loss"):  # loss first
        if not np.isfinite(metrics[name]):
            return f"{name} is {metrics[name]}"
    return None


def _joined(calls: Sequence[Sequence[RunMetrics]]) -> list[RunMetrics]:
    """Return the metrics of each run at each step of several calls."""
    return [
        {name: np.concatenate([call[name] for call in of_run]) for name in of_run[0]}
        for of_run in zip(*calls, strict=True)
    ]


def _cut(metrics: RunMetrics, rows: slice) -> RunMetrics:
    return {name: values[rows] for name, values in metrics.items()}


def _means(runs: Sequence[RunMetrics]) -> list[dict[str, float]]:
    return [
        {name: float(np.mean(values)) for name, values in of_run.items()}
        for of_run in runs
    ]
