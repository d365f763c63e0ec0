"""Which steps of miTAR's LSTMs depend on the miRNA, on the window, or on both.

The model reads a miRNA of m letters, 3'→5' and padded, and then the window. It
convolves w letters at a time and pools pairs of convolutions: step k of the LSTMs sees
letters 2k to 2k + w, the last included. So steps are, in turn,

  mirna      of the miRNA alone
  few        across the boundary, with at most `FEW` letters of the window: all that
             these can be is tabulated once for each miRNA
  own        across the boundary, computed for each pair
  shared     across the boundary, with so few letters of the miRNA that many miRNAs
             agree in them (most of it is padding): computed once for each such group
  window     of the window alone
"""

import dataclasses
from collections.abc import Sequence

import numpy as np
from jaxtyping import Int, UInt8

from mirjax.models.mitar import NUM_CODES, Mitar

FEW = 3  # letters
POOL = 2


@dataclasses.dataclass(frozen=True)
class Steps:
    """The steps of the LSTMs by what they depend on; see the module.

    Attributes:
      mirna, few, own, shared, window: the numbers of the steps of each kind.
      context: letters of the window that the steps `few` depend on.
    """

    mirna: range
    few: range
    own: range
    shared: range
    window: range
    context: int

    @property
    def num_contexts(self) -> int:
        """What these letters can be, padding included."""
        return NUM_CODES**self.context


def divide_steps(model: Mitar, num_shared: int) -> Steps:
    """Divide the steps of a model by what they depend on.

    Args:
      model: its sizes.
      num_shared: steps across the boundary that are computed for groups of miRNAs.
    """
    length, width = model.max_mirna_length, model.conv_width
    end = (model.length - width + 1) // POOL
    boundary = max(0, (length - width + 1) // POOL)
    window = min(end, -(-length // POOL))
    own = boundary
    while own < window and _window_letters(model, own) <= FEW:
        own += 1
    shared = max(own, window - num_shared)
    context = _window_letters(model, own - 1) if own > boundary else 0
    return Steps(
        mirna=range(boundary),
        few=range(boundary, own),
        own=range(own, shared),
        shared=range(shared, window),
        window=range(window, end),
        context=context,
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
    """Group miRNAs by what the last steps across the boundary see of them.

    Args:
      model: its sizes.
      reversed_mirnas: as the model reads them.

    Returns:
      The groups of each shared step, the first step first. A step is shared if it has
      at most half as many groups as there are miRNAs.
    """
    steps = divide_steps(model, 0)
    found: list[Groups] = []
    following = np.zeros(len(reversed_mirnas), np.int64)  # at the window's steps: one
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
