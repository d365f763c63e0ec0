"""Options of an evaluation, and the names that its flags accept.

This module imports nothing heavy, so that flags and their help cost nothing.
"""

import dataclasses

from absl import flags

from mirjax.datasets.negative_kinds import KINDS, NO_NEGATIVES
from mirjax.evaluation.gene_flags import BENCHMARK as GENES
from mirjax.evaluation.gene_flags import EXPERIMENTS
from mirjax.inference.options import BEAM, BEAM_WIDTH, CONSTRAINED
from mirjax.pipes import check_streams
from mirjax.sequences.bad_records import BadRecords

PARTS = TRAIN, VALIDATION, TEST = ("train", "validation", "test")
WHOLE = "all"  # the part of a file that is not split: all its rows

# Benchmark → its default data, and the data that the baselines are then fitted on.
BENCHMARKS = {"mirbench": ("hejret2023/test", "hejret2023/train")}

OWN = "own"  # the dataset's own negatives
NEGATIVES = (*KINDS, NO_NEGATIVES, OWN)

# Ways to make a generator's predictions, besides greedy decoding.
RANKING, DATABASE, COMBINED = "ranking", "database", "combined"
DECODERS = (BEAM, CONSTRAINED, RANKING, DATABASE, COMBINED)

BETWEEN = ("drop", "positive", "negative")
DROP, POSITIVE = BETWEEN[:2]
DEFAULT_THRESHOLD = 0.5


def define_benchmark_flag(flag_values: flags.FlagValues) -> None:
    """Define the flag --benchmark, which gives --data a default."""
    flags.DEFINE_enum(
        "benchmark",
        None,
        [*BENCHMARKS, GENES],
        ", ".join(BENCHMARKS)
        + ": for a classifier; show published metrics of other predictors beside it, "
        "if the rows of --data (default: "
        + ", ".join(f"{data} for {name}" for name, (data, _) in BENCHMARKS.items())
        + f") are exactly those of a test set that has any. {GENES}: "
        "measure predicted log2 fold changes of genes; --data is then "
        f"{' or '.join(EXPERIMENTS)}, or a table with the columns gene and log2fc.",
        flag_values,
    )
    flags.register_multi_flags_validator(
        ["data", "benchmark"],
        lambda given: given["data"] is not None or given["benchmark"] is not None,
        message="--data is missing: name a dataset or a file",
        flag_values=flag_values,
    )


def benchmark_data(benchmark: str | None, data: str | None) -> tuple[str, str]:
    """Return --data, and the data that the baselines are fitted on by default.

    Args:
      benchmark: the flag --benchmark.
      data: the flag --data.

    Returns:
      Both of the benchmark unless `data` is given; then `data`, and the empty string.
    """
    return (data, "") if data is not None else BENCHMARKS[benchmark or ""]


@dataclasses.dataclass(frozen=True)
class RowOptions:
    """Rows to evaluate on, and rows to fit the baselines on.

    Attributes:
      data: a dataset's name, or a file.
      part: one of `PARTS`, for a dataset. By default the test rows, or the validation
        rows of a dataset without test rows.
      data_format: one of `formats.FORMATS`, for a file; by default it is detected.
      train_data: dataset whose training rows the baselines are fitted on. By default
        `data`, or for data without training rows the training data of the model. If
        these are unknown, baselines that need training rows are left out.
      sample: number of rows to evaluate on, drawn at random; 0 for all.
      seed: of the random sample.
      negatives: one of `NEGATIVES`, for a dataset and a classifier. By default as for
        the model's training, if that was on the same dataset, otherwise `OWN`.
      bad_records: what to do with rows that cannot be read or do not suit the model.
      database: FASTA file or dataset of named miRNAs, for a generator. By default
        human miRNAs, or for simulated data the simulated ones.
    """

    data: str
    part: str = ""
    data_format: str = ""
    train_data: str = ""
    sample: int = 0
    seed: int = 0
    negatives: str = ""
    database: str = ""
    bad_records: BadRecords = dataclasses.field(
        default_factory=BadRecords, compare=False
    )

    @classmethod
    def from_flags(cls, flag_values: flags.FlagValues) -> "RowOptions":
        """Return the options that the flags name."""
        data, train = benchmark_data(flag_values.benchmark, flag_values.data)
        return cls(
            data=data,
            part=flag_values.split or "",
            data_format=flag_values.data_format or "",
            train_data=flag_values.train_data or train,
            sample=flag_values.rows,
            seed=flag_values.seed,
            negatives=flag_values.negatives or "",
            database=flag_values.db or "",
            bad_records=BadRecords.from_flag(flag_values),
        )

    def __post_init__(self) -> None:
        check_streams(self.data, self.train_data, self.database)
        if self.sample < 0:
            raise ValueError(f"--rows={self.sample}: give 0 for all rows, or a number")
        if self.seed < 0:
            raise ValueError(f"--seed={self.seed} must be at least 0")


@dataclasses.dataclass(frozen=True)
class ThresholdRule:
    """Rule that classifies a pair by its probability.

    Attributes:
      threshold: pairs of a higher probability are predicted positive, the others
        negative.
      below: if given, the published three-way rule is also measured: pairs with a lower
        probability are predicted negative, those above `threshold` positive.
      between: one of `BETWEEN`, for the pairs from `below` to `threshold`: `DROP`
        leaves them out, as published; the others predict them positive or negative.
    """

    threshold: float = DEFAULT_THRESHOLD
    below: float | None = None
    between: str = DROP

    @classmethod
    def from_flags(cls, flag_values: flags.FlagValues) -> "ThresholdRule":
        """Return the rule that the flags name."""
        return cls(flag_values.threshold, flag_values.below, flag_values.between)

    def __post_init__(self) -> None:
        if self.between not in BETWEEN:
            raise ValueError(
                f"--between={self.between} is not one of {', '.join(BETWEEN)}"
            )
        if self.below is not None and self.below > self.threshold:
            raise ValueError(
                f"--below={self.below} is more than --threshold={self.threshold}, so "
                "that pairs between them would be both positive and negative; lower "
                "the one or raise the other"
            )


@dataclasses.dataclass(frozen=True)
class ClassifierOptions:
    """Options of the evaluation of a classifier.

    Attributes:
      rule: how a pair is classified.
      temperature: the model's logits are divided by it.
      benchmark: one of `BENCHMARKS`, whose published metrics are shown beside the
        model; None for none.
    """

    rule: ThresholdRule = ThresholdRule()
    temperature: float = 1.0
    benchmark: str | None = None


@dataclasses.dataclass(frozen=True)
class GeneratorOptions:
    """Options of the evaluation of a generator.

    Attributes:
      decoders: those of `DECODERS` to measure besides greedy decoding.
      beam_width: prefixes that a beam keeps.
      with_blast: whether to search the predictions in the database by BLAST.
      l2: factor of the L2 penalty in the model's training loss.
    """

    decoders: tuple[str, ...] = DECODERS
    beam_width: int = BEAM_WIDTH
    with_blast: bool = True
    l2: float = 0.0

    @classmethod
    def from_flags(cls, flag_values: flags.FlagValues) -> "GeneratorOptions":
        """Return the options that the flags name."""
        return cls(
            decoders=tuple(flag_values.decoders),
            beam_width=flag_values.beam_width,
            with_blast=flag_values.blast,
        )

    def __post_init__(self) -> None:
        unknown = sorted(set(self.decoders) - set(DECODERS))
        if unknown:
            raise ValueError(
                f"--decoders: {unknown[0]!r} is not one of {', '.join(DECODERS)}"
            )
