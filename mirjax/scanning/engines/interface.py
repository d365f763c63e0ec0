"""The interface of a classifier in a scan."""

from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int, UInt8


@runtime_checkable
class Engine(Protocol):
    """A classifier with the miRNAs of one search, whose shared work is done once.

    Probabilities equal those of the plain model on the same windows to 1e-5. A window
    shorter than the model's input is padded on the right.
    """

    @property
    def window_length(self) -> int:
        """Letters of the longest target that the model reads."""

    def score_windows(
        self,
        transcript: UInt8[np.ndarray, " length"],
        starts: Int[np.ndarray, " windows"],
    ) -> Float[np.ndarray, "mirnas windows"]:
        """Return the probability of every miRNA at every window of one transcript.

        Args:
          transcript: tokens, 5'→3'; PAD for an unknown letter.
          starts: of the windows, ascending; a window ends after `window_length`
            letters, or at the transcript's end.
        """

    def score_pairs(
        self,
        transcript: UInt8[np.ndarray, " length"],
        mirnas: Int[np.ndarray, " pairs"],
        starts: Int[np.ndarray, " pairs"],
    ) -> Float[np.ndarray, " pairs"]:
        """Return the probability of chosen miRNAs at chosen windows of one transcript.

        Args:
          transcript: as for `score_windows`.
          mirnas: the number of each pair's miRNA.
          starts: of each pair's window.
        """
