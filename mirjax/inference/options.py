"""Options of decoding; importing them loads neither JAX nor a model."""

import dataclasses

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

    Raises:
      ValueError: for a value out of range.
    """

    decoder: str = GREEDY
    beam_width: int = BEAM_WIDTH
    stride: int = 5
    batch_size: int = 512
    settings: BlastSettings = NAMING
    num_threads: int = 1

    def __post_init__(self) -> None:
        for name in ("batch_size", "num_threads", "beam_width"):
            if (value := getattr(self, name)) < 1:
                raise ValueError(f"--{name}={value} must be at least 1")
        if self.decoder not in DECODERS:
            raise ValueError(
                f"--decoder={self.decoder} is not one of {', '.join(DECODERS)}"
            )
