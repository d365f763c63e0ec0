"""mirjax's side of the sweep benchmark: a worker of timing.py.

Trains several runs of miTAR that differ in learning rate, dropout and seed, either
together, as the sweep does, or one after another by the program of a single run.
"""

import argparse
import time

import jax
import numpy as np
import timing
from mirjax.training.runner import make_run_steps
from mirjax.training.vmapped_runs import make_run_together
from mirjax_mitar import placed_rows, random_pairs

from configs import mitar as mitar_config
from mirjax.models import make_model
from mirjax.training import sharding
from mirjax.training.optimizer import make_optimizer
from mirjax.training.state import initial_state, initial_states


def main() -> None:
    """Run the worker."""
    parser = argparse.ArgumentParser(description="mirjax worker; see timing.py.")
    parser.add_argument("--mode", choices=("together", "in_turn"), required=True)
    parser.add_argument("--batch_size", type=int, default=100)
    parser.add_argument("--runs", type=int, default=4)
    arguments = parser.parse_args()
    config = mitar_config.get_config().unlock()
    config.train.batch_size = arguments.batch_size
    model = make_model(config.model)
    mesh = sharding.make_mesh(arguments.batch_size)
    optimizer = make_optimizer(config.optimizer, config.train.num_steps)
    pairs = random_pairs(config.steps_per_call * arguments.batch_size)
    rows = placed_rows(pairs, model, mesh)
    seeds = list(range(arguments.runs))
    started = time.perf_counter()

    if arguments.mode == "together":
        values = {
            "optimizer.learning_rate": np.geomspace(0.001, 0.005, len(seeds)),
            "model.dropout": np.linspace(0.1, 0.5, len(seeds)),
        }
        values = {key: np.float32(column) for key, column in values.items()}
        values["seed"] = np.array(seeds)
        states, _ = initial_states(model, optimizer, seeds, mesh)
        run_together = make_run_together(config, mesh)

        def call() -> None:
            nonlocal states
            states, _ = run_together(values, states, rows, config.steps_per_call)
            jax.block_until_ready(states)

    else:
        run_steps = make_run_steps(model, optimizer, config, mesh)
        each = [initial_state(model, optimizer, seed, mesh)[0] for seed in seeds]

        def call() -> None:
            for number, state in enumerate(each):
                each[number], _ = run_steps(state, rows, config.steps_per_call)
            jax.block_until_ready(each)

    def repeat(size: int) -> float:
        calls = -(-size // (arguments.batch_size * config.steps_per_call * len(seeds)))
        start = time.perf_counter()
        for _ in range(calls):
            call()
        return time.perf_counter() - start

    call()
    first = time.perf_counter() - started
    timing.serve(repeat, {"jax": jax.__version__, "first_call_seconds": round(first)})


if __name__ == "__main__":
    main()
