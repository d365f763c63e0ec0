"""Attention maps: how a generator's decoder attends to the target."""

import functools
from collections.abc import Sequence
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float

from mirjax.inference import greedy
from mirjax.models import losses
from mirjax.models.trained import TrainedModel
from mirjax.sequences import alphabet
from mirjax.sequences.records import Pairs

NUM_MAPS = 4  # maps in an evaluation


class AttentionMap(NamedTuple):
    """The attention of one prediction.

    Attributes:
      target: 5'→3'.
      true: the miRNA that binds it, 5'→3'.
      prediction: the decoded miRNA, 5'→3'; it may be empty.
      weights: attention to each letter of the target when each letter of the prediction
        was decoded; mean over layers and heads.
    """

    target: str
    true: str
    prediction: str
    weights: Float[np.ndarray, "prediction target"]


def attention_maps(trained: TrainedModel, pairs: Pairs) -> list[AttentionMap]:
    """Decode targets greedily, and compute the attention of each prediction.

    Args:
      trained: a generator with `attention_weights`.
      pairs: positive pairs that fit it.
    """
    model = trained.model
    tokens = alphabet.encode(pairs.targets, model.max_target_length)
    decoded = greedy.decode(model, trained.params, tokens).tokens
    # One jitted program compiles faster than its operations one by one.
    attend = jax.jit(functools.partial(model.apply, method="attention_weights"))
    weights = attend({"params": trained.params}, tokens, losses.shift_right(decoded))
    mean = np.asarray(weights.mean(axis=(0, 2)))
    return [
        AttentionMap(
            target, true, prediction, mean[row, : len(prediction), : len(target)]
        )
        for row, (target, true, prediction) in enumerate(
            zip(pairs.targets, pairs.mirnas, alphabet.decode(decoded), strict=True)
        )
    ]


def first_maps(trained: TrainedModel, pairs: Pairs) -> Sequence[AttentionMap]:
    """Return the attention maps of the first distinct targets."""
    true = dict(zip(pairs.targets, pairs.mirnas, strict=True))
    targets = list(true)[:NUM_MAPS]
    return attention_maps(trained, Pairs([true[target] for target in targets], targets))
