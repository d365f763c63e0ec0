"""Train one run in several processes of this machine.

    python scripts/launch/local.py --processes=2 -- --config=seq2seq --workdir=W

Arguments after -- are passed to `python -m mirjax.train` in each process. On a machine
with several GPUs one process trains on all of them; --gpus_per_process divides them
instead. SIGTERM, SIGHUP and Ctrl-C are passed on once: the run is saved, and the same
command continues it. If a process ends early, the others end, too.

Exit codes: 0, 143 or 130 if all processes end with it, otherwise 1.
"""

import argparse
import os
import signal
import socket
import subprocess
import sys
import time
import types
from collections.abc import Mapping, Sequence

GRACE_SECONDS = 60.0  # for the others, once a process has ended by an error
_POLL_SECONDS = 0.1
_SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


def free_port() -> int:
    """Return a port that no program of this machine listens to."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def start(
    processes: int,
    arguments: Sequence[str],
    environment: Mapping[str, str],
    gpus_per_process: int = 0,
    **popen: object,
) -> list[subprocess.Popen]:
    """Start the processes of a run.

    Args:
      processes: their number.
      arguments: of `mirjax.train`, except those that connect the processes.
      environment: of each process.
      gpus_per_process: number of GPUs of each process, in order; 0: all see all.
      **popen: as `subprocess.Popen` takes them, such as `stderr`.
    """
    coordinator = f"127.0.0.1:{free_port()}"
    started = []
    for number in range(processes):
        own = dict(environment)
        if gpus_per_process:
            first = number * gpus_per_process
            ids = range(first, first + gpus_per_process)
            own["JAX_LOCAL_DEVICE_IDS"] = ",".join(map(str, ids))
        command = [sys.executable, "-m", "mirjax.train", *arguments]
        command += [f"--coordinator={coordinator}", f"--process_id={number}"]
        command += [f"--num_processes={processes}"]
        # In its own session, Ctrl-C does not reach it a second time.
        started.append(
            subprocess.Popen(command, env=own, start_new_session=True, **popen)  # type: ignore[call-overload]
        )
    return started


def wait(
    started: Sequence[subprocess.Popen], grace: float = GRACE_SECONDS
) -> list[int]:
    """Wait until all processes have ended, and return their exit codes.

    Args:
      started: the processes.
      grace: seconds for the others once one has ended by an error; then those that are
        left are killed.
    """
    deadline = None
    while None in (codes := [process.poll() for process in started]):
        if deadline is None and any(codes):
            deadline = time.monotonic() + grace
        if deadline is not None and time.monotonic() > deadline:
            for process in started:
                process.kill()
        time.sleep(_POLL_SECONDS)
    return [code for code in codes if code is not None]


def main() -> int:
    """Run the script."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--processes", type=int, required=True, help="how many")
    parser.add_argument("--gpus_per_process", type=int, default=0, help="0: all")
    parser.add_argument("arguments", nargs="+", help="of mirjax.train, after --")
    options = parser.parse_args()
    if options.processes < 1 or options.gpus_per_process < 0:
        parser.error("--processes: give at least 1; --gpus_per_process: at least 0")
    started: list[subprocess.Popen] = []

    def pass_on(number: int, frame: types.FrameType | None) -> None:
        for process in started:
            process.send_signal(number)

    for number in _SIGNALS:
        signal.signal(number, pass_on)
    started += start(
        options.processes, options.arguments, os.environ, options.gpus_per_process
    )
    codes = wait(started)
    if len(set(codes)) == 1 and codes[0] in (0, 130, 143):
        return codes[0]
    for number, code in enumerate(codes):
        reason = f"code {code}" if code >= 0 else signal.Signals(-code).name
        print(f"process {number} ended with {reason}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
