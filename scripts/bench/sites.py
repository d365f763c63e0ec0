"""Speed of finding sites in real 3'UTRs: mirjax and RNAhybrid in turn.

    python scripts/bench/sites.py --targets=utr3.fa.gz --out=rows.json

Twelve miRNAs; see sites_worker.py. RNAhybrid (Debian's package rnahybrid) scans fewer
transcripts, the first ones of the same sample, since its time is proportional to them.
mirjax is measured on these, too, where its start and its background are most of the
time.
"""

import argparse
import sys

import measured_rows
import timing


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--targets", required=True, help="FASTA of 3'UTRs")
    parser.add_argument("--transcripts", type=int, default=1000)
    parser.add_argument("--few", type=int, default=50, help="of RNAhybrid")
    parser.add_argument("--repeats", type=int, default=3)
    measured_rows.add_out(parser)
    arguments = parser.parse_args()
    runs = {
        "RNAhybrid, best duplex": ("RNAhybrid", arguments.few, 1),
        "RNAhybrid, best 5": ("RNAhybrid", arguments.few, 5),
        "mirjax, as many transcripts": ("mirjax", arguments.few, 1),
        "mirjax": ("mirjax", arguments.transcripts, 1),
    }
    competitors = {
        name: timing.worker_command(
            sys.executable,
            "sites_worker.py",
            program=program,
            targets=arguments.targets,
            hits=hits,
        )
        for name, (program, _, hits) in runs.items()
    }
    sizes = {name: size for name, (_, size, _) in runs.items()}
    seconds = timing.run(competitors, arguments.repeats, sizes, warmup=0)
    rows = measured_rows.rate_rows(seconds, sizes)  # of transcripts
    print(measured_rows.markdown_table(rows))
    measured_rows.write_rows(arguments.out, rows)


if __name__ == "__main__":
    main()
