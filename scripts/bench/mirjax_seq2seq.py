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

from configs import seq2seq as seq2seq_config
from mirjax.datasets import batches
from mirjax.inference import greedy
from mirjax.models import losses, make_model
from mirjax.training.programs import SingleRun
from mirjax.training.task import make_task
from mirjax.training.task_data import TaskData
from mirjax.xla import compiler_options

STEPS_PER_CALL = 16  # of a call, which is also an epoch


def main() -> None:
    """Run the worker."""
    parser = argparse.ArgumentParser(description="mirjax worker; see timing.py.")
    parser.add_argument("--task", choices=("train", "teacher_forced", "greedy"))
    parser.add_argument("--batch_size", type=int, default=50)
    parser.add_argument("--recurrent_dropout", type=float, help="default: published")
    arguments = parser.parse_args()

    config = seq2seq_config.get_config("published")
    batch_size = config.train.batch_size = arguments.batch_size
    if arguments.recurrent_dropout is not None:
        config.model.recurrent_dropout = arguments.recurrent_dropout
    model = make_model(config.model)
    rng = np.random.default_rng(0)
    rows = batches.encode_pairs(
        one_hot_pairs.random_letters(rng, STEPS_PER_CALL * batch_size, 20, 29),
        one_hot_pairs.random_letters(rng, STEPS_PER_CALL * batch_size, 20, 24),
        target_length=model.max_target_length,
        mirna_length=model.max_mirna_length,
    )
    program = SingleRun(make_task(config, TaskData(rows, rows)))
    params = program.state.params
    parameters = sum(leaf.size for leaf in jax.tree.leaves(params))

    if arguments.task == "train":

        def work(size: int) -> None:
            for _ in range(-(-size // (batch_size * STEPS_PER_CALL))):
                program.advance(STEPS_PER_CALL)
            jax.block_until_ready(program.state)

    elif arguments.task == "teacher_forced":
        evaluate = jax.jit(
            lambda params, batch: losses.evaluation_sums(model, params, batch),
            compiler_options=compiler_options(),
        )
        batch = batches.fill_batches(rows, arguments.batch_size)[0]

        def work(size: int) -> None:
            calls = -(-size // arguments.batch_size)
            jax.block_until_ready([evaluate(params, batch) for _ in range(calls)])

    else:

        def work(size: int) -> None:
            targets = np.resize(np.asarray(rows.targets), (size, rows.targets.shape[1]))
            greedy.decode(model, params, targets, batch_size=arguments.batch_size)

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
