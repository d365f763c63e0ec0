"""A scan engine for miTAR: what depends on one partner alone is computed once.

The convolutions over the window, the projections of the LSTMs' inputs, the forward LSTM
over the miRNA and the backward LSTM over the window do not depend on the other partner.
Only about 35 small LSTM steps are left for each pair; see `mitar_layout`.
"""

import dataclasses
import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, UInt8

from mirjax.models.layers import reverse_padded
from mirjax.models.mitar import Mitar
from mirjax.models.trained import TrainedModel
from mirjax.scanning.engines import mitar_parts as parts
from mirjax.scanning.engines.mitar_factors import make_factors
from mirjax.scanning.engines.mitar_layout import Steps, divide_steps, group_mirnas
from mirjax.scanning.engines.mitar_pairs import score_pairs
from mirjax.scanning.engines.plain import PlainEngine, probabilities, windows_of
from mirjax.scanning.threads import check_stop
from mirjax.sequences import alphabet
from mirjax.xla import compiler_options

_PAIRS = 1024  # computed at a time, so that they stay in a core's cache
_MIRNAS = 8  # of these pairs
_BUCKETS = (1024, 8192)  # letters that are projected at a time
_LETTERS = _BUCKETS[-1]
LONGEST_WINDOW = _LETTERS // 2  # letters
_PENDING = 8  # programs that are dispatched before their results are read


@dataclasses.dataclass(frozen=True, eq=False)
class MitarEngine:
    """The `Engine` of a `Mitar` classifier.

    Attributes:
      trained: a `Mitar`.
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
    def _plain(self) -> PlainEngine:
        return PlainEngine(self.trained, self.mirnas, self.temperature)

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
        scores = probabilities(np.concatenate(found, axis=1), self.temperature)
        # Unknown letters are not in the tables: the plain engine scores such windows.
        windows = windows_of(transcript, self.window_length)[starts]
        context = windows[:, : self._program.steps.context]
        unknown = np.flatnonzero((context == alphabet.PAD).any(axis=1))
        if len(unknown):
            distinct, same = np.unique(windows[unknown], axis=0, return_inverse=True)
            joined = np.arange(len(distinct)) * self.window_length
            plain = self._plain.score_windows(distinct.reshape(-1), joined)
            scores[:, unknown] = plain[:, same.reshape(-1)]
        return scores

    def score_pairs(
        self,
        transcript: UInt8[np.ndarray, " length"],
        mirnas: Int[np.ndarray, " pairs"],
        starts: Int[np.ndarray, " pairs"],
    ) -> Float[np.ndarray, " pairs"]:
        """Return the probability of chosen miRNAs at chosen windows; see `Engine`."""
        return self._plain.score_pairs(transcript, mirnas, starts)


class _Program:
    """The jitted functions of one model and some miRNAs, with their shared arrays."""

    def __init__(self, trained: TrainedModel[Mitar], mirnas: Sequence[str]):
        model = trained.model
        tokens = reverse_padded(
            jnp.asarray(alphabet.encode(mirnas, model.max_mirna_length))
        )
        groups = group_mirnas(model, np.asarray(tokens))
        self.steps = divide_steps(model, len(mirnas), len(groups))
        self._model, self._count = model, len(mirnas)
        block = min(_MIRNAS, 1 << (len(mirnas) - 1).bit_length())
        self._windows = _PAIRS // block
        self._weights = parts.make_weights(trained.params)
        arrays = [each.arrays for each in groups]
        make, self._score = _compiled(self.steps, model.max_mirna_length, block)
        self._factors = make(self._weights, tokens, arrays)

    def score(
        self,
        transcript: UInt8[np.ndarray, " length"],
        starts: Int[np.ndarray, " windows"],
    ) -> Iterator[Float[np.ndarray, "mirnas windows"]]:
        """Yield the logits of all miRNAs at the windows, some windows at a time."""
        size = self._model.max_target_length
        padded = np.pad(transcript, (0, _LETTERS))
        first = 0
        pending: list[tuple[int, Array]] = []
        while first < len(starts):
            check_stop()
            begin = starts[first]
            fitting = np.searchsorted(starts, begin + _LETTERS - size - 1, "right")
            chosen = starts[first : min(fitting, first + self._windows)] - begin
            used = chosen[-1] + size + 1
            letters = next(each for each in _BUCKETS if used <= each)
            tokens = padded[begin : begin + letters]
            filled = np.pad(chosen, (0, self._windows - len(chosen)))
            projected = _project(self._weights, tokens)
            logits = self._score(
                self._weights, self._factors, (projected, tokens, filled)
            )
            pending.append((len(chosen), logits))
            first += len(chosen)
            if len(pending) == _PENDING or first == len(starts):
                for count, each in pending:
                    yield np.asarray(each)[: self._count, :count]
                pending = []


@functools.lru_cache(maxsize=8)
def _compiled(
    steps: Steps, mirna_length: int, block: int
) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Return `make_factors` and `score_pairs`, jitted and shared by equal searches."""
    options = compiler_options()
    make = functools.partial(make_factors, steps, block)
    score = functools.partial(score_pairs, steps, mirna_length)
    return (
        jax.jit(make, compiler_options=options),
        jax.jit(score, compiler_options=options),
    )


@jax.jit
def _project(weights: parts.Weights, tokens: jax.Array) -> jax.Array:
    """Run `project_positions` as one program."""
    return parts.project_positions(weights, tokens)
