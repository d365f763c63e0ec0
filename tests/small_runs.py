"""Small training runs that several tests share."""

import json
import os
import pathlib
import subprocess
import sys
from collections.abc import Sequence

import jax
import numpy as np
from ml_collections import ConfigDict

from mirjax.configs import mitar, seq2seq
from mirjax.datasets import batches
from mirjax.datasets.batches import Batch, LabelledBatch
from mirjax.sequences.records import Pairs
from mirjax.training.metric_writer import read_metrics

TARGET_LENGTH, MIRNA_LENGTH = 29, 27


def small_config(**train) -> ConfigDict:
    """A simulated-data config whose model trains in a second."""
    config = seq2seq.get_config("simulated")
    config.model.conv_features = 6
    config.model.dense_features = 6
    config.model.lstm_features = 8
    config.optimizer.warmup_epochs = 2 / 3
    config.steps_per_call = 3
    config.train.batch_size = 16
    config.train.num_epochs = 8.0  # of 3 steps: 40 rows
    config.train.eval_every_epochs = 2.0
    config.train.eval_batch_size = 16
    config.train.best_metric = "val/loss"
    config.train.best_mode = "min"
    config.train.update(train)
    return config


def random_rows(num_rows: int, seed: int = 0) -> Batch:
    """Random targets and miRNAs, encoded."""
    rng = np.random.default_rng(seed)

    def letters(low: int, high: int) -> list[str]:
        return [
            "".join(rng.choice(list("AUCG"), rng.integers(low, high))) for _ in rows
        ]

    rows = range(num_rows)
    return batches.encode_pairs(
        letters(12, 30),
        letters(17, 27),
        target_length=TARGET_LENGTH,
        mirna_length=MIRNA_LENGTH,
    )


def small_classifier() -> ConfigDict:
    """A config whose classifier learns a simple rule in seconds."""
    config = mitar.get_config().unlock()
    sizes = {"conv_features": 12, "lstm_features": 8, "dropout": 0.1}
    config.model.update(sizes)
    config.optimizer.learning_rate = 0.005
    config.steps_per_call = 15
    config.train.update({"batch_size": 32, "num_epochs": 90 / 13})
    config.train.update({"eval_every_epochs": 30 / 13})  # 400 rows: 13 steps
    return config


def labelled_pairs(num_rows: int) -> Pairs:
    """Pairs that are positive if the target is rich in A."""
    rng = np.random.default_rng(0)
    labels = np.arange(num_rows) % 2
    targets = [
        "".join(rng.choice(list("AAAAUCG" if label else "UUCCGGA"), 40))
        for label in labels
    ]
    mirnas = ["".join(rng.choice(list("AUCG"), 22)) for _ in labels]
    return Pairs(mirnas, targets, labels.astype(np.uint8))


def encoded(pairs: Pairs) -> LabelledBatch:
    """Labelled pairs as miTAR reads them."""
    return batches.encode_labelled(
        pairs.targets, pairs.mirnas, pairs.labels, target_length=53, mirna_length=26
    )


def lasting(folder: pathlib.Path) -> list[dict[str, float]]:
    """The metrics of a run, without those that its speed decides."""
    return [
        {
            name: value
            for name, value in row.items()
            if "second" not in name and name != "train/mfu"
        }
        for row in read_metrics(folder)
    ]


def fast_environment() -> dict[str, str]:
    """An environment in which commands compile fast, and equal programs once."""
    kept = {name: value for name, value in os.environ.items() if name != "NPROC"}
    return kept | {
        "JAX_PLATFORMS": "cpu",
        "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",
        "JAX_COMPILATION_CACHE_DIR": jax.config.values["jax_compilation_cache_dir"],
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }


_FORKING = """
import importlib, json, os, sys, tempfile
from mirjax import cli
name, late, lines = sys.argv[1], *map(json.loads, sys.argv[2:])
module = importlib.import_module(name)
for other in late:
    importlib.import_module(other)
found = []
for words in lines:
    with tempfile.TemporaryFile("w+") as errors:
        if not (child := os.fork()):
            os.dup2(errors.fileno(), 2)
            sys.argv = [name, *words]
            try:
                cli.run(module.main, module.define_flags, sys.argv)
            except SystemExit as end:
                sys.stderr.flush()
                os._exit(end.code or 0)
            finally:
                os._exit(99)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        errors.seek(0)
        found.append((code, errors.read()))
print(json.dumps(found))
"""


def run_forked(
    module: str,
    late: Sequence[str],
    command_lines: Sequence[Sequence[str]],
    cwd: pathlib.Path,
    environment: dict[str, str],
) -> list[tuple[int, str]]:
    """Run command lines, each in a fork of one process.

    Args:
      module: of the command, such as mirjax.train.
      late: modules that it imports later; all are imported once.
      command_lines: the arguments of each.
      cwd: the working directory of all.
      environment: as `fast_environment` returns it.

    Returns:
      The exit code and standard error of each.
    """
    arguments = [module, json.dumps(late), json.dumps(command_lines)]
    done = subprocess.run(
        [sys.executable, "-c", _FORKING, *arguments],
        cwd=cwd,
        env=environment,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        timeout=200,
    )
    return [tuple(found) for found in json.loads(done.stdout)]
