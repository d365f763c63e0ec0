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
      segments: lengths of the segments that are decoded at every position, in nt; empty
        for windows.
      accessible: whether to leave out segments without an accessible stretch.
      max_energy: highest free energy of the duplex of a site and its decoded miRNA, in
        kcal/mol; None for any.

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
    segments: tuple[int, ...] = ()
    accessible: bool = False
    max_energy: float | None = None

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
        if len(set(self.segments)) < len(self.segments):
            raise ValueError(f"--segments={self.segments}: name each length once")
        if self.max_energy is not None and not math.isfinite(self.max_energy):
            raise ValueError(f"--max_energy={self.max_energy} must be finite")
        if self.decoder not in DECODERS:
            raise ValueError(
                f"--decoder={self.decoder} is not one of {', '.join(DECODERS)}"
            )
