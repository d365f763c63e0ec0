r"""Flags of the evaluation on genes; this module imports nothing heavy.

    python -m mirjax.evaluate --benchmark=transfection --model=pretrained/repression \
        --data=transfection/hela --utrs=utr3.fa.gz --out=FOLDER

measures predicted log2 fold changes of genes after transfection of miRNAs; --data=FILE
--mirna=NAME evaluates on one's own table.
"""

import dataclasses

from absl import flags

BENCHMARK = "transfection"
EXPERIMENTS = ("transfection/hela", "transfection/hek293ft")

_FLAGS = ("utrs", "mirna", "passenger")


def define_gene_flags(flag_values: flags.FlagValues) -> None:
    """Define the flags that --benchmark=transfection takes."""
    flags.DEFINE_list(
        "utrs",
        [],
        "With --benchmark=transfection: FASTA files of 3'UTRs, named by the genes, the "
        "transcripts or the symbols of the table. Of two isoforms that begin alike, "
        "that of the earlier file is used.",
        flag_values,
    )
    flags.DEFINE_string(
        "mirna",
        None,
        "With --benchmark=transfection and a table of one's own: the miRNA that was "
        "transfected, by its name in mirbase/hsa or by its sequence.",
        flag_values,
    )
    flags.DEFINE_boolean(
        "passenger",
        True,
        "With --benchmark=transfection: count the sites of the passenger strand too, "
        "as if it was fully complementary and loaded. Leave them out where the mimic's "
        "passenger strand is blocked.",
        flag_values,
    )


@dataclasses.dataclass(frozen=True)
class GeneOptions:
    """Options of an evaluation on genes.

    Attributes:
      model: a repression model, or a classifier.
      data: one of `EXPERIMENTS`, or a table of one's own.
      utrs: FASTA files of 3'UTRs.
      mirna: the transfected miRNA, for a table of one's own.
      passenger: whether to count the sites of the passenger strand.
      out: folder for the results.
    """

    model: str
    data: str
    utrs: tuple[str, ...]
    mirna: str = ""
    passenger: bool = True
    out: str = ""

    def __post_init__(self) -> None:
        if not self.utrs:
            raise ValueError(
                f"--benchmark={BENCHMARK} needs 3'UTRs: name FASTA files by --utrs=FILE"
            )
        if self.data in EXPERIMENTS and self.mirna:
            raise ValueError(
                f"--mirna={self.mirna} is for a table of one's own; {self.data} names "
                "its miRNAs"
            )
        if self.data not in EXPERIMENTS and not self.mirna:
            raise ValueError(
                f"--data={self.data} is a table of one's own: name the miRNA that was "
                "transfected by --mirna=NAME"
            )


def gene_options(flag_values: flags.FlagValues) -> GeneOptions:
    """Return the options that the flags name.

    Raises:
      ValueError: if one is missing, or does not apply to the data.
    """
    if not flag_values.out:
        raise ValueError(
            f"--benchmark={BENCHMARK}: name the folder for the results by --out=FOLDER"
        )
    return GeneOptions(
        model=flag_values.model,
        data=flag_values.data,
        utrs=tuple(flag_values.utrs),
        mirna=flag_values.mirna or "",
        passenger=flag_values.passenger,
        out=flag_values.out,
    )


def check_unused(flag_values: flags.FlagValues) -> None:
    """Raise a ValueError for flags that only an evaluation on genes takes."""
    for name in _FLAGS:
        if flag_values[name].present:
            raise ValueError(
                f"--{name} is for --benchmark={BENCHMARK}; add it or leave --{name} out"
            )
