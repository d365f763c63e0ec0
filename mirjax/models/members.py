"""Members of a model: networks of one recipe, whose logits are averaged."""

from collections.abc import Sequence

import jax
import numpy as np

from mirjax.models.duplex import Duplex
from mirjax.models.interfaces import Classifier
from mirjax.models.trained import TrainedModel

_SCOPE = "member"  # of the parameters, with a leading axis


def join_members(trained: Sequence[TrainedModel[Classifier]]) -> TrainedModel[Duplex]:
    """Join trained duplex models of one size into one model.

    Args:
      trained: one or more; the metadata of the first are kept.

    Raises:
      ValueError: if one is no duplex model, has members, or differs in its sizes.
    """
    models = [
        each.model
        for each in trained
        if isinstance(each.model, Duplex) and each.model.members == 1
    ]
    if len(models) < len(trained):
        raise ValueError("only duplex models without members can be joined")
    for model in models:
        if model != models[0]:
            raise ValueError(f"members differ: {model} and {models[0]}")
    joined = models[0].clone(members=len(models))
    params = jax.tree.map(
        lambda *leaves: np.stack(leaves), *(each.params for each in trained)
    )
    metadata = trained[0].metadata
    config = {**metadata["model"], "members": joined.members}
    return TrainedModel(joined, {_SCOPE: params}, {**metadata, "model": config})


def split_members(
    trained: TrainedModel[Classifier],
) -> list[TrainedModel[Classifier]]:
    """Return the members of a model; itself, if it has none."""
    model = trained.model
    if not isinstance(model, Duplex) or model.members == 1:
        return [trained]
    config = {**trained.metadata.get("model", {}), "members": 1}
    stacked = trained.params[_SCOPE]
    return [
        TrainedModel(
            model.clone(members=1),
            jax.tree.map(lambda leaf, k=number: leaf[k], stacked),
            {**trained.metadata, "model": config},
        )
        for number in range(model.members)
    ]
