"""mirjax in the seq2seq benchmarks: a worker of timing.py.

It trains with the training loop's jitted function, which gathers batches on the device,
and decodes with the function that `mirjax.predict` calls.
"""

import argparse
import functools
import time
from collections.abc import Callable

import jax
import numpy as np
import one_hot_pairs
import timing

from mirjax.configs import seq2seq as seq2seq_config
from mirjax.datasets import batches
from mirjax.inference import greedy
from mirjax.models import losses, make_model
from mirjax.training.programs import SingleRun
from mirjax.training.task import make_task
from mirjax.training.task_rows import TaskData
from mirjax.xla import compiler_options

STEPS_PER_CALL = 16  # a call is also an epoch

Work = Callable[[int], None]  # takes a number of sequences


def main() -> None:
    """Run the worker."""
    parser = argparse.ArgumentParser(description="mirjax worker; see timing.py.")
    parser.add_argument("--task", choices=sorted(TASKS), required=True)
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
    work = TASKS[arguments.task](program, rows, batch_size)

    def repeat(size: int) -> float:
        start = time.perf_counter()
        work(size)
        return time.perf_counter() - start

    parameters = sum(leaf.size for leaf in jax.tree.leaves(program.state.params))
    timing.serve(
        repeat,
        {
            "jax": jax.__version__,
            "device": jax.devices()[0].device_kind,
            "parameters": parameters,
        },
    )


def train(program: SingleRun, rows: batches.Batch, batch_size: int) -> Work:
    """Return training with the training loop's function."""

    def work(size: int) -> None:
        for _ in range(-(-size // (batch_size * STEPS_PER_CALL))):
            program.advance(STEPS_PER_CALL)
        jax.block_until_ready(program.state)

    return work


def teacher_forced(program: SingleRun, rows: batches.Batch, batch_size: int) -> Work:
    """Return evaluation with the true previous letters given."""
    evaluate = jax.jit(
        functools.partial(losses.evaluate_batch, program.tasks[0].model),
        compiler_options=compiler_options(),
    )
    params = program.state.params
    batch = batches.fill_batches(rows, batch_size)[0]

    def work(size: int) -> None:
        calls = -(-size // batch_size)
        jax.block_until_ready([evaluate(params, batch) for _ in range(calls)])

    return work


def decode_greedily(program: SingleRun, rows: batches.Batch, batch_size: int) -> Work:
    """Return decoding with the function that `mirjax.predict` calls."""
    model, params = program.tasks[0].model, program.state.params

    def work(size: int) -> None:
        targets = np.resize(np.asarray(rows.targets), (size, rows.targets.shape[1]))
        greedy.decode(model, params, targets, batch_size=batch_size)

    return work


TASKS = {"train": train, "teacher_forced": teacher_forced, "greedy": decode_greedily}

if __name__ == "__main__":
    main()
