"""mirjax's side of the miTAR benchmarks: a worker of timing.py.

Trains by the very function the training loop runs, batches gathered on the device, and
predicts by the jitted forward pass of `mirjax.evaluate`.
"""

import argparse
import time
from typing import Any

import jax
import numpy as np
import timing
from jax.sharding import Mesh
from mirjax.training.runner import make_run_steps

from configs import mitar as mitar_config
from mirjax.datasets import batches
from mirjax.inference.classify import predict_logits
from mirjax.models import make_model
from mirjax.sequences.records import Pairs
from mirjax.training import sharding
from mirjax.training.optimizer import make_optimizer
from mirjax.training.state import initial_state


def random_pairs(count: int) -> Pairs:
    """Return random pairs as long as real ones: 17-26 and 20-53 nt."""
    rng = np.random.default_rng(0)

    def letters(shortest: int, longest: int) -> list[str]:
        lengths = rng.integers(shortest, longest + 1, count)
        return ["".join(rng.choice(list("AUCG"), length)) for length in lengths]

    labels = rng.integers(0, 2, count).astype(np.uint8)
    return Pairs(letters(17, 26), letters(20, 53), labels)


def placed_rows(pairs: Pairs, model: Any, mesh: Mesh) -> batches.LabelledBatch:
    """Encode pairs for a model, and put them on the device."""
    assert pairs.labels is not None
    rows = batches.encode_labelled(
        pairs.targets,
        pairs.mirnas,
        pairs.labels,
        target_length=model.max_target_length,
        mirna_length=model.max_mirna_length,
    )
    return jax.device_put(rows, sharding.replicated(mesh))


def main() -> None:
    """Run the worker."""
    parser = argparse.ArgumentParser(description="mirjax worker; see timing.py.")
    parser.add_argument("--task", choices=("train", "predict"), required=True)
    parser.add_argument("--batch_size", type=int, default=100)
    arguments = parser.parse_args()
    config = mitar_config.get_config().unlock()
    config.train.batch_size = arguments.batch_size
    model = make_model(config.model)
    mesh = sharding.make_mesh(arguments.batch_size)
    optimizer = make_optimizer(config.optimizer, config.train.num_steps)
    state, _ = initial_state(model, optimizer, 0, mesh)
    parameters = sum(leaf.size for leaf in jax.tree.leaves(state.params))
    pairs = random_pairs(config.steps_per_call * arguments.batch_size)

    if arguments.task == "train":
        run_steps = make_run_steps(model, optimizer, config, mesh)
        rows = placed_rows(pairs, model, mesh)

        def work(size: int) -> None:
            nonlocal state
            calls = -(-size // (arguments.batch_size * config.steps_per_call))
            for _ in range(calls):
                state, _ = run_steps(state, rows, config.steps_per_call)
            jax.block_until_ready(state)

    else:

        def work(size: int) -> None:
            repeated = pairs.take(np.arange(size) % len(pairs))
            predict_logits(model, state.params, repeated, arguments.batch_size)

    def repeat(size: int) -> float:
        start = time.perf_counter()
        work(size)
        return time.perf_counter() - start

    timing.serve(repeat, {"jax": jax.__version__, "parameters": parameters})


if __name__ == "__main__":
    main()
