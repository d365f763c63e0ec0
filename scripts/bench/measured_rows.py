"""The measurements of a benchmark as rows: printed as a table, written as JSON.

Every benchmark has a flag --out, by `add_out`, and writes its rows there by
`write_rows`, in the form that scripts/collect_results.py reads.
"""

import argparse
import json
import shlex
import statistics
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import timing


def rate_rows(
    seconds: Mapping[str, Sequence[float]],
    size: int | Mapping[str, int],
    baseline: str | None = None,
    **fields: Any,
) -> list[dict[str, Any]]:
    """Return the measurements of `timing.run` as rows, one per program.

    Args:
      seconds: name → seconds of each repeat.
      size: sequences in a repeat, as given to `timing.run`.
      baseline: the name whose median rate is 1; the first by default.
      **fields: further fields of every row, such as a batch size.

    Returns:
      Rows with `program`, `per_second` (the median), `range` (of `per_second`),
      `repeats`, `repeat_size` and `times` (the baseline's rate).
    """
    sizes = timing.sizes_by_name(size, seconds)
    medians = {
        name: sizes[name] / statistics.median(times) for name, times in seconds.items()
    }
    unit = medians[baseline or next(iter(seconds))]
    return [
        fields
        | {
            "program": name,
            "per_second": rounded(medians[name]),
            "range": [rounded(sizes[name] / time) for time in (max(times), min(times))],
            "repeats": len(times),
            "repeat_size": sizes[name],
            "times": rounded(medians[name] / unit, 3),
        }
        for name, times in seconds.items()
    ]


def markdown_table(
    rows: Sequence[Mapping[str, Any]], baseline: str | None = None
) -> str:
    """Return rows as a Markdown table under a line naming the machine.

    Args:
      rows: as `rate_rows` returns them.
      baseline: as given to `rate_rows`.

    Returns:
      Several lines; rates are in sequences per second.
    """
    baseline = baseline or rows[0]["program"]
    lines = [
        timing.machine(),
        "",
        f"| | sequences/s, median | slowest to fastest | repeats | × {baseline} |",
        "|---|---:|---:|---:|---:|",
    ]
    for row in rows:
        slowest, fastest = row["range"]
        lines.append(
            f"| {row['program']} | {_rate(row['per_second'])} "
            f"| {_rate(slowest)} to {_rate(fastest)} "
            f"| {row['repeats']} of {row['repeat_size']:,} | {row['times']:.3g} |"
        )
    return "\n".join(lines)


def rounded(value: float, digits: int = 4) -> float:
    """Round a number to significant digits."""
    return float(f"{value:.{digits}g}")


def add_out(parser: argparse.ArgumentParser) -> None:
    """Add the flag --out, whose value is for `write_rows`."""
    parser.add_argument(
        "--out",
        type=_new_file,
        metavar="FILE.json",
        help="write the rows as JSON too, for scripts/collect_results.py",
    )


def write_rows(out: Path | None, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows, with this process's command line and the machine.

    Args:
      out: the value of --out; without one nothing is written.
      rows: all that the benchmark measured.
    """
    if out is None:
        return
    words = iter(sys.argv[1:])
    kept = []
    for word in words:
        if word == "--out":
            next(words, None)
        elif not word.startswith("--out="):
            kept.append(word)
    script = f"scripts/bench/{Path(sys.argv[0]).name}"
    content = {
        "command": shlex.join(["python", script, *kept]),
        "machine": timing.machine(),
        "rows": list(rows),
    }
    out.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", "utf-8")


def _new_file(text: str) -> Path:
    """Return the path of --out; refuse it before the benchmark starts."""
    path = Path(text)
    if path.is_dir() or not path.parent.is_dir():
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a file of an existing folder"
        )
    return path


def _rate(per_second: float) -> str:
    return f"{per_second:,.0f}" if per_second >= 100 else f"{per_second:.3g}"
