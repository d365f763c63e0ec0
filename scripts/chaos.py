"""Kill a training run of several processes at random moments; compare the result.

    python scripts/chaos.py --kills=20 --folder=/tmp/chaos [--seed=0] [--epochs=150]

A small run is trained twice: once undisturbed, and once with SIGKILL of one process or
of all of them, while they start, while they train, or while a checkpoint is written.
Each time the same command continues it. The script ends with code 1 unless the final
parameters are the same bit for bit, the metrics have every evaluation once, and after
each kill the other processes have ended by themselves within --patience seconds. Only
if the killed process had not yet connected with them, they wait longer, since it could
be slow to start: then the launcher ends them.
"""

import argparse
import collections
import dataclasses
import os
import pathlib
import random
import re
import subprocess
import sys
import time

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts" / "launch"))

import local  # noqa: E402

from mirjax.training.metric_writer import read_metrics  # noqa: E402

RUN = (
    "--config=seq2seq:simulated",
    "--config.model.conv_features=6",
    "--config.model.dense_features=6",
    "--config.model.lstm_features=8",
    "--config.data.positive_rows=100",
    "--config.train.batch_size=16",
    "--config.train.eval_batch_size=16",
    "--config.train.decode_rows=10",
    "--config.train.eval_every_epochs=1",  # 5 steps
    "--config.train.export=last",
    "--config.steps_per_call=2",
)
STARTING, TRAINING, WRITING = "starting", "training", "writing a checkpoint"
_MOMENTS = (STARTING, TRAINING, TRAINING, WRITING, WRITING)
_POLL_SECONDS = 0.002


@dataclasses.dataclass
class Tally:
    """Counts of the kills.

    Attributes:
      moments: kills by the state of the run.
      victims: kills by the processes that were killed.
      seconds: time that the other processes took to end, for each kill that left some.
      unfinished: kills that left an unfinished checkpoint behind.
      ended: kills after which the launcher ended processes that waited to connect.
    """

    moments: collections.Counter[str]
    victims: collections.Counter[str]
    seconds: list[float]
    unfinished: int = 0
    ended: int = 0


class Run:
    """A run in a folder, which can be started again and again."""

    def __init__(self, folder: pathlib.Path, epochs: int, processes: int):
        self.folder, self._processes = folder, processes
        self._arguments = [*RUN, f"--workdir={folder}"]
        self._arguments.append(f"--config.train.num_epochs={epochs}")
        self._log = folder.parent / f"{folder.name}.log"

    def start(self) -> list[subprocess.Popen]:
        """Start the processes."""
        with self._log.open("ab") as log:
            return local.start(
                self._processes,
                self._arguments,
                environment(self.folder.parent),
                stdout=log,
                stderr=log,
            )

    def finish(self) -> None:
        """Train to the end."""
        if any(codes := local.wait(self.start())):
            raise RuntimeError(f"{self.folder}: the processes ended with {codes}")

    def unfinished(self) -> bool:
        """Return whether a checkpoint is being written, or was when a kill came."""
        return any((self.folder / "checkpoints").glob("*.orbax-checkpoint-tmp*"))

    def connections(self) -> int:
        """Return how many processes have connected with the others since the start."""
        text = self._log.read_text(errors="replace") if self._log.exists() else ""
        return len(re.findall(r"process \d+ of \d+: ", text))

    def parameters(self) -> dict[str, np.ndarray]:
        """Return the arrays of the exported model."""
        with np.load(self.folder / "model.npz") as arrays:
            return {name: arrays[name] for name in arrays.files if "/" in name}


def environment(folder: pathlib.Path) -> dict[str, str]:
    """Return an environment with a compilation cache."""
    return {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "JAX_PLATFORMS": "cpu",
        "JAX_COMPILATION_CACHE_DIR": os.environ.get(
            "JAX_COMPILATION_CACHE_DIR", str(folder / "xla")
        ),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }


def wait_for_moment(
    run: Run, started: list[subprocess.Popen], moment: str, rng: random.Random
) -> None:
    """Wait until a run is at a moment, or has ended."""
    before = len(read_metrics(run.folder))
    if moment == STARTING:
        time.sleep(rng.uniform(0.0, 8.0))
        return
    reached = False
    while not reached and all(process.poll() is None for process in started):
        reached = len(read_metrics(run.folder)) > before
        time.sleep(_POLL_SECONDS)
    if moment == TRAINING:
        time.sleep(rng.uniform(0.0, 1.0))
        return
    while not run.unfinished() and all(p.poll() is None for p in started):
        time.sleep(_POLL_SECONDS)
    time.sleep(rng.uniform(0.0, 0.03))


def kill_once(run: Run, tally: Tally, rng: random.Random, patience: float) -> None:
    """Start a run, kill processes of it at a random moment, and wait for the others."""
    connections = run.connections()
    started = run.start()
    moment = rng.choice(_MOMENTS)
    wait_for_moment(run, started, moment, rng)
    numbers = rng.choice([[0], [1], range(len(started))])
    if all(process.poll() == 0 for process in started):
        raise RuntimeError(f"{run.folder} was done before the last kill: more --epochs")
    for number in numbers:
        started[number].kill()
    killed = time.monotonic()
    codes = local.wait(started, patience)
    if -9 in [code for number, code in enumerate(codes) if number not in numbers]:
        if run.connections() == connections + len(started):
            raise RuntimeError(f"a process did not end within {patience:g} s: {codes}")
        tally.ended += 1
    elif len(numbers) < len(started):
        tally.seconds.append(time.monotonic() - killed)
    tally.moments[moment] += 1
    tally.victims[" and ".join(map(str, numbers))] += 1
    tally.unfinished += run.unfinished()
    number = tally.moments.total()
    print(f"kill {number}: {moment}, processes {list(numbers)}", flush=True)


def main() -> int:
    """Run the script."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--folder", type=pathlib.Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=150, help="of 5 steps")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--patience", type=float, default=60.0, help="seconds")
    options = parser.parse_args()
    options.folder.mkdir(parents=True)  # of its own
    whole, cut = (
        Run(options.folder / name, options.epochs, options.processes)
        for name in ("undisturbed", "killed")
    )
    whole.finish()
    tally = Tally(collections.Counter(), collections.Counter(), [])
    rng = random.Random(options.seed)
    while tally.moments.total() < options.kills:
        kill_once(cut, tally, rng, options.patience)
    cut.finish()
    expected, found = whole.parameters(), cut.parameters()
    same = expected.keys() == found.keys() and all(
        value.tobytes() == found[name].tobytes() for name, value in expected.items()
    )
    steps = [row["step"] for row in read_metrics(cut.folder)]
    once = steps == [5 * (epoch + 1) for epoch in range(options.epochs)]
    print(f"kills: {dict(tally.moments)}, of process {dict(tally.victims)}")
    print(f"unfinished checkpoints left behind: {tally.unfinished}")
    print(f"ended by the launcher while they waited to connect: {tally.ended}")
    if tally.seconds:
        print(f"the others ended within {max(tally.seconds):.1f} s")
    print(f"final parameters bit-identical: {same}; every evaluation once: {once}")
    return 0 if same and once else 1


if __name__ == "__main__":
    sys.exit(main())
