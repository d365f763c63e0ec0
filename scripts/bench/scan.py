"""Speed of scanning transcripts by windows with miTAR: mirjax and Keras in turn.

    python scripts/bench/scan.py --model=miTAR.h5 \
        --bench_python=.venv-bench/bin/python --out=rows.json

From files to a file: 100 miRNAs and transcripts of 1,500 nt, a window every 22 nt.
mirjax's time includes the start of its command; Keras's starts with the model in
memory. Keras runs in a separate environment (see BUILD.md), at several batch sizes, on
fewer transcripts, since its time is proportional to them. Without --bench_python only
mirjax is measured.
"""

import argparse
import sys

import measured_rows
import timing

BATCH_SIZES = (512, 2048, 8192)  # of Keras; the best is reported


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", required=True, help="miTAR's weights")
    parser.add_argument("--bench_python", help="interpreter that has Keras")
    parser.add_argument("--mirnas", type=int, default=100)
    parser.add_argument("--transcripts", type=int, default=1000)
    parser.add_argument("--keras_transcripts", type=int, default=10)
    parser.add_argument("--letters", type=int, default=1500, help="of a transcript")
    parser.add_argument("--repeats", type=int, default=3)
    measured_rows.add_out(parser)
    arguments = parser.parse_args()
    common = {"mirnas": arguments.mirnas, "letters": arguments.letters}
    competitors, sizes = {}, {}
    if arguments.bench_python:
        for batch_size in BATCH_SIZES:
            name = f"Keras 3, batch {batch_size}"
            competitors[name] = timing.worker_command(
                arguments.bench_python,
                "keras_scan.py",
                batch_size=batch_size,
                **common,
            )
            sizes[name] = arguments.keras_transcripts
    competitors["mirjax"] = timing.worker_command(
        sys.executable, "mirjax_scan.py", model=arguments.model, **common
    )
    sizes["mirjax"] = arguments.transcripts
    seconds = timing.run(competitors, arguments.repeats, sizes)
    rows = measured_rows.rate_rows(seconds, sizes)  # of transcripts
    print(measured_rows.markdown_table(rows))
    measured_rows.write_rows(arguments.out, rows)


if __name__ == "__main__":
    main()
