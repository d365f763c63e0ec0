"""mirjax in the scan benchmark: the command, from files to a file."""

import argparse
import pathlib
import subprocess
import sys
import tempfile
import time

import scan_inputs
import timing


def main() -> None:
    """Run the worker."""
    parser = argparse.ArgumentParser(description="mirjax worker; see timing.py.")
    parser.add_argument("--model", required=True)
    parser.add_argument("--mirnas", type=int, default=100)
    parser.add_argument("--letters", type=int, default=1500, help="of a transcript")
    arguments = parser.parse_args()

    def repeat(transcripts: int) -> float:
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            mirnas, targets = scan_inputs.write_inputs(
                folder, arguments.mirnas, transcripts, arguments.letters
            )
            command = [
                *(sys.executable, "-m", "mirjax.scan", "--mode=windows"),
                f"--model={arguments.model}",
                f"--mirnas={mirnas}",
                f"--targets={targets}",
                f"--out={folder / 'sites.tsv'}",
                f"--step={scan_inputs.STEP}",
                f"--threshold={scan_inputs.THRESHOLD}",
            ]
            start = time.perf_counter()
            subprocess.run(command, check=True, timeout=600)
            return time.perf_counter() - start

    timing.serve(repeat)


if __name__ == "__main__":
    main()
