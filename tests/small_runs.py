"""Small training runs that several tests share."""

import numpy as np
from ml_collections import ConfigDict

from configs import seq2seq
from mirjax.data import batches
from mirjax.data.batches import Batch

TARGET_LENGTH, MIRNA_LENGTH = 29, 27


def small_config(**train) -> ConfigDict:
    """A simulated-data config whose model trains in a second."""
    config = seq2seq.get_config("simulated")
    config.model.conv_features = 6
    config.model.dense_features = 6
    config.model.lstm_features = 8
    config.optimizer.warmup_steps = 2
    config.steps_per_call = 3
    config.train.batch_size = 16
    config.train.num_steps = 24
    config.train.eval_every = 6
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
