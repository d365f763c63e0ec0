"""The operations that take the most time in a trace of jax's profiler."""

import collections
import pathlib
import re
from collections.abc import Mapping
from typing import NamedTuple

import jax

_LOOP = re.compile(r"(^|/)(while/body|closed_call|jit\(\w+\))(?=/|$)")


class HeavyOp(NamedTuple):
    """An operation of a model.

    Attributes:
      source: where it comes from, such as "jvp(Seq2Seq)/decoder_lstm/dot_general".
      share: fraction of the time of all operations.
      calls: number of times that it ran.
    """

    source: str
    share: float
    calls: int


def heavy_ops(folder: pathlib.Path, sources: Mapping[str, str]) -> list[HeavyOp]:
    """Return the operations of the newest trace in a folder, the heaviest first.

    The time of an operation excludes operations within it, such as those in a loop.

    Args:
      folder: as given to `jax.profiler.start_trace`.
      sources: compiled operation → its source, as `CompiledCalls.sources` returns them.
        Times of operations with the same source are summed.

    Returns:
      The operations; none if the trace has no times of single operations.
    """
    (*_, newest) = sorted(folder.rglob("*.xplane.pb"))
    nanoseconds: collections.Counter[str] = collections.Counter()
    calls: collections.Counter[str] = collections.Counter()
    for plane in jax.profiler.ProfileData.from_file(str(newest)).planes:
        for line in plane.lines:
            events = []
            for event in line.events:
                if (name := dict(event.stats).get("hlo_op")) is not None:
                    source = _shortened(sources.get(str(name), str(name)))
                    events.append((event.start_ns, -event.duration_ns, source))
            outer: list[tuple[float, str]] = []  # end and source
            for start, negative, source in sorted(events):
                while outer and outer[-1][0] <= start:
                    outer.pop()
                if outer:
                    nanoseconds[outer[-1][1]] += negative
                nanoseconds[source] -= negative
                calls[source] += 1
                outer.append((start - negative, source))
    total = sum(nanoseconds.values())
    return [
        HeavyOp(source, time / total, calls[source])
        for source, time in nanoseconds.most_common()
        if time > 0
    ]


def heavy_table(ops: list[HeavyOp], limit: int = 10) -> str:
    """Return a table of operations.

    >>> print(heavy_table([HeavyOp("decoder_lstm/dot_general", 0.314, 84)]))
     31.4%      84 x  decoder_lstm/dot_general
    """
    return "\n".join(
        f"{op.share:>6.1%}  {op.calls:>6} x  {op.source}" for op in ops[:limit]
    )


def _shortened(source: str) -> str:
    """Leave out the parts of a source that name loops and calls."""
    return _LOOP.sub("", source).strip("/") or source
