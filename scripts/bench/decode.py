"""Decoding speed, in sequences (targets) per second.

    python scripts/bench/decode.py --bench_python=.venv-bench/bin/python
    python scripts/bench/decode.py --decoders --model=transformer

The first command compares programs that decode the published seq2seq. mirjax and
PyTorch decode greedily in batches; "published loop" is the published code's method, one
sequence and one letter at a time through Keras `predict`. The teacher-forced rows are
one pass over the true letters, a lower bound of the decoding time.

The second command compares mirjax's decoders: greedy, a beam of 8, a beam of 8 among
the human miRNAs, and exact log P of every human miRNA for every target. The last is
also timed as one teacher-forced pass per miRNA over all targets.
"""

import argparse
import sys
from typing import Any

import measured_rows
import timing


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--bench_python", default=".venv-bench/bin/python")
    parser.add_argument("--batch_size", type=int, default=512)
    parser.add_argument("--batches", type=int, default=4, help="in one repeat")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument(
        "--decoders", action="store_true", help="compare those of mirjax"
    )
    parser.add_argument("--model", choices=("seq2seq", "transformer"), default="")
    parser.add_argument(
        "--decoder_layers",
        type=int,
        default=0,
        help="of the Transformer; 0: its config's",
    )
    measured_rows.add_out(parser)
    arguments = parser.parse_args()
    if arguments.decoders:
        model = arguments.model or "transformer"
        rows = compare_decoders(model, arguments.decoder_layers, arguments.repeats)
    else:
        rows = compare_programs(arguments)
    measured_rows.write_rows(arguments.out, rows)


def compare_programs(arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """Print the table of programs, and return its rows."""
    batch = {"batch_size": arguments.batch_size}
    other = arguments.bench_python

    def keras(task: str) -> list[str]:
        return timing.worker_command(other, "keras_seq2seq.py", task=task, **batch)

    def torch(task: str) -> list[str]:
        return timing.worker_command(other, "torch_seq2seq.py", task=task, **batch)

    def ours(task: str) -> list[str]:
        return timing.worker_command(
            sys.executable, "mirjax_seq2seq.py", task=task, **batch
        )

    competitors = {
        "published loop (Keras 3)": keras("published_loop"),
        "mirjax greedy": ours("greedy"),
        "PyTorch greedy": torch("greedy"),
        "Keras 3 predict, teacher-forced": keras("teacher_forced"),
        "mirjax, teacher-forced": ours("teacher_forced"),
    }
    size = dict.fromkeys(competitors, arguments.batches * arguments.batch_size)
    size["published loop (Keras 3)"] = 2  # sequences; one takes seconds
    seconds = timing.run(competitors, arguments.repeats, size)
    rows = measured_rows.rate_rows(seconds, size)
    print(measured_rows.markdown_table(rows))
    return rows


def compare_decoders(
    model: str, decoder_layers: int, repeats: int
) -> list[dict[str, Any]]:
    """Print the table of mirjax's own decoders, and return its rows."""
    sizes = {
        "greedy": 1024,
        "beam": 256,
        "constrained": 256,
        "ranking": 16,
        "one_pass_a_mirna": 16,
    }
    competitors = {
        task: timing.worker_command(
            sys.executable,
            "mirjax_decoders.py",
            task=task,
            model=model,
            decoder_layers=decoder_layers,
        )
        for task in sizes
    }
    seconds = timing.run(competitors, repeats, sizes)
    baseline = "one_pass_a_mirna"
    rows = measured_rows.rate_rows(
        seconds, sizes, baseline, model=model, decoder_layers=decoder_layers
    )
    print(measured_rows.markdown_table(rows, baseline))
    return [{"decoder": row.pop("program"), **row} for row in rows]


if __name__ == "__main__":
    main()
