"""Kinds of trained models, by the methods they have."""

from mirjax.models.trained import TrainedModel


def is_generator(trained: TrainedModel) -> bool:
    """Return whether a model generates miRNAs; otherwise it classifies pairs."""
    return hasattr(trained.model, "decode_step")


def has_attention(trained: TrainedModel) -> bool:
    """Return whether a generator has attention from its decoder to the target."""
    return hasattr(trained.model, "attention_weights")
