"""mirjax in the miTAR benchmarks: a worker of timing.py.

It trains with the training loop's jitted function, which gathers batches on the device,
and predicts with the jitted forward pass of `mirjax.evaluate`.
"""

import argparse
import time

import jax
import numpy as np
import timing

from mirjax.configs import mitar as mitar_config
from mirjax.datasets import batches
from mirjax.inference.classify import predict_logits
from mirjax.sequences.records import Pairs
from mirjax.training.programs import SingleRun
from mirjax.training.task import make_task
from mirjax.training.task_rows import TaskData

STEPS_PER_CALL = 16  # a call is also an epoch


def random_pairs(count: int) -> Pairs:
    """Return random pairs of realistic lengths: 17-26 and 20-53 nt."""
    rng = np.random.default_rng(0)

    def letters(shortest: int, longest: int) -> list[str]:
        lengths = rng.integers(shortest, longest + 1, count)
        return ["".join(rng.choice(list("AUCG"), length)) for length in lengths]

    labels = rng.integers(0, 2, count).astype(np.uint8)
    return Pairs(letters(17, 26), letters(20, 53), labels)


def encode(pairs: Pairs) -> batches.LabelledBatch:
    """Encode pairs as miTAR reads them."""
    assert pairs.labels is not None
    return batches.encode_labelled(
        pairs.targets, pairs.mirnas, pairs.labels, target_length=53, mirna_length=26
    )


def main() -> None:
    """Run the worker."""
    parser = argparse.ArgumentParser(description="mirjax worker; see timing.py.")
    parser.add_argument("--task", choices=("train", "predict"), required=True)
    parser.add_argument("--batch_size", type=int, default=100)
    arguments = parser.parse_args()
    config = mitar_config.get_config().unlock()
    config.train.batch_size = arguments.batch_size
    pairs = random_pairs(STEPS_PER_CALL * arguments.batch_size)
    program = SingleRun(make_task(config, TaskData(*[encode(pairs)] * 2)))
    params = program.state.params

    def work(size: int) -> None:
        if arguments.task == "train":
            for _ in range(-(-size // (arguments.batch_size * STEPS_PER_CALL))):
                program.advance(STEPS_PER_CALL)
            jax.block_until_ready(program.state)
        else:
            repeated = pairs.take(np.arange(size) % len(pairs))
            model = program.tasks[0].model
            predict_logits(model, params, repeated, arguments.batch_size)

    def repeat(size: int) -> float:
        start = time.perf_counter()
        work(size)
        return time.perf_counter() - start

    parameters = sum(leaf.size for leaf in jax.tree.leaves(params))
    timing.serve(repeat, {"jax": jax.__version__, "parameters": parameters})


if __name__ == "__main__":
    main()
