"""The keys of every training config, with their meanings. Unknown keys raise."""

from collections.abc import Callable, Mapping

from ml_collections import ConfigDict

Variant = Callable[[ConfigDict], None]


def apply_variant(
    config: ConfigDict, variants: Mapping[str, Variant], variant: str, file: str
) -> ConfigDict:
    """Apply a variant to a config, and lock the config.

    Args:
      config: shared by all variants.
      variants: name → function that sets the other keys.
      variant: one of their names.
      file: the config's file, for messages.

    Raises:
      ValueError: for an unknown name.
    """
    if variant not in variants:
        names = ", ".join(variants)
        raise ValueError(f"{file}: variant {variant!r} is not one of {names}")
    variants[variant](config)
    return config.lock()


def get_config() -> ConfigDict:
    """Return the common defaults; a model's config fills in the rest."""
    return ConfigDict(
        {
            "seed": 0,  # initial parameters, order of rows, dropout
            "steps_per_call": 40,  # training steps in one jitted call, at most
            "model": {"name": ""},  # a key of mirjax.models.MODELS, and its arguments
            "data": {
                # A dataset, such as chakraborty2019, or a file of pairs (its SHA-256 is
                # stored with its name when the run starts).
                "name": "",
                # refuse, or skip: leave bad rows of a file out and list them in
                # skipped.tsv.
                "on_bad_record": "refuse",
                # published, random, cluster or family; of a file also column.
                "split": "published",
                "seed": 0,  # of a random split, and of generated negatives
                # Pairs of other targets are left out of each part of the split.
                "min_target_length": 0,  # nt
                "max_target_length": 0,  # nt; 0: no limit
                "positive_rows": 0,  # only the first positive rows; 0: all rows
                # For a generator: cut each target to at most this many nt, ending where
                # the site of its own miRNA ends. This uses the true miRNA: it measures
                # the value of a known site. Negative rows are left out.
                "site_window": 0,  # nt; 0: whole targets
                # For a classifier: negatives generated from the positive rows, in place
                # of the data's own: frequency, random or dinucleotide. "none": positive
                # rows only. "": the data's own labels.
                "negatives": "",
                "negative_ratio": 1.0,  # negatives generated for each positive row
            },
            "optimizer": {
                "name": "adamw",  # rmsprop, adam or adamw
                "learning_rate": 0.001,  # the peak
                "schedule": "constant",  # constant, or cosine with warm-up
                "warmup_epochs": 0.0,  # of linear warm-up; cosine only
                "weight_decay": 0.0,  # adamw only, on weight matrices
                "ema_decay": 0.0,  # of averaged parameters for evaluation; 0: none
                "clip_norm": 0.0,  # largest global norm of the gradient; 0: no limit
            },
            "train": _train(),
        }
    )


def _train() -> dict[str, object]:
    return {
        "batch_size": 128,  # rows, over all devices and micro-batches
        # Parts in which a batch is computed, one after another, if a whole one does not
        # fit into memory. Their gradients are summed.
        "micro_batches": 1,
        # Type of the operands of matrix products in training: float32, or bfloat16,
        # which GPUs multiply faster. Everything else is float32.
        "compute_dtype": "float32",
        # Devices over which each kernel of at least 512 columns and its optimizer state
        # are divided, if one device's memory is too small: a divisor of the number of
        # devices.
        "model_devices": 1,
        # A trained model, as for --model, from whose parameters training starts; "":
        # random initial parameters. Its SHA-256 is stored with its name.
        "init_from": "",
        "init_sha256": "",  # filled in
        # Lengths are in epochs; steps are computed from the number of rows.
        "num_epochs": 10.0,
        "eval_every_epochs": 1.0,  # between evaluations and checkpoints
        # Steps between rows of metrics.jsonl, besides those of evaluations; 0: none.
        # Does not affect the parameters.
        "log_every": 100,
        "eval_batch_size": 512,  # rows
        # For a generator: augmented rows for each training row, with its duplex and
        # another row's miRNA; see mirjax/datasets/augmentation.py.
        "duplex_augmentation": 0,
        "decode_rows": 2000,  # held-out rows decoded at each evaluation
        "l2": 0.0,  # penalty on the squared Dense kernels
        "best_metric": "val/loss",  # chooses the best checkpoint
        "best_mode": "min",  # min or max
        "patience_epochs": 0.0,  # without a better metric; 0: no early stopping
        "export": "best",  # best, or last: the checkpoint that is exported
    }
