"""Options of decoding; importing them loads neither JAX nor a model."""

import dataclasses
import math

from mirjax.blast.settings import NAMING, BlastSettings

GREEDY, BEAM, CONSTRAINED = DECODERS = ("greedy", "beam", "constrained")
BEAM_WIDTH = 8


@dataclasses.dataclass(frozen=True)
class PredictOptions:
    """Options of the prediction of miRNAs for target sites.

    Attributes:
      decoder: one of `DECODERS`; "constrained" decodes miRNAs of the database only.
      beam_width: prefixes that a beam keeps.
      stride: nt from one window of a long record to the next. Two thirds of the
        published sites have at most 25 nt; with a stride of 5 and windows of 29 nt,
        each of these lies in one window.
      batch_size: windows decoded at a time.
      settings: settings of the BLAST search that names the miRNAs.
      num_threads: parallel blastn processes.
      min_log_prob: sites whose miRNA has a lower log P(miRNA | site) are left out.
      top: number of sites to return, those of the highest log P, best first; 0: all, in
        the order of the targets.

    Raises:
      ValueError: for a value out of range.
    """

    decoder: str = GREEDY
    beam_width: int = BEAM_WIDTH
    stride: int = 5
    batch_size: int = 512
    settings: BlastSettings = NAMING
    num_threads: int = 1
    min_log_prob: float = -math.inf
    top: int = 0

    def __post_init__(self) -> None:
        for name in ("batch_size", "num_threads", "beam_width"):
            if (value := getattr(self, name)) < 1:
                raise ValueError(f"--{name}={value} must be at least 1")
        if self.top < 0:
            raise ValueError(f"--top={self.top}: give 0 for all sites, or a number")
        if not self.min_log_prob <= 0:
            raise ValueError(
                f"--min_log_prob={self.min_log_prob} must be at most 0, the logarithm "
                "of a probability of 1"
            )
        if self.decoder not in DECODERS:
            raise ValueError(
                f"--decoder={self.decoder} is not one of {', '.join(DECODERS)}"
            )
