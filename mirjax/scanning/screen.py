"""The screen of `--candidates=fast`: a small network scores every candidate first.

`pretrained/screen` is a small duplex network, trained on the predictions of a larger
one. The classifier of the search scores only the candidates to which this network gives
a high score. The threshold of each miRNA is chosen on shuffled transcripts.
"""

import dataclasses
import functools

import numpy as np
from jaxtyping import Bool, Int, UInt8

from mirjax.inference.pairs import load_classifier
from mirjax.models.interfaces import Classifier
from mirjax.models.trained import TrainedModel, model_digest
from mirjax.scanning.engines.interface import Engine

MODEL = "pretrained/screen"
SHARE = 0.1
"""Highest fraction of a rule's candidates in shuffled transcripts that is kept."""


@dataclasses.dataclass(frozen=True, eq=False)
class Screen:
    """A small classifier, and the lowest scores of the candidates that are kept.

    Attributes:
      engine: `screen_model()` with the miRNAs of the search.
      thresholds: probabilities, one per miRNA.
    """

    engine: Engine
    thresholds: tuple[float, ...]

    def passes(
        self,
        transcript: UInt8[np.ndarray, " length"],
        mirnas: Int[np.ndarray, " pairs"],
        starts: Int[np.ndarray, " pairs"],
    ) -> Bool[np.ndarray, " pairs"]:
        """Return which pairs are kept; the arguments are those of `Engine`."""
        scores = self.engine.score_pairs(transcript, mirnas, starts)
        return scores >= np.array(self.thresholds, np.float32)[mirnas]


@functools.cache
def screen_model() -> TrainedModel[Classifier]:
    """Return the small classifier."""
    return load_classifier(MODEL)


@functools.cache
def screen_digest() -> str:
    """Return the SHA-256 of the small classifier."""
    return model_digest(screen_model())
