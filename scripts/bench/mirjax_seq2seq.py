"""mirjax's side of the seq2seq benchmarks: a worker of timing.py.

Trains by the very function the training loop runs, batches gathered on the device, and
decodes by the very function `mirjax.predict` calls.
"""

import argparse
import time

import jax
import numpy as np
import one_hot_pairs
import timing
from mirjax.training.runner import make_run_steps

from configs import seq2seq as seq2seq_config
from mirjax.datasets import batches
from mirjax.inference import greedy
from mirjax.models import losses, make_model
from mirjax.training import sharding
from mirjax.training.optimizer import make_optimizer
from mirjax.training.state import initial_state
from mirjax.xla import compiler_options


def main() -> None:
    """Run the worker."""
    parser = argparse.ArgumentParser(description="mirjax worker; see timing.py.")
    parser.add_argument("--task", choices=("train", "teacher_forced", "greedy"))
    parser.add_argument("--batch_size", type=int, default=50)
    parser.add_argument("--recurrent_dropout", type=float, help="default: published")
    arguments = parser.parse_args()

    config = seq2seq_config.get_config("published")
    config.train.batch_size = arguments.batch_size
    if arguments.recurrent_dropout is not None:
        config.model.recurrent_dropout = arguments.recurrent_dropout
    model = make_model(config.model)
    rng = np.random.default_rng(0)
    count = 20 * arguments.batch_size
    rows = batches.encode_pairs(
        one_hot_pairs.random_letters(rng, count, 20, 29),
        one_hot_pairs.random_letters(rng, count, 20, 24),
        target_length=model.max_target_length,
        mirna_length=model.max_mirna_length,
    )
    mesh = sharding.make_mesh(arguments.batch_size)
    optimizer = make_optimizer(config.optimizer, config.train.num_steps)
    state, _ = initial_state(model, optimizer, 0, mesh)
    parameters = sum(leaf.size for leaf in jax.tree.leaves(state.params))

    if arguments.task == "train":
        run_steps = make_run_steps(model, optimizer, config, mesh)
        rows = jax.device_put(rows, sharding.replicated(mesh))

        def work(size: int) -> None:
            nonlocal state
            calls = -(-size // (arguments.batch_size * config.steps_per_call))
            for _ in range(calls):
                state, _ = run_steps(state, rows, config.steps_per_call)
            jax.block_until_ready(state)

    elif arguments.task == "teacher_forced":
        evaluate = jax.jit(
            lambda params, batch: losses.evaluation_sums(model, params, batch),
            compiler_options=compiler_options(),
        )
        batch = batches.fill_batches(rows, arguments.batch_size)[0]

        def work(size: int) -> None:
            calls = -(-size // arguments.batch_size)
            jax.block_until_ready([evaluate(state.params, batch) for _ in range(calls)])

    else:

        def work(size: int) -> None:
            targets = np.resize(np.asarray(rows.targets), (size, rows.targets.shape[1]))
            greedy.decode(model, state.params, targets, batch_size=arguments.batch_size)

    def repeat(size: int) -> float:
        start = time.perf_counter()
        work(size)
        return time.perf_counter() - start

    timing.serve(
        repeat,
        {
            "jax": jax.__version__,
            "device": jax.devices()[0].device_kind,
            "parameters": parameters,
        },
    )


if __name__ == "__main__":
    main()
