"""Settings of a blastn search: the published ones, the default, those for naming."""

import dataclasses
import math
from typing import Any

from mirjax.blast.karlin_altschul import Statistics, find_statistics

TASKS = ("megablast", "blastn", "blastn-short")
STRANDS = ("plus", "both")
PREFILTERS = ("auto", "words", "alignment", "none")

# Largest value of blastn's 32-bit numbers; low enough for scores of long alignments.
_RANGES = {
    "word_size": (4, 1000),
    "reward": (1, 1000),
    "penalty": (-1000, -1),
    "gapopen": (0, 1000),
    "gapextend": (0, 1000),
    "max_target_seqs": (1, 2**31 - 1),
}

# Defaults of each task in BLAST+.
_TASK_DEFAULTS: dict[str, dict[str, Any]] = {
    "megablast": {
        "word_size": 28,
        "reward": 1,
        "penalty": -2,
        "gapopen": 0,
        "gapextend": 0,
        "evalue": 10.0,
    },
    "blastn": {
        "word_size": 11,
        "reward": 2,
        "penalty": -3,
        "gapopen": 5,
        "gapextend": 2,
        "evalue": 10.0,
    },
    "blastn-short": {
        "word_size": 7,
        "reward": 1,
        "penalty": -3,
        "gapopen": 5,
        "gapextend": 2,
        "evalue": 10.0,
    },
}


@dataclasses.dataclass(frozen=True)
class BlastSettings:
    """Settings of a blastn search; each field is the blastn option of that name.

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
      dust: whether to mask low-complexity regions of a query, which then seed no
        alignment.

    Raises:
      ValueError: for a value out of range, or for scores or gap costs that blastn has
        no statistics for.
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
        for name, choices in (("task", TASKS), ("strand", STRANDS)):
            if (value := getattr(self, name)) not in choices:
                raise ValueError(f"--{name}={value} is not one of {', '.join(choices)}")
        for name, (low, high) in _RANGES.items():
            if not low <= (value := getattr(self, name)) <= high:
                raise ValueError(
                    f"--{name}={value} must be at least {low}"
                    if value < low
                    else f"--{name}={value} must be at most {high}"
                )
        if not 0 < self.evalue < math.inf:
            raise ValueError(f"--evalue={self.evalue} must be above 0 and finite")
        _ = self.statistics  # raises for scores or gap costs that blastn refuses

    @property
    def statistics(self) -> Statistics:
        """The Karlin-Altschul parameters of the scores and gap costs."""
        return find_statistics(
            self.reward,
            self.penalty,
            self.gapopen,
            self.gapextend,
            greedy=self.task == "megablast",
        )

    def arguments(self) -> list[str]:
        """Return the settings as blastn's command-line arguments."""
        values = dataclasses.asdict(self) | {"dust": "20 64 1" if self.dust else "no"}
        return [
            word for name, value in values.items() for word in (f"-{name}", f"{value}")
        ]


PUBLISHED = BlastSettings(strand="both")
"""The search of the published seq2seq code (Chakraborty & Hasija 2019).

That code sets word size, gap costs, E-value and strand. The other fields are the
defaults of blastn 2.12.
"""

DEFAULT = BlastSettings(strand="plus")
"""The published settings, on the plus strand only.

A decoded miRNA is a sense RNA. A minus-strand hit means that its reverse complement
resembles a database miRNA: the two could pair, but they are not the same miRNA.
"""

NAMING = BlastSettings(strand="plus", dust=False, evalue=0.02)
"""The settings that name decoded miRNAs: without masking, and at a lower E-value.

Of 4,000 random sequences of 22 nt 0.3% have a hit among the human miRNAs of miRBase 22,
and of 4,000 human miRNAs with their dinucleotides shuffled 2.1%; at an E-value of 0.1
it is 6.9% and 17.3%.

Masking low complexity prevents chance hits in long sequences. With it, 3 of the 2,656
human miRNAs of miRBase 22 do not find themselves.
"""


def settings_of_task(task: str | None, **given: Any) -> BlastSettings:
    """Return the settings of a task of BLAST+, with the given fields replaced.

    Args:
      task: a task, whose scores, gap costs, word size and E-value are those of BLAST+
        2.12; or None for the default settings.
      **given: fields that replace those of the task.

    Raises:
      ValueError: as `BlastSettings` does.
    """
    if task is None:
        return dataclasses.replace(DEFAULT, **given)
    if task not in _TASK_DEFAULTS:
        raise ValueError(f"--task={task} is not one of {', '.join(TASKS)}")
    of_task = _TASK_DEFAULTS[task] | given
    return dataclasses.replace(DEFAULT, task=task, **of_task)
