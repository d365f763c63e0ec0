"""The 3'UTRs and miRNAs from which the pairs of a teacher's pool are drawn."""

import dataclasses
from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from mirjax.datasets import registry
from mirjax.sequences.pairing import SEED
from mirjax.sequences.records import Pairs

WINDOW = 50  # nt
LONGEST_MIRNA = 28  # nt; longer ones are left out of the pool


@dataclasses.dataclass(frozen=True)
class PoolOptions:
    """The section `pool` of a config: the teacher, and the pairs that it labels."""

    teacher: str = ""  # models joined by "+", whose logits are averaged; "": no pool
    transcripts: str = ""  # FASTA file of 3'UTRs
    mirnas: str = "mirbase/hsa"  # FASTA file or dataset
    observed_mirnas: float = 0.5  # fraction of miRNAs that are drawn from the positives
    random: int = 0  # pairs of each kind
    seeds: int = 0
    duplexes: int = 0
    candidates: int = 16  # windows from which the best duplex is chosen
    sites: int = 0
    label_fraction: float = 0.0  # of the teacher's probability in labels of other rows
    temperature: float = 1.0  # the teacher's logits are divided by it
    weight: float = 1.0  # of a pair in the loss; a labelled row has 1
    per_epoch: float = 1.0  # fraction of the pool that an epoch visits
    hard_negatives: int = 0  # labelled 0
    hard_candidates: int = 10  # for each of them
    hard_shuffled: float = 0.5  # fraction of the candidates that are shuffled
    hard_windows: int = 1  # from which each candidate is the best duplex
    hard_weight: float = 0.5  # of each in the loss
    seed: int = 0


class Drawing(NamedTuple):
    """The transcripts and miRNAs that pairs are drawn from.

    Attributes:
      transcripts: of at least `WINDOW` letters, RNA.
      shares: cumulative fraction of windows, by transcript.
      mirnas: distinct ones.
      observed: miRNAs of the training positives, with repeats.
      observed_fraction: of the miRNAs that are drawn from `observed`.
      rng: source of random numbers.
    """

    transcripts: Sequence[str]
    shares: Float[np.ndarray, " transcripts"]
    mirnas: Sequence[str]
    observed: Sequence[str]
    observed_fraction: float
    rng: np.random.Generator

    def mirna(self) -> str:
        """Draw a miRNA."""
        if self.observed and self.rng.random() < self.observed_fraction:
            return self.observed[int(self.rng.integers(len(self.observed)))]
        return self.mirnas[int(self.rng.integers(len(self.mirnas)))]

    def transcript(self) -> str:
        """Draw a transcript, in proportion to its windows."""
        row = int(np.searchsorted(self.shares, self.rng.random(), side="right"))
        return self.transcripts[min(row, len(self.transcripts) - 1)]

    def window(self) -> str:
        """Draw a window, all of them equally likely."""
        transcript = self.transcript()
        start = self.rng.integers(len(transcript) - WINDOW + 1)
        return transcript[start : start + WINDOW]


def make_drawing(
    options: PoolOptions,
    positives: Pairs,
    stream: int,
    left_out: Collection[str] = (),
) -> Drawing:
    """Load the transcripts and miRNAs that pairs are drawn from.

    Args:
      options: names the files.
      positives: whose miRNAs are observed.
      stream: number of the stream of random numbers.
      left_out: seeds, letters 2 to 8, of miRNA families that are not drawn.

    Raises:
      ValueError: if a file cannot be read, or holds no window or no miRNA.
    """
    flag = "config.pool.transcripts"
    records = registry.load_fasta(options.transcripts, flag=flag)
    transcripts = [record.sequence for record in records]
    transcripts = [x for x in transcripts if len(x) >= WINDOW]
    if not transcripts:
        raise ValueError(
            f"{flag}={options.transcripts}: no sequence has {WINDOW} nt; name a FASTA "
            "file of 3'UTRs"
        )
    windows = np.array([len(x) - WINDOW + 1 for x in transcripts], np.float64)
    known = registry.load_fasta(options.mirnas, flag="config.pool.mirnas")
    mirnas = sorted({record.sequence for record in known})
    mirnas = [
        mirna
        for mirna in mirnas
        if SEED.stop <= len(mirna) <= LONGEST_MIRNA and mirna[SEED] not in left_out
    ]
    if not mirnas:
        raise ValueError(
            f"config.pool.mirnas={options.mirnas}: no miRNA of {SEED.stop} to "
            f"{LONGEST_MIRNA} nt"
        )
    return Drawing(
        transcripts,
        np.cumsum(windows) / windows.sum(),
        mirnas,
        list(positives.mirnas),
        options.observed_mirnas,
        np.random.default_rng([options.seed, stream]),
    )
