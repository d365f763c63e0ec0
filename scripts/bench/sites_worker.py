"""Sites of miRNAs in real 3'UTRs by one program, as a benchmark worker.

    python sites_worker.py --program=RNAhybrid --targets=utr3.fa.gz

From files to a file. mirjax starts without a cache: its time includes its start and the
background of each miRNA. RNAhybrid reports the best duplexes of each miRNA and
transcript, in one process, as it has no threads.
"""

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import scan_inputs
import timing

from mirjax.scanning.mirnas import load_mirnas
from mirjax.sequences.bad_records import BadRecords

MOST = 1_000_000  # nt of the longest transcript, set for RNAhybrid


def command(program: str, mirnas: str, targets: str, hits: int) -> list[str]:
    """Return the command line of a program, without its output."""
    if program == "mirjax":
        scan = [sys.executable, "-m", "mirjax.scan"]
        return [*scan, f"--mirnas={mirnas}", f"--targets={targets}"]
    hybrid = ["RNAhybrid", "-c", "-s", "3utr_human", "-m", str(MOST), "-n", "40"]
    return [*hybrid, "-b", str(hits), "-t", targets, "-q", mirnas]


def main() -> None:
    """Run the worker."""
    parser = argparse.ArgumentParser(description="worker; see timing.py.")
    parser.add_argument("--program", choices=("mirjax", "RNAhybrid"), required=True)
    parser.add_argument("--targets", required=True)
    parser.add_argument("--hits", type=int, default=1, help="of a pair, of RNAhybrid")
    arguments = parser.parse_args()
    mirnas = load_mirnas(scan_inputs.MIRNAS, BadRecords())

    def repeat(transcripts: int) -> float:
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            paths = folder / "mirnas.fa", folder / "targets.fa"
            records = scan_inputs.sample_fasta([arguments.targets], transcripts)
            scan_inputs.write_records(paths[0], [(r.name, r.sequence) for r in mirnas])
            scan_inputs.write_records(paths[1], records)
            words = command(arguments.program, *map(str, paths), arguments.hits)
            if arguments.program == "mirjax":
                words.append(f"--out={folder / 'sites.tsv'}")
            environment = os.environ | {"XDG_CACHE_HOME": name}
            with (folder / "out").open("w") as out:
                start = time.perf_counter()
                subprocess.run(
                    words, check=True, stdout=out, env=environment, timeout=600
                )
                return time.perf_counter() - start

    timing.serve(repeat)


if __name__ == "__main__":
    main()
