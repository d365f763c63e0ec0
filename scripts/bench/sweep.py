"""Speed of a sweep: runs of miTAR trained together, and one after another.

python scripts/bench/sweep.py
"""

import argparse
import sys
from typing import Any

import measured_rows
import timing


def main() -> None:
    """Print a table for each batch size."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--runs", type=int, default=4)
    parser.add_argument("--batch_sizes", type=int, nargs="+", default=[10, 30, 100])
    measured_rows.add_out(parser)
    arguments = parser.parse_args()
    rows: list[dict[str, Any]] = []
    for batch_size in arguments.batch_sizes:
        common = {"batch_size": batch_size, "runs": arguments.runs}
        competitors = {
            name: timing.worker_command(
                sys.executable, "mirjax_sweep.py", mode=mode, **common
            )
            for name, mode in (
                ("one after another", "in_turn"),
                ("together", "together"),
            )
        }
        size = 16 * batch_size * arguments.runs
        seconds = timing.run(competitors, arguments.repeats, size)
        print(f"{arguments.runs} runs, batch {batch_size}")
        found = measured_rows.rate_rows(seconds, size, batch_size=batch_size)
        print(measured_rows.markdown_table(found))
        rows += [{"mode": row.pop("program"), **row} for row in found]
    measured_rows.write_rows(arguments.out, rows)


if __name__ == "__main__":
    main()
