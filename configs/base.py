"""The keys every training config has, with what they mean. Unknown keys raise."""

from ml_collections import ConfigDict


def get_config() -> ConfigDict:
    """Return the common defaults; a model's config fills in the rest."""
    return ConfigDict(
        {
            "seed": 0,  # initial parameters, order of rows, dropout
            "steps_per_call": 16,  # training steps in one call of the device
            "model": {"name": ""},  # a key of mirjax.models.MODELS, and its arguments
            "data": {
                "name": "",  # a registry name, such as chakraborty2019
                "split": "published",  # published, random, cluster or family
                "seed": 0,  # of a split, or of negatives, that are drawn
                # Other targets are left out of each part of the split, once cut.
                "min_target_length": 0,  # nt
                "max_target_length": 0,  # nt; 0: no limit
                "positive_rows": 0,  # the first rows that bind alone; 0: all rows
                # For a generator: cut each target to at most so many nt that end where
                # the site of its own miRNA ends. This uses the answer: it measures what
                # a known site is worth. Rows labelled 0 are left out.
                "site_window": 0,  # nt; 0: whole targets
                # For a classifier: what rows labelled 0 are made from those that bind,
                # in place of the data's own: frequency, random or dinucleotide. "none":
                # every row is labelled 1. "": the data's own labels.
                "negatives": "",
                "negative_ratio": 1.0,  # made for each row that binds
            },
            "optimizer": {
                "name": "adamw",  # rmsprop, adam or adamw
                "learning_rate": 0.001,  # the peak
                "schedule": "constant",  # constant, or cosine with warm-up
                "warmup_steps": 0,
                "weight_decay": 0.0,  # adamw only, on weight matrices
                "ema_decay": 0.0,  # of averaged parameters, evaluated; 0: the last
                "clip_norm": 0.0,  # largest global norm of the gradient; 0: no limit
            },
            "train": {
                "batch_size": 128,  # rows, over all devices
                "num_steps": 1000,
                "eval_every": 100,  # steps between evaluations and checkpoints
                "eval_batch_size": 512,  # rows
                # Of a generator: rows made up for each training row, which have its
                # duplex and another row's miRNA; see mirjax/data/transplant.py.
                "duplex_augmentation": 0,
                "decode_rows": 2000,  # held-out rows decoded at each evaluation
                "l2": 0.0,  # penalty on the squared Dense kernels
                "best_metric": "val/loss",  # chooses the best checkpoint
                "best_mode": "min",  # min or max
                "patience": 0,  # steps without a better metric before stopping; 0: off
                "export": "best",  # best, or last: the checkpoint that is exported
            },
        }
    )
