"""Read mutated inputs: each must be read, or refused in one line.

  python scripts/fuzz.py --cases=100000 --seed=0 [--only=npz,h5] [--out=fuzz_failures]

Worker processes read small valid files that were mutated: FASTA files, tables of
pairs, rows and whole tables of blastn, model files (.npz) and Keras files (.h5). Or
they run command lines with odd values (commands). Each batch of cases has a deadline
and a limit of memory. Outcomes are counted, with the time and the peak memory of a
worker. An input that ends in anything but a result or a one-line error is stored in
--out, and the exit code is 1. Cases are the same for the same seed.
"""

import argparse
import collections
import concurrent.futures
import importlib
import json
import os
import pathlib
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable

import fuzz_inputs

# Fraction of the cases, and cases of a batch.
_SHARES = {
    "fasta": 0.27,
    "tables": 0.28,
    "blast_rows": 0.1,
    "blast_tables": 0.15,
    "npz": 0.13,
    "h5": 0.04,
    "commands": 0.03,
}
_BATCH = 1_000
_SMALL_BATCH = 200  # of kinds that start a process for each case
_DEADLINE = 300  # seconds for a batch; a correct reader takes a fraction
_MEMORY = 1 << 30  # bytes that a worker may use beyond what it has at its start
_H5_SECONDS = 2  # of CPU time to read one HDF5 file

_FORKING = ("h5", "commands")

_CASE, _COUNTS = "case", "counts.json"  # files of a worker
READ, REFUSED = "read", "refused"


def make_reader(kind: str) -> Callable[[pathlib.Path], object]:
    """Return the function that reads inputs of a kind from a file."""
    if kind == "fasta":
        return importlib.import_module("mirjax.sequences.fasta").read_fasta
    if kind == "tables":
        return importlib.import_module("mirjax.datasets.readers").read_pairs
    if kind == "blast_rows":
        parse_row = importlib.import_module("mirjax.blast.hits").parse_row

        def read_row(path: pathlib.Path) -> object:
            columns = path.read_bytes().decode("latin-1").split("\t")
            return parse_row("q", ["s0", "s1"], len(columns) % 3, columns)

        return read_row
    if kind == "blast_tables":
        return _read_blast_table
    if kind == "h5":
        importlib.import_module("mirjax.models.imports.hdf5_file").run_child = _forked
    return importlib.import_module("mirjax.models.loading").load_model


def _read_blast_table(path: pathlib.Path) -> object:
    """Read blastn's table of three queries in a database of two sequences."""
    table = importlib.import_module("mirjax.blast.table")
    bounds = table.Bounds([22, 22, 30], [22, 25], 10.0)
    return list(table.read_table(path, [0, 1, 2], bounds))


def _forked(path: pathlib.Path, output, messages) -> int:
    """Replace `hdf5_file.run_child`, without starting Python again."""
    from mirjax.models.imports import hdf5_child

    if process := os.fork():
        return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    os.dup2(output.fileno(), 1)
    os.dup2(messages.fileno(), 2)
    code = hdf5_child.DAMAGED
    try:
        code = hdf5_child.main(str(path), str(_H5_SECONDS), str(_used() + _MEMORY))
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


def _used() -> int:
    """Return the address space of this process, in bytes."""
    pages = int(pathlib.Path("/proc/self/statm").read_text().split()[0])
    return pages * resource.getpagesize()


def outcome(read: Callable[[pathlib.Path], object], path: pathlib.Path) -> str:
    """Read a case; return READ, REFUSED or a description of the failure."""
    from mirjax.blast.programs import BlastError

    try:
        read(path)
    except (ValueError, BlastError) as error:
        if isinstance(error, UnicodeError):  # is a ValueError, but none of ours
            return traceback.format_exc()
        is_named = isinstance(error, BlastError) or str(path) in str(error)
        is_line = is_named and "\n" not in str(error)
        return REFUSED if is_line else f"no line that names the file: {error}"
    except BaseException:
        return traceback.format_exc()
    return READ


