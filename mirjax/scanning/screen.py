"""The screen of `--candidates=fast`: a small network reads every candidate first.

`pretrained/screen` is a duplex network that pretrained/duplex has taught, and some
twenty times faster. Of the candidates that alignment proposes, those to which it gives
a low score are not read by the classifier of the search. Each miRNA has its own lowest
score, chosen on shuffled transcripts.
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
SHARE = 0.125
"""Of the candidates that alignment proposes in shuffled transcripts, those kept."""


@dataclasses.dataclass(frozen=True, eq=False)
class Screen:
    """A small classifier, and the lowest score of a candidate that it keeps.

    Attributes:
      engine: `screen_model()` with the miRNAs of the search.
      thresholds: probabilities, one a miRNA.
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
