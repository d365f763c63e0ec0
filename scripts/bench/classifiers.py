"""Forward speed of classifiers: pretrained/duplex and miRBind2 in turn.

    python scripts/bench/classifiers.py --bench_python=.venv-bench/bin/python \
        --mirbind2=published/mirbind2 --out=rows.json

The same random pairs, miRNAs of 22 nt and targets of 50 nt, all cores. miRBind2 is
measured in PyTorch, in a separate environment (see BUILD.md), and in mirjax.
"""

import argparse
import sys

import measured_rows
import timing


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--bench_python", required=True, help="that has PyTorch")
    parser.add_argument("--mirbind2", help="its weights, for mirjax")
    parser.add_argument("--pairs", type=int, default=8192)
    parser.add_argument("--repeats", type=int, default=5)
    measured_rows.add_out(parser)
    arguments = parser.parse_args()
    competitors = {
        f"miRBind2, PyTorch, batch {size}": timing.worker_command(
            arguments.bench_python, "torch_mirbind2.py", batch_size=size
        )
        for size in (64, 256)
    }
    models = {"duplex": "pretrained/duplex"}
    if arguments.mirbind2:
        models["miRBind2"] = arguments.mirbind2
    for name, model in models.items():
        competitors[f"{name}, mirjax"] = timing.worker_command(
            sys.executable, "mirjax_pairs.py", model=model
        )
    seconds = timing.run(competitors, arguments.repeats, arguments.pairs)
    rows = measured_rows.rate_rows(seconds, arguments.pairs)
    print(measured_rows.markdown_table(rows))
    measured_rows.write_rows(arguments.out, rows)


if __name__ == "__main__":
    main()
