"""Speed of miTAR: mirjax, Keras 3 and PyTorch in turn, training and predicting.

    python scripts/bench/mitar.py --bench_python=.venv-bench/bin/python

Keras and PyTorch run in a separate environment; see BUILD.md.
"""

import argparse
import sys
from typing import Any

import measured_rows
import timing


def main() -> None:
    """Print a table for each task."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--bench_python", default=".venv-bench/bin/python")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--batches", type=int, default=32, help="in one repeat")
    parser.add_argument("--task", choices=("train", "predict"), help="default: both")
    measured_rows.add_out(parser)
    arguments = parser.parse_args()
    rows: list[dict[str, Any]] = []
    for task, batch_size in (("train", 100), ("predict", 512)):
        if arguments.task not in (None, task):
            continue
        common = {"task": task, "batch_size": batch_size}
        other = arguments.bench_python
        competitors = {
            "Keras 3": timing.worker_command(other, "keras_mitar.py", **common),
            "PyTorch": timing.worker_command(other, "torch_mitar.py", **common),
            "mirjax": timing.worker_command(
                sys.executable, "mirjax_mitar.py", **common
            ),
        }
        size = arguments.batches * batch_size
        seconds = timing.run(competitors, arguments.repeats, size)
        name = {"train": "training", "predict": "predicting"}[task]
        found = measured_rows.rate_rows(seconds, size, task=name, batch_size=batch_size)
        print(f"{name}, batch {batch_size}")
        print(measured_rows.markdown_table(found))
        rows += found
    measured_rows.write_rows(arguments.out, rows)


if __name__ == "__main__":
    main()
