"""Encoded rows of a task, with the hooks that measure and describe a model on them."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from mirjax.datasets.streams import Stream, whole
from mirjax.evaluation.metrics import calibration
from mirjax.inference import classify
from mirjax.models import losses, temperature
from mirjax.models.interfaces import Classifier, PairModel
from mirjax.sequences import alphabet
from mirjax.sequences.bad_records import BadRecord
from mirjax.sequences.records import Pairs

# The model of a hook is a Generator or a Classifier, as its rows need.
# Measures more than the loss: (model, params) → metrics.
ValidationHook = Callable[[Any, Mapping[str, Any]], Mapping[str, float]]
# Stored beside exported parameters: (model, params) → JSON-like.
DescriptionHook = Callable[[Any, Mapping[str, Any]], Mapping[str, Any]]


class TaskData(NamedTuple):
    """Encoded rows, and the hooks that use them.

    Attributes:
      train: all training rows.
      held_out: all validation rows.
      validate: measures more than the loss at each evaluation.
      describe: returns what is stored beside the parameters of an exported model.
      streams: divisions of the training rows; empty: an epoch visits every row.
      skipped: rows of a file that were left out.
    """

    train: losses.AnyBatch
    held_out: losses.AnyBatch
    validate: ValidationHook = lambda model, params: {}
    describe: DescriptionHook = lambda model, params: {}
    streams: tuple[Stream, ...] = ()
    skipped: tuple[BadRecord, ...] = ()

    def all_streams(self) -> tuple[Stream, ...]:
        """Return the streams of the training rows, one if none are named."""
        return self.streams or whole(len(self.train.weights))


def check_lengths(
    pairs: Pairs, model: PairModel, name: str, *, target_remedy: str = ""
) -> None:
    """Raise a ValueError that names the first sequence too long for a model.

    Args:
      pairs: the rows.
      model: its limits are checked.
      name: of the rows, for the message.
      target_remedy: the remedy in the message for a target.
    """
    for what, sequences, limit, remedy in (
        (
            "target",
            pairs.targets,
            model.max_target_length,
            target_remedy or "shorten such targets, or leave such pairs out",
        ),
        ("miRNA", pairs.mirnas, model.max_mirna_length, "leave such pairs out"),
    ):
        lengths = alphabet.lengths(sequences)
        too_long = np.flatnonzero(lengths > limit)
        if len(too_long):
            row = too_long[0]
            start = sequences[row][:20]
            line = "" if pairs.lines is None else f"line {pairs.lines[row]}: "
            raise ValueError(
                f"{name}: {line}{what} {start}… of {lengths[row]} nt, but the model "
                f"takes at most {limit} (too long: {len(too_long):,} of {len(pairs):,} "
                f"pairs); {remedy}"
            )


def temperature_hook(held_out: Pairs) -> DescriptionHook:
    """Return a hook that fits the temperature which calibrates a classifier."""
    labels = np.asarray(held_out.labels)

    def describe(model: Classifier, params: Mapping[str, Any]) -> dict[str, Any]:
        logits = classify.predict_logits(model, params, held_out)
        if len(set(labels.tolist())) < 2 or not np.isfinite(logits).all():
            return {}  # no temperature can be fitted
        return {temperature.METADATA: calibration.fit_temperature(labels, logits)}

    return describe
