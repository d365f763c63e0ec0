"""mirjax's decoders, one a process: a worker of timing.py.

Parameters are as they are drawn: how long decoding takes depends on their shapes alone,
but for exact true ranks, where a beam settles more targets of a model that has learned.
"""

import argparse
import time
from collections.abc import Callable

import jax
import numpy as np
import one_hot_pairs
import timing

from configs import seq2seq, transformer
from mirjax.datasets import batches, registry
from mirjax.inference import beam, greedy, ranking
from mirjax.inference.trie import build_trie
from mirjax.models import make_model
from mirjax.sequences import alphabet
from mirjax.training.steps import shift_right

CONFIGS = {"seq2seq": seq2seq, "transformer": transformer}
TASKS = ("greedy", "beam", "constrained", "ranking", "one_pass_a_mirna")


def main() -> None:
    """Run the worker."""
    parser = argparse.ArgumentParser(description="mirjax worker; see timing.py.")
    parser.add_argument("--task", choices=TASKS, required=True)
    parser.add_argument("--model", choices=("seq2seq", "transformer"), required=True)
    parser.add_argument("--database", default="mirbase/hsa", help="a FASTA dataset")
    parser.add_argument("--width", type=int, default=8)
    parser.add_argument("--decoder_layers", type=int, default=0, help="0: the config's")
    arguments = parser.parse_args()

    size = CONFIGS[arguments.model].get_config().model.to_dict()
    if arguments.decoder_layers:
        size["decoder_layers"] = arguments.decoder_layers
    model = make_model(size)
    params = model.init(jax.random.key(0), *model.example_inputs())["params"]
    params = jax.device_put(params)
    rng = np.random.default_rng(0)
    letters = one_hot_pairs.random_letters(rng, 1024, 20, 29)
    tokens = alphabet.encode(letters, model.max_target_length)
    mirnas = [
        mirna
        for mirna in dict.fromkeys(
            record.sequence for record in registry.load_fasta(arguments.database)
        )
        if len(mirna) <= model.max_mirna_length
    ]
    trie = build_trie(mirnas)

    @jax.jit
    def score(targets: jax.Array, mirna: jax.Array) -> jax.Array:
        """Return log P of one miRNA for every target, the plain way."""
        rows = jax.numpy.tile(mirna[None], (len(targets), 1))
        logits = model.apply({"params": params}, targets, shift_right(rows))
        gained = jax.numpy.take_along_axis(
            jax.nn.log_softmax(logits),
            jax.numpy.maximum(rows.astype(int) - 1, 0)[..., None],
            axis=-1,
        )[..., 0]
        return jax.numpy.sum(gained * (rows != alphabet.PAD), axis=-1)

    encoded = batches.encode_pairs(
        [""] * len(mirnas),
        mirnas,
        target_length=1,
        mirna_length=model.max_mirna_length,
    ).mirnas

    def one_pass_a_mirna(targets: np.ndarray) -> None:
        jax.block_until_ready([score(targets, mirna) for mirna in encoded])

    work: dict[str, Callable[[np.ndarray], object]] = {
        "greedy": lambda targets: greedy.decode(model, params, targets),
        "beam": lambda targets: beam.decode(
            model, params, targets, width=arguments.width
        ),
        "constrained": lambda targets: beam.decode(
            model, params, targets, width=arguments.width, trie=trie
        ),
        "ranking": lambda targets: ranking.rank(model, params, targets, mirnas),
        "one_pass_a_mirna": one_pass_a_mirna,
    }

    def repeat(size: int) -> float:
        targets = np.resize(tokens, (size, tokens.shape[1]))
        start = time.perf_counter()
        work[arguments.task](targets)
        return time.perf_counter() - start

    timing.serve(
        repeat,
        {
            "jax": jax.__version__,
            "device": jax.devices()[0].device_kind,
            "mirnas": len(mirnas),
        },
    )


if __name__ == "__main__":
    main()
