"""Which steps of miTAR's LSTMs depend on the miRNA, on the window, or on both.

The model reads a miRNA of m letters, 3'→5' and padded, and then the window. It
convolves w letters at a time and pools pairs of convolutions: step k of the LSTMs sees
letters 2k to 2k + w, both included. The kinds of steps, in their order:

  mirna      of the miRNA alone
  few        across the boundary, with few letters of the window: all combinations of
             these letters are tabulated once for each miRNA
  own        across the boundary, computed for each pair
  shared     across the boundary, with so few letters of the miRNA (most of it is
             padding) that many miRNAs agree in them: computed once for each group
  window     of the window alone
"""

import dataclasses
from collections.abc import Sequence

import numpy as np
from jaxtyping import Int, UInt8

from mirjax.models.mitar import Mitar
from mirjax.sequences.alphabet import LETTERS

POOL = 2
_FEW = (5, 3)  # letters of the window that are tabulated; 4 times as many miRNAs each
_MOST_TABLES = 1 << 18  # contexts of miRNAs, of 1 KB each


@dataclasses.dataclass(frozen=True)
class Steps:
    """The steps of the LSTMs by their dependence; see the module.

    Attributes:
      mirna, few, own, shared, window: the numbers of the steps of each kind.
      letters: number of window letters that each step `few` sees.
    """

    mirna: range
    few: range
    own: range
    shared: range
    window: range
    letters: tuple[int, ...]

    @property
    def context(self) -> int:
        """Letters of the window that all steps `few` together depend on."""
        return max(self.letters, default=0)


def divide_steps(model: Mitar, num_mirnas: int, num_shared: int) -> Steps:
    """Divide the steps of a model by their dependence.

    Args:
      model: its sizes.
      num_mirnas: of the search; the more there are, the fewer letters are tabulated.
      num_shared: steps across the boundary that are computed for groups of miRNAs.
    """
    most = _MOST_TABLES // num_mirnas
    few = next((n for n in _FEW if len(LETTERS) ** n <= most), _FEW[-1])
    length, width = model.max_mirna_length, model.conv_width
    end = (model.length - width + 1) // POOL
    boundary = max(0, (length - width + 1) // POOL)
    window = min(end, -(-length // POOL))
    own = boundary
    while own < window and _window_letters(model, own) <= few:
        own += 1
    shared = max(own, window - num_shared)
    return Steps(
        mirna=range(boundary),
        few=range(boundary, own),
        own=range(own, shared),
        shared=range(shared, window),
        window=range(window, end),
        letters=tuple(_window_letters(model, k) for k in range(boundary, own)),
    )


def _window_letters(model: Mitar, step: int) -> int:
    """Return how many letters of the window a step sees."""
    return POOL * step + POOL - 1 + model.conv_width - model.max_mirna_length


@dataclasses.dataclass(frozen=True, eq=False)
class Groups:
    """Groups of miRNAs that agree in all letters that a shared step sees.

    Attributes:
      members: a miRNA of each group, by its number.
      of_mirnas: the group of each miRNA.
      following: the group that each belongs to at the following step, which sees fewer
        letters.
    """

    members: Int[np.ndarray, " groups"]
    of_mirnas: Int[np.ndarray, " mirnas"]
    following: Int[np.ndarray, " groups"]

    @property
    def arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The attributes, to give to a jitted function."""
        return self.members, self.of_mirnas, self.following


def group_mirnas(
    model: Mitar, reversed_mirnas: UInt8[np.ndarray, "mirnas length"]
) -> Sequence[Groups]:
    """Group miRNAs by the letters that the last steps across the boundary see.

    Args:
      model: its sizes.
      reversed_mirnas: as the model reads them.

    Returns:
      The groups of each shared step, the first step first. A step is shared if it has
      at most half as many groups as there are miRNAs.
    """
    steps = divide_steps(model, len(reversed_mirnas), 0)
    found: list[Groups] = []
    following = np.zeros(len(reversed_mirnas), np.int64)  # at `window`: one group
    for step in reversed(steps.own):
        seen = reversed_mirnas[:, POOL * step :]
        _, members, of_mirnas = np.unique(
            seen, axis=0, return_index=True, return_inverse=True
        )
        if 2 * len(members) > len(reversed_mirnas):
            break
        found.insert(0, Groups(members, of_mirnas.reshape(-1), following[members]))
        following = of_mirnas.reshape(-1)
    return found
