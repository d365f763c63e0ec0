"""Speed of training on more devices and processes, and a model of clusters.

    python scripts/bench/scaling.py --config=seq2seq:simulated [-- --config.KEY=VALUE …]

Every measurement trains with the same batch, so that the work is the same. Devices are
simulated and share the machine's cores, like processes: more of them cannot be faster
here, and the loss of speed is the overhead of sharding.

* bare step: training on one device, and a bare jitted step without shardings, in
  alternating calls in one process.
* devices: training on 1, 2, 4 and 8 devices, in turn.
* processes: `mirjax.train` in 1, 2 and 4 processes of one device, by
  scripts/launch/local.py; from the second epoch on.
* model: the speed of N separate devices, computed from this machine's step time:

      t(N) = step(B / N) + 2 (N - 1) / N * gradient bytes / link speed
                         + 2 (N - 1) * latency

  Assumptions: step(B / N) is the time of one device for a batch of B / N rows, measured
    here for N up to 8; gradients are summed by a ring all-reduce in float32, without
    overlap with computation; every link has its nominal speed, which is not measured;
    no device waits for a slower one. --faster=K also shows devices K times as fast as
    this machine, where links take a larger part of the time.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import measured_rows
import timing

ROOT = Path(__file__).resolve().parents[2]
DEVICES = (1, 2, 4, 8)
PROCESSES = (1, 2, 4)
EPOCHS = 4  # of a run in several processes; the first is not counted
LINKS = {  # bytes per second, and seconds, each way; nominal
    "NVLink 4": (450e9, 5e-6),
    "PCIe 4 x16": (32e9, 10e-6),
    "Ethernet 100 Gb/s": (12.5e9, 20e-6),
    "Ethernet 10 Gb/s": (1.25e9, 50e-6),
}

Row = dict[str, Any]


def main() -> None:
    """Print what was measured and computed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--config", default="seq2seq:simulated")
    parser.add_argument("--batch_size", type=int, default=64)
    parser.add_argument("--calls", type=int, default=50, help="beside a bare step")
    parser.add_argument("--steps", type=int, default=16, help="of a repeat")
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--process_repeats", type=int, default=3, help="0: none")
    parser.add_argument("--faster", type=float, nargs="+", default=[1.0, 100.0])
    parser.add_argument("arguments", nargs="*", help="of mirjax.train, after --")
    measured_rows.add_out(parser)
    options = parser.parse_args()
    if options.batch_size < 1 or options.batch_size % max(DEVICES):
        parser.error(f"--batch_size: give a multiple of {max(DEVICES)}")
    given = [f"--config={options.config}", *options.arguments]
    rows = bare_rows(given, options.batch_size, options.calls)
    rows += device_rows(given, options.batch_size, options.steps, options.repeats)
    rows += process_rows(given, options.batch_size, options.process_repeats)
    step_seconds = {
        row["batch_size"]: row["batch_size"] / row["per_second"]
        for row in rows
        if row.get("devices") == 1
    }
    num_bytes = ask(worker(given, 1, "--describe=true"))["gradient_bytes"]
    rows += model_rows(step_seconds, num_bytes, options.faster)
    print(timing.machine())
    for row in rows:
        print("  ".join(f"{key}: {value}" for key, value in row.items()))
    measured_rows.write_rows(options.out, rows)


def worker(given: Sequence[str], batch_size: int, *flags: str) -> list[str]:
    """Return the command line of a worker."""
    long = ("--config.train.num_epochs=1000", f"--config.train.batch_size={batch_size}")
    return [*timing.worker_command(sys.executable, "scaling_worker.py")] + [
        *given,
        *long,
        *flags,
    ]


def bare_rows(given: Sequence[str], batch_size: int, calls: int) -> list[Row]:
    """Time training beside a bare step.

    Returns:
      One row. `overhead` is the median over the calls of the seconds beside those of
      the bare step, less 1; `overhead_range` holds the middle half of the calls.
    """
    seconds = ask(worker(given, batch_size, f"--compare={calls}"))
    pairs = zip(seconds["sharded"], seconds["bare"], strict=True)
    quarters = statistics.quantiles([one / bare - 1 for one, bare in pairs], n=4)
    low, middle, high = (measured_rows.rounded(ratio, 3) for ratio in quarters)
    row = {"part": "bare step", "batch_size": batch_size, "calls": calls}
    return [row | {"overhead": middle, "overhead_range": [low, high]}]


