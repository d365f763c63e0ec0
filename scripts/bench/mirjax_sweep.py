"""mirjax in the sweep benchmark: a worker of timing.py.

Trains several runs of miTAR that differ in learning rate, dropout and seed, either
together, as the sweep does, or one after another with a single run's program.
"""

import argparse
import time

import jax
import numpy as np
import timing
from mirjax_mitar import encode, random_pairs

from mirjax.configs import mitar as mitar_config
from mirjax.training.programs import Program, SingleRun, VmappedRuns
from mirjax.training.task import make_task
from mirjax.training.task_rows import TaskData

STEPS_PER_CALL = 16  # of a call, which is also an epoch


def main() -> None:
    """Run the worker."""
    parser = argparse.ArgumentParser(description="mirjax worker; see timing.py.")
    parser.add_argument("--mode", choices=("together", "in_turn"), required=True)
    parser.add_argument("--batch_size", type=int, default=100)
    parser.add_argument("--runs", type=int, default=4)
    arguments = parser.parse_args()
    pairs = random_pairs(STEPS_PER_CALL * arguments.batch_size)
    data, tasks = None, []
    for number, rate, dropout in zip(
        range(arguments.runs),
        np.geomspace(0.001, 0.005, arguments.runs),
        np.linspace(0.1, 0.5, arguments.runs),
        strict=True,
    ):
        config = mitar_config.get_config().unlock()
        config.train.batch_size = arguments.batch_size
        config.seed = number
        config.optimizer.learning_rate = float(rate)
        config.model.dropout = float(dropout)
        data = data or TaskData(*[encode(pairs)] * 2)
        tasks.append(make_task(config, data))
    started = time.perf_counter()
    programs: list[Program] = (
        [VmappedRuns(tasks)]
        if arguments.mode == "together"
        else [SingleRun(task) for task in tasks]
    )

    def call() -> None:
        for program in programs:
            program.advance(STEPS_PER_CALL)
        jax.block_until_ready([program.state for program in programs])

    def repeat(size: int) -> float:
        calls = -(-size // (arguments.batch_size * STEPS_PER_CALL * len(tasks)))
        start = time.perf_counter()
        for _ in range(calls):
            call()
        return time.perf_counter() - start

    call()
    first = time.perf_counter() - started
    timing.serve(repeat, {"jax": jax.__version__, "first_call_seconds": round(first)})


if __name__ == "__main__":
    main()
