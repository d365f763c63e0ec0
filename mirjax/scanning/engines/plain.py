"""The plain engine: any classifier, window by window. The other engines equal it."""

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
from jaxtyping import Float, Int, UInt8
from scipy import special

from mirjax.inference.classify import make_scorer
from mirjax.models.interfaces import Classifier
from mirjax.models.trained import TrainedModel
from mirjax.scanning.threads import check_stop
from mirjax.sequences import alphabet

_BATCH = 512  # pairs scored at a time: one size, so that one program is compiled


@dataclasses.dataclass(frozen=True, eq=False)
class PlainEngine:
    """A classifier that reads each pair of a miRNA and a window; an `Engine`.

    Attributes:
      trained: the classifier.
      mirnas: 5'→3', RNA letters, none longer than it reads.
      temperature: logits are divided by it; see `evaluation.metrics.calibration`.
    """

    trained: TrainedModel[Classifier]
    mirnas: tuple[str, ...]
    temperature: float = 1.0

    @property
    def window_length(self) -> int:
        """Letters of the longest target that the model reads."""
        return self.trained.model.max_target_length

    @functools.cached_property
    def _mirna_tokens(self) -> UInt8[np.ndarray, "mirnas mirna_length"]:
        return alphabet.encode(self.mirnas, self.trained.model.max_mirna_length)

    @functools.cached_property
    def _params(self) -> Mapping[str, Any]:
        """The parameters, on the device."""
        params: Mapping[str, Any] = jax.device_put(dict(self.trained.params))
        return params

    def score_windows(
        self,
        transcript: UInt8[np.ndarray, " length"],
        starts: Int[np.ndarray, " windows"],
    ) -> Float[np.ndarray, "mirnas windows"]:
        """Return the probability of every miRNA at every window; see `Engine`."""
        shape = (len(self.mirnas), len(starts))
        mirnas, windows = np.indices(shape).reshape(2, -1)
        return self.score_pairs(transcript, mirnas, starts[windows]).reshape(shape)

    def score_pairs(
        self,
        transcript: UInt8[np.ndarray, " length"],
        mirnas: Int[np.ndarray, " pairs"],
        starts: Int[np.ndarray, " pairs"],
    ) -> Float[np.ndarray, " pairs"]:
        """Return the probability of chosen miRNAs at chosen windows; see `Engine`."""
        scorer = make_scorer(self.trained.model)
        windows = windows_of(transcript, self.window_length)
        parts = []
        for start in range(0, len(mirnas), _BATCH):
            check_stop()
            batch = slice(start, start + _BATCH)
            rows = (self._mirna_tokens[mirnas[batch]], windows[starts[batch]])
            missing = _BATCH - len(rows[0])
            filled = (np.pad(each, ((0, missing), (0, 0))) for each in rows)
            parts.append(scorer(self._params, *filled))
        logits = np.concatenate([np.zeros(0, np.float32), *jax.device_get(parts)])
        return probabilities(logits[: len(mirnas)], self.temperature)


def windows_of(
    transcript: UInt8[np.ndarray, " length"], size: int
) -> UInt8[np.ndarray, "length size"]:
    """Return the window that starts at each letter, padded; a view of one array."""
    padded = np.pad(transcript, (0, size - 1), constant_values=alphabet.PAD)
    return np.lib.stride_tricks.sliding_window_view(padded, size)


def probabilities(
    logits: Float[np.ndarray, "*shape"], temperature: float
) -> Float[np.ndarray, "*shape"]:
    """Return the probabilities of logits, in float32.

    Raises:
      FloatingPointError: if a logit is NaN or infinite.
    """
    if not np.isfinite(logits).all():
        raise FloatingPointError(
            "the model's scores are NaN or infinite: its parameters are damaged or its "
            "training diverged; train it again"
        )
    scores: np.ndarray = special.expit(logits / np.float32(temperature))
    return scores
