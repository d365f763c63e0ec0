"""Predict the miRNAs that bind target sites, and name them with BLAST.

    python -m mirjax.predict --model=W --targets=FASTA --db=FASTA --out=mirnas.tsv

Writes one tab-separated row per site, under a header, in the order of the targets:

  target     name of the record in --targets
  start end  the site's position in it, as in BED: from 0, the end not included
  mirna_seq  the decoded miRNA, 5'→3', or . if the model predicts none
  log_prob   natural logarithm of P(miRNA | site) under the model
  mirna_id   name of its best BLAST hit in --db, or .
  evalue     expected number of hits this good by chance, or .
  bitscore   the hit's score in bits, or .
  status     known if there is a mirna_id, else novel

A record that the model can read as a whole (for most models: of at most 29 nt) is one
site. A longer one is covered by windows of that length, one every --stride nt; the last
window ends where the record ends.

known means that a hit has at most the E-value --evalue. The hit may be partial or
differ in some letters: evalue and bitscore say how similar the miRNA is to mirna_id. A
decoded miRNA that equals a database record is always known, by the name of that record.
Of equal records or hits, the first in the database counts.
"""

import dataclasses
from collections.abc import Iterable
from typing import TYPE_CHECKING, TextIO

from absl import flags, logging

from mirjax import cli
from mirjax.blast.settings import NAMING, PUBLISHED, STRANDS, BlastSettings
from mirjax.inference.options import DECODERS, PredictOptions
from mirjax.sequences import bad_records
from mirjax.sequences.bad_records import BadRecords

if TYPE_CHECKING:
    from mirjax.inference.prediction import Prediction

COLUMNS = (
    "target",
    "start",
    "end",
    "mirna_seq",
    "log_prob",
    "mirna_id",
    "evalue",
    "bitscore",
    "status",
)
NONE = "."


def define_flags(flag_values: flags.FlagValues) -> None:
    """Define the command's flags."""
    required = {
        "model": "trained model: a workdir of mirjax.train, its model.npz, or a .h5",
        "targets": "FASTA of target sites or transcripts, RNA or DNA, 5'→3'. -: "
        "standard input",
        "db": "miRNAs to name by: a FASTA file, or a dataset such as mirbase/hsa",
        "out": "table to write, compressed if its name ends in .gz; an earlier one is "
        "replaced. -: standard output",
    }
    for name, purpose in required.items():
        flags.DEFINE_string(name, None, purpose, flag_values, required=True)
    bad_records.define_flag(flag_values, f"OUT{bad_records.SUFFIX}")
    default = PredictOptions()
    flags.DEFINE_enum(
        "decoder",
        default.decoder,
        DECODERS,
        "greedy: the most probable letter at every step; beam: the most probable miRNA "
        "that a beam search finds; constrained: the same, among those in --db only",
        flag_values,
    )
    flags.DEFINE_float(
        "evalue",
        NAMING.evalue,
        "highest E-value of a hit that makes a miRNA known",
        flag_values=flag_values,
    )
    flags.DEFINE_enum(
        "strand",
        NAMING.strand,
        STRANDS,
        "strands of a decoded miRNA to search. It is a sense RNA: a hit of its reverse "
        "complement is an RNA that could pair with it, not the same miRNA",
        flag_values,
    )
    flags.DEFINE_bool(
        "published_blast",
        False,
        "search as Chakraborty & Hasija 2019: both strands, low complexity masked",
        flag_values,
    )
    for name, purpose in (
        (
            "stride",
            "nt from one window of a long record to the next. With windows of 29 nt, "
            "every site of up to 30 - stride nt lies in one window",
        ),
        ("beam_width", "prefixes that a beam keeps"),
        ("batch_size", "windows decoded at a time"),
        ("num_threads", "parallel blastn processes"),
    ):
        value = getattr(default, name)
        flags.DEFINE_integer(name, value, purpose, flag_values=flag_values)


def blast_settings(flag_values: flags.FlagValues) -> BlastSettings:
    """BlastSettings from the flags."""
    settings, strand = NAMING, flag_values.strand
    if flag_values.published_blast:
        settings = PUBLISHED
        if flag_values["strand"].present and strand != settings.strand:
            raise ValueError("--published_blast searches both strands; drop --strand")
        strand = settings.strand
    return dataclasses.replace(settings, strand=strand, evalue=flag_values.evalue)


def write_table(file: TextIO, predictions: Iterable["Prediction"]) -> tuple[int, int]:
    """Write predictions as a tab-separated table.

    Args:
      file: file to write to.
      predictions: one per row.

    Returns:
      The numbers of known and of novel miRNAs.
    """
    num_known = num_novel = 0
    print(*COLUMNS, sep="\t", file=file)
    for row in predictions:
        mirna_id = evalue = bitscore = NONE
        if row.name is not None:
            mirna_id = row.name.mirna_id
            if row.name.evalue is not None:
                evalue, bitscore = f"{row.name.evalue:.3g}", f"{row.name.bitscore:.1f}"
        is_known = row.name is not None
        num_known += is_known
        num_novel += not is_known
        print(
            row.target,
            row.start,
            row.end,
            row.mirna or NONE,
            f"{row.log_prob:.4f}",
            mirna_id,
            evalue,
            bitscore,
            "known" if is_known else "novel",
            sep="\t",
            file=file,
        )
    return num_known, num_novel


def main(flag_values: flags.FlagValues) -> None:
    """Run the command."""
    options = PredictOptions(
        decoder=flag_values.decoder,
        beam_width=flag_values.beam_width,
        stride=flag_values.stride,
        batch_size=flag_values.batch_size,
        settings=blast_settings(flag_values),
        num_threads=flag_values.num_threads,
    )

    # Imported here, so that --help and wrong flags are answered at once.
    from mirjax.blast import naming
    from mirjax.blast.programs import find_blast
    from mirjax.datasets import registry
    from mirjax.inference import prediction
    from mirjax.inputs import check_streams
    from mirjax.output import check_writable, open_text_output

    # ---- Everything wrong with the input is found before the device is used. ----
    out = flag_values.out
    check_writable(out, flag_values.targets, flag_values.db)
    check_streams(flag_values.targets, flag_values.db)
    bad = BadRecords.from_flag(flag_values)
    find_blast()
    trained = prediction.load_generator(flag_values.model)
    targets = prediction.read_targets(flag_values.targets, trained, bad)
    database = naming.load_database(registry.fasta_path(flag_values.db), bad)

    # ---- Decode and name the miRNAs, then write the table. ----
    predictions = prediction.predict(
        trained, targets, database, options, progress=cli.progress
    )
    with open_text_output(out) as file:
        num_known, num_novel = write_table(file, predictions)
    bad.write_beside(out)
    logging.info("%s: %d known, %d novel", out, num_known, num_novel)


if __name__ == "__main__":
    cli.run(main, define_flags)
