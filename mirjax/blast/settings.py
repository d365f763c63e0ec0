"""What blastn is told, and two presets: the published search and ours."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class BlastSettings:
    """What blastn is told; each field is an option of the same name.

    Attributes:
      task: "megablast" (greedy extension), "blastn" or "blastn-short".
      word_size: letters of the exact word that seeds an alignment, at least 4.
      reward: score of a match, above 0.
      penalty: score of a mismatch, below 0.
      gapopen: cost of opening a gap.
      gapextend: cost of each letter of a gap.
      strand: "plus", or "both" to search the query's reverse complement too.
      evalue: highest E-value reported.
      max_target_seqs: most database sequences reported for a query.
      dust: whether low-complexity stretches of a query seed no alignment.
    """

    task: str = "megablast"
    word_size: int = 7
    reward: int = 1
    penalty: int = -2
    gapopen: int = 5
    gapextend: int = 2
    strand: str = "plus"
    evalue: float = 0.1
    max_target_seqs: int = 500
    dust: bool = True

    def __post_init__(self) -> None:
        allowed = {
            "task": self.task in ("megablast", "blastn", "blastn-short"),
            "word_size": self.word_size >= 4,
            "reward": self.reward > 0,
            "penalty": self.penalty < 0,
            "gapopen": self.gapopen >= 0,
            "gapextend": self.gapextend >= 0,
            "strand": self.strand in ("plus", "both"),
            "evalue": self.evalue > 0,
            "max_target_seqs": self.max_target_seqs >= 1,
        }
        for name, is_allowed in allowed.items():
            if not is_allowed:
                raise ValueError(f"BLAST setting {name}={getattr(self, name)!r}")

    def arguments(self) -> list[str]:
        """Return the settings as blastn's command-line arguments."""
        values = dataclasses.asdict(self) | {"dust": "20 64 1" if self.dust else "no"}
        return [
            word for name, value in values.items() for word in (f"-{name}", f"{value}")
        ]


PUBLISHED = BlastSettings(strand="both")
"""What the published seq2seq code searches with (Chakraborty & Hasija 2019).

It names word size, gap costs, E-value and strand. Task, reward, penalty, most targets
and dust are those that blastn 2.12 then fills in, spelled out.
"""

DEFAULT = BlastSettings(strand="plus")
"""The published settings on the plus strand alone.

A decoded miRNA is a sense RNA. A minus-strand hit says that its reverse complement
resembles a database miRNA: the two could pair, which is not being the same miRNA.
"""
