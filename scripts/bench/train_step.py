"""Training speed of the published seq2seq: mirjax, PyTorch and Keras 3 in turn.

    python scripts/bench/train_step.py --bench_python=.venv-bench/bin/python

Keras and PyTorch run in a separate environment; see BUILD.md.
"""

import argparse
import sys

import measured_rows
import timing


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--bench_python", default=".venv-bench/bin/python")
    parser.add_argument("--batch_size", type=int, default=50)
    parser.add_argument("--batches", type=int, default=16, help="in one repeat")
    parser.add_argument("--repeats", type=int, default=7)
    measured_rows.add_out(parser)
    arguments = parser.parse_args()
    common = {"task": "train", "batch_size": arguments.batch_size}
    other = arguments.bench_python
    competitors = {
        "PyTorch nn.LSTM (no recurrent dropout)": timing.worker_command(
            other, "torch_seq2seq.py", variant="lstm", **common
        ),
        "mirjax": timing.worker_command(sys.executable, "mirjax_seq2seq.py", **common),
        "mirjax, no recurrent dropout": timing.worker_command(
            sys.executable, "mirjax_seq2seq.py", recurrent_dropout="0", **common
        ),
        "Keras 3": timing.worker_command(other, "keras_seq2seq.py", **common),
        "PyTorch, same arithmetic": timing.worker_command(
            other, "torch_seq2seq.py", variant="exact", **common
        ),
    }
    size = arguments.batches * arguments.batch_size
    seconds = timing.run(competitors, arguments.repeats, size)
    rows = measured_rows.rate_rows(seconds, size)
    print(measured_rows.markdown_table(rows))
    measured_rows.write_rows(arguments.out, rows)


if __name__ == "__main__":
    main()
