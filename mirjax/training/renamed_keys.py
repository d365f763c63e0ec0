"""Config keys of earlier versions, for messages that name the key to use instead."""

RENAMED_KEYS = {
    "data.binding_rows": "data.positive_rows",
    "optimizer.average_decay": "optimizer.ema_decay",
    "optimizer.warmup_steps": "optimizer.warmup_epochs",
    "train.eval_every": "train.eval_every_epochs",
    "train.num_steps": "train.num_epochs",
    "train.patience": "train.patience_epochs",
    "train.transplants": "train.duplex_augmentation",
}
"""Former key → present key. Lengths were in steps and are in epochs."""

REMOVED_KEYS = ("model.letter_dropout",)


def describe_replacement(key: str) -> str:
    """Return the end of an error message that names the replacement of a key.

    Args:
      key: dotted, without a leading "config.", such as "train.num_steps".

    Returns:
      "; " and the replacement, or the empty string for a key that never existed.

    >>> describe_replacement("optimizer.average_decay")
    '; it is now called config.optimizer.ema_decay'
    """
    if key in REMOVED_KEYS:
        return "; it was removed, leave it out"
    new = RENAMED_KEYS.get(key)
    if new is None:
        return ""
    if new.endswith("_epochs"):
        return f"; lengths are given in epochs now, by config.{new}"
    return f"; it is now called config.{new}"