def work(kind: str, seed: int, first: int, count: int, folder: pathlib.Path) -> None:
    """Read the cases of one batch; stop at the first that fails, and leave it there."""
    if kind == "commands":
        read = importlib.import_module("fuzz_commands").make_runner(folder)
    else:
        read = make_reader(kind)
    suffix = {"npz": ".npz", "h5": ".h5"}.get(kind, ".txt")
    path = folder / f"{_CASE}{suffix}"
    if kind not in _FORKING:  # whose children have limits of their own
        limit = _used() + _MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    counts: collections.Counter[str] = collections.Counter()
    for number in range(first, first + count):
        path.write_bytes(fuzz_inputs.make_input(kind, seed, number))
        (folder / "number").write_text(str(number))
        found = outcome(read, path)
        counts[found] += 1
        # Whole at any moment: a worker beyond its deadline is killed.
        (folder / "counts.unfinished").write_text(json.dumps(counts))
        (folder / "counts.unfinished").replace(folder / _COUNTS)
        if found not in (READ, REFUSED):
            sys.exit(found)


def run_batch(
    kind: str, seed: int, first: int, count: int, out: pathlib.Path
) -> collections.Counter[str]:
    """Run the cases of a batch in worker processes; store those that fail.

    Returns:
      The number of each outcome; all failures are one.
    """
    counts: collections.Counter[str] = collections.Counter()
    end = first + count
    while first < end:
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            command = [sys.executable, __file__, "--worker", kind, f"--seed={seed}"]
            command += [f"--first={first}", f"--cases={end - first}", f"--out={name}"]
            failure = _run_worker(command, folder)
            if (folder / _COUNTS).exists():
                found = json.loads((folder / _COUNTS).read_text())
                counts.update({key: found.get(key, 0) for key in (READ, REFUSED)})
            if not failure:
                return counts
            counts["failed"] += 1
            if not (folder / "number").exists():
                raise RuntimeError(f"a worker for {kind} failed to start: {failure}")
            first = int((folder / "number").read_text())
            _store(folder, out / f"{kind}-{seed}-{first}", failure)
            first += 1
    return counts


def _run_worker(command: list[str], folder: pathlib.Path) -> str:
    """Run a worker; return a description of its failure, or an empty text."""
    with (folder / "errors").open("w+") as errors:
        try:
            code = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                timeout=_DEADLINE,
            ).returncode
        except subprocess.TimeoutExpired:
            return f"the batch took more than {_DEADLINE} s"
        errors.seek(0)
        return code and f"exit code {code}\n{errors.read()}"


def _store(folder: pathlib.Path, stem: pathlib.Path, failure: str) -> None:
    """Store the input that a worker read last, and its failure."""
    stem.parent.mkdir(parents=True, exist_ok=True)
    (case,) = folder.glob(f"{_CASE}.*")
    shutil.copy(case, stem.with_suffix(case.suffix))
    stem.with_suffix(".log").write_text(failure)
    print(f"{stem}: {failure.strip().rpartition(chr(10))[2]}", file=sys.stderr)


def run(kinds: list[str], cases: int, seed: int, out: pathlib.Path) -> int:
    """Run all cases and print the outcomes; return the number that failed."""
    total = sum(_SHARES[kind] for kind in kinds)
    start = time.monotonic()
    counts = {kind: collections.Counter() for kind in kinds}
    workers = os.cpu_count() or 1
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        batches = []
        for kind in kinds:
            number = max(1, round(cases * _SHARES[kind] / total))
            batch = _SMALL_BATCH if kind in _FORKING else _BATCH
            for first in range(0, number, batch):
                size = min(batch, number - first)
                future = pool.submit(run_batch, kind, seed, first, size, out)
                batches.append((kind, future))
        for kind, future in batches:
            counts[kind].update(future.result())
    print(f"{'':12}{READ:>10}{REFUSED:>10}{'failed':>10}")
    for kind, found in counts.items():
        numbers = (found[key] for key in (READ, REFUSED, "failed"))
        print(f"{kind:12}" + "".join(f"{number:10,}" for number in numbers))
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"{time.monotonic() - start:.0f} s; peak memory of a worker {peak:.0f} MB")
    return sum(found["failed"] for found in counts.values())


def main() -> None:
    """Run the script."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--only",
        type=lambda text: text.split(","),
        default=list(_SHARES),
        help=f"kinds of inputs, of {','.join(_SHARES)}; all by default",
    )
    parser.add_argument("--out", type=pathlib.Path, default="fuzz_failures")
    parser.add_argument("--worker", choices=list(_SHARES), help=argparse.SUPPRESS)
    parser.add_argument("--first", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        work(options.worker, options.seed, options.first, options.cases, options.out)
        return
    if unknown := set(options.only) - set(_SHARES):
        parser.error(f"--only: {unknown.pop()!r} is not one of {', '.join(_SHARES)}")
    if failed := run(options.only, options.cases, options.seed, options.out):
        sys.exit(f"{failed} failed: their inputs are in {options.out}")


if __name__ == "__main__":
    main()
