"""miTAR in factors: what depends on one partner alone is computed once.

The convolutions over the window, the projections of the LSTMs' inputs, the forward LSTM
over the miRNA and the backward LSTM over the window do not depend on the other partner.
What is left for a pair are some 35 small steps of the LSTMs; see `mitar_layout`.
"""

import dataclasses
import functools
from collections.abc import Iterator, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int, UInt8

from mirjax.models.layers import reverse_padded
from mirjax.models.mitar import Mitar
from mirjax.models.trained import TrainedModel
from mirjax.scanning.engines import mitar_parts as parts
from mirjax.scanning.engines.mitar_factors import make_factors
from mirjax.scanning.engines.mitar_layout import divide_steps, group_mirnas
from mirjax.scanning.engines.mitar_pairs import score_pairs
from mirjax.scanning.engines.plain import PlainEngine, probabilities
from mirjax.sequences import alphabet
from mirjax.xla import compiler_options

_PAIRS = 1024  # computed at a time, so that they stay in a core's cache
_MIRNAS = 16  # of these
_LETTERS = 8192  # positions that are projected at a time
_LEAST_LETTERS = 1024  # likewise, of a short transcript


@dataclasses.dataclass(frozen=True, eq=False)
class MitarEngine:
    """A miTAR classifier in factors; an `Engine`.

    Attributes:
      trained: the classifier.
      mirnas: 5'→3', RNA letters, none longer than it reads; at least one.
      temperature: logits are divided by it; see `evaluation.metrics.calibration`.
    """

    trained: TrainedModel[Mitar]
    mirnas: tuple[str, ...]
    temperature: float = 1.0

    @property
    def window_length(self) -> int:
        """Letters of the longest target that the model reads."""
        return self.trained.model.max_target_length

    @functools.cached_property
    def _program(self) -> "_Program":
        return _Program(self.trained, self.mirnas)

    def score_windows(
        self,
        transcript: UInt8[np.ndarray, " length"],
        starts: Int[np.ndarray, " windows"],
    ) -> Float[np.ndarray, "mirnas windows"]:
        """Return the probability of every miRNA at every window; see `Engine`."""
        none = np.zeros((len(self.mirnas), 0), np.float32)
        found = [none, *self._program.score(transcript, starts)]
        return probabilities(np.concatenate(found, axis=1), self.temperature)

    def score_pairs(
        self,
        transcript: UInt8[np.ndarray, " length"],
        mirnas: Int[np.ndarray, " pairs"],
        starts: Int[np.ndarray, " pairs"],
    ) -> Float[np.ndarray, " pairs"]:
        """Return the probability of chosen miRNAs at chosen windows; see `Engine`."""
        plain = PlainEngine(self.trained, self.mirnas, self.temperature)
        return plain.score_pairs(transcript, mirnas, starts)


class _Program:
    """The jitted functions of one model and some miRNAs, and what they share."""

    def __init__(self, trained: TrainedModel[Mitar], mirnas: Sequence[str]):
        model = trained.model
        tokens = reverse_padded(
            jnp.asarray(alphabet.encode(mirnas, model.max_mirna_length))
        )
        groups = group_mirnas(model, np.asarray(tokens))
        self._steps = divide_steps(model, len(groups))
        self._model, self._count = model, len(mirnas)
        block = min(_MIRNAS, 1 << (len(mirnas) - 1).bit_length())
        self._windows = _PAIRS // block
        compiled = functools.partial(jax.jit, compiler_options=compiler_options())
        self._weights = parts.make_weights(trained.params)
        factors = compiled(functools.partial(make_factors, self._steps, block))
        self._factors = factors(self._weights, tokens, [each.arrays for each in groups])
        self._project = compiled(parts.project_positions)
        self._score = compiled(
            functools.partial(score_pairs, self._steps, model.max_mirna_length)
        )

    def score(
        self,
        transcript: UInt8[np.ndarray, " length"],
        starts: Int[np.ndarray, " windows"],
    ) -> Iterator[Float[np.ndarray, "mirnas windows"]]:
        """Yield the logits of all miRNAs at the windows, some windows at a time."""
        size, length = self._model.max_target_length, len(transcript)
        letters = min(_LETTERS, 1 << (length - 1).bit_length())
        letters = max(_LEAST_LETTERS, letters)
        padded = np.pad(transcript, (0, -length % letters + size + 1))
        edges = np.searchsorted(starts, np.arange(0, length + letters, letters))
        for number, (first, last) in enumerate(zip(edges[:-1], edges[1:], strict=True)):
            if first == last:
                continue
            begin = number * letters
            tokens = padded[begin : begin + letters + size]
            projected = self._project(self._weights, tokens)
            pending = []
            for start in range(first, last, self._windows):
                chosen = starts[start : min(last, start + self._windows)] - begin
                filled = np.pad(chosen, (0, self._windows - len(chosen)))
                logits = self._score(
                    self._weights, self._factors, (projected, tokens, filled)
                )
                pending.append((len(chosen), logits))
            for count, logits in pending:
                yield np.asarray(logits)[: self._count, :count]