def device_rows(
    given: Sequence[str], batch_size: int, steps: int, repeats: int
) -> list[Row]:
    """Time training on more devices, and smaller batches on one.

    Returns:
      Rows as of `measured_rows.rate_rows`. `overhead` is the median over the repeats
      of the seconds beside those of one device, less 1.
    """
    competitors = {}
    for devices in DEVICES:
        competitors["devices", devices, batch_size] = worker(
            given, batch_size, f"--devices={devices}"
        )
    for devices in DEVICES[1:]:
        share = batch_size // devices
        competitors["share of a batch", 1, share] = worker(given, share)
    named = {" ".join(map(str, key)): command for key, command in competitors.items()}
    sizes = {" ".join(map(str, key)): steps * key[-1] for key in competitors}
    seconds = timing.run(named, repeats, sizes)
    measured = measured_rows.rate_rows(seconds, sizes)
    baseline = next(iter(seconds.values()))
    rows = []
    for (part, devices, size), row in zip(competitors, measured, strict=True):
        times = seconds[row.pop("program")]
        row = {"part": part, "devices": devices, "batch_size": size} | row
        if size == batch_size:
            ratios = [one / other for one, other in zip(times, baseline, strict=True)]
            row["overhead"] = measured_rows.rounded(statistics.median(ratios) - 1, 3)
        rows.append(row)
    return rows


def process_rows(given: Sequence[str], batch_size: int, repeats: int) -> list[Row]:
    """Train in several processes, in turn.

    Returns:
      Rows with `processes`, `per_second` (the median), `range` and `overhead`, beside
      one process.
    """
    rates: dict[int, list[float]] = {number: [] for number in PROCESSES}
    for _ in range(repeats):
        for number in PROCESSES:
            rates[number].append(process_rate(given, batch_size, number))
    if not repeats:
        return []
    medians = {number: statistics.median(found) for number, found in rates.items()}
    return [
        {
            "part": "processes",
            "processes": number,
            "batch_size": batch_size,
            "per_second": measured_rows.rounded(medians[number]),
            "range": [measured_rows.rounded(end(found)) for end in (min, max)],
            "repeats": repeats,
            "overhead": measured_rows.rounded(medians[1] / medians[number] - 1, 3),
        }
        for number, found in rates.items()
    ]


def process_rate(given: Sequence[str], batch_size: int, processes: int) -> float:
    """Return the rows per second of a run in several processes of one device each."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, str(ROOT / "scripts/launch/local.py")]
        command += [f"--processes={processes}", "--", *given, f"--workdir={folder}/run"]
        command += [f"--config.train.batch_size={batch_size}"]
        command += [f"--config.train.num_epochs={EPOCHS}"]
        command += ["--config.train.eval_every_epochs=1", "--config.train.log_every=0"]
        command += ["--config.train.decode_rows=1"]
        environment = os.environ | {"JAX_NUM_CPU_DEVICES": "1"}
        environment |= {"JAX_PLATFORMS": "cpu", "PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{processes} processes: {done.stderr[-2000:]}")
        lines = Path(folder, "run", "metrics.jsonl").read_text().splitlines()
        rates = [json.loads(line)["train/samples_per_second"] for line in lines]
        return statistics.median(rates[1:])


def ask(command: Sequence[str]) -> dict[str, Any]:
    """Return the JSON that a worker prints."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def model_rows(
    step_seconds: Mapping[int, float], num_bytes: int, faster: Sequence[float]
) -> Iterator[Row]:
    """Yield the computed speed of a batch divided over devices; see the module.

    Args:
      step_seconds: rows of a batch → seconds of a step on one device.
      num_bytes: of the gradient.
      faster: how many times as fast as this machine a device is.
    """
    batch_size = max(step_seconds)
    for link, (speed, latency) in LINKS.items():
        for times in faster:
            row: Row = {"part": "model", "link": link, "times_as_fast": times}
            for share in sorted(step_seconds, reverse=True):
                devices = batch_size // share
                seconds = step_seconds[share] / times
                seconds += 2 * (devices - 1) / devices * num_bytes / speed
                seconds += 2 * (devices - 1) * latency
                speedup = step_seconds[batch_size] / times / seconds
                row[f"speedup_{devices}"] = measured_rows.rounded(speedup, 3)
            yield row | {"gradient_bytes": num_bytes}


if __name__ == "__main__":
    main()
