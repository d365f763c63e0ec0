"""mirjax's decoders, one per process: a worker of timing.py.

Parameters are random: the time depends only on their shapes, except for exact ranks of
the true miRNAs, which a beam finds for more targets with a trained model.
"""

import argparse
import functools
import time
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np
import one_hot_pairs
import timing

from mirjax.configs import seq2seq, transformer
from mirjax.datasets import batches, registry
from mirjax.inference import beam, greedy, ranking
from mirjax.inference.decoders import emitted
from mirjax.inference.trie import build_trie
from mirjax.models import make_model
from mirjax.models.interfaces import Generator
from mirjax.models.losses import shift_right
from mirjax.sequences import alphabet

CONFIGS = {"seq2seq": seq2seq, "transformer": transformer}

Decode = Callable[[np.ndarray], object]  # takes target tokens


def main() -> None:
    """Run the worker."""
    parser = argparse.ArgumentParser(description="mirjax worker; see timing.py.")
    parser.add_argument("--task", choices=TASKS, required=True)
    parser.add_argument("--model", choices=sorted(CONFIGS), required=True)
    parser.add_argument("--database", default="mirbase/hsa", help="a FASTA dataset")
    parser.add_argument("--width", type=int, default=8, help="prefixes a beam keeps")
    parser.add_argument("--decoder_layers", type=int, default=0, help="0: the config's")
    arguments = parser.parse_args()

    config = CONFIGS[arguments.model].get_config().model.to_dict()
    if arguments.decoder_layers:
        config["decoder_layers"] = arguments.decoder_layers
    model = make_model(config)
    assert isinstance(model, Generator)
    params = model.init(jax.random.key(0), *model.example_inputs())["params"]
    params = jax.device_put(params)
    records = registry.load_fasta(arguments.database)
    mirnas = emitted(records, model.max_mirna_length)
    decode = TASKS[arguments.task](model, params, mirnas, arguments.width)
    rng = np.random.default_rng(0)
    letters = one_hot_pairs.random_letters(rng, 1024, 20, 29)
    tokens = alphabet.encode(letters, model.max_target_length)

    def repeat(size: int) -> float:
        targets = np.resize(tokens, (size, tokens.shape[1]))
        start = time.perf_counter()
        decode(targets)
        return time.perf_counter() - start

    timing.serve(
        repeat,
        {
            "jax": jax.__version__,
            "device": jax.devices()[0].device_kind,
            "mirnas": len(mirnas),
        },
    )


def greedy_decoder(
    model: Generator, params: Any, mirnas: Sequence[str], width: int
) -> Decode:
    """Return greedy decoding."""
    del mirnas, width
    return functools.partial(greedy.decode, model, params)


def beam_decoder(
    model: Generator, params: Any, mirnas: Sequence[str], width: int
) -> Decode:
    """Return a beam search."""
    del mirnas
    options = beam.BeamOptions(width=width)
    return lambda targets: beam.decode(model, params, targets, options)


def constrained_decoder(
    model: Generator, params: Any, mirnas: Sequence[str], width: int
) -> Decode:
    """Return a beam search along the trie of the miRNAs."""
    options, trie = beam.BeamOptions(width=width), build_trie(mirnas)
    return lambda targets: beam.decode(model, params, targets, options, trie=trie)


def exact_ranking(
    model: Generator, params: Any, mirnas: Sequence[str], width: int
) -> Decode:
    """Return exact ranking of the miRNAs."""
    del width
    return lambda targets: ranking.rank(model, params, targets, mirnas)


def one_pass_a_mirna(
    model: Generator, params: Any, mirnas: Sequence[str], width: int
) -> Decode:
    """Return plain ranking: one teacher-forced pass for each miRNA."""
    del width
    encoded = batches.encode_pairs(
        [""] * len(mirnas),
        mirnas,
        target_length=1,
        mirna_length=model.max_mirna_length,
    ).mirnas

    @jax.jit
    def score(targets: jax.Array, mirna: jax.Array) -> jax.Array:
        rows = jax.numpy.tile(mirna[None], (len(targets), 1))
        logits = model.apply({"params": params}, targets, shift_right(rows))
        gained = jax.numpy.take_along_axis(
            jax.nn.log_softmax(logits),
            jax.numpy.maximum(rows.astype(int) - 1, 0)[..., None],
            axis=-1,
        )[..., 0]
        return jax.numpy.sum(gained * (rows != alphabet.PAD), axis=-1)

    return lambda targets: jax.block_until_ready(
        [score(targets, mirna) for mirna in encoded]
    )


TASKS = {
    "greedy": greedy_decoder,
    "beam": beam_decoder,
    "constrained": constrained_decoder,
    "ranking": exact_ranking,
    "one_pass_a_mirna": one_pass_a_mirna,
}

if __name__ == "__main__":
    main()
