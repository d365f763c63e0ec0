"""Predict the miRNAs that bind target sites, or the probabilities of given pairs.

    python -m mirjax.predict --model=W --targets=FASTA --db=FASTA --out=mirnas.tsv

decodes the miRNA of each site by a generator (seq2seq, Transformer) and names it with
BLAST. One tab-separated row per site, under a header, in the order of the targets:

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
window ends where the record ends. Or, by --segments=21,23,25, as in the published
package, segments of these lengths at every position; --accessible and --max_energy
leave out sites that are folded or bind weakly, and --by_transcript lists the miRNAs of
each transcript.

known means that a hit has at most the E-value --evalue: the decoded miRNA resembles a
known one, which does not mean that the site binds it. A trained model decodes miRNAs
like those of its training data even for random sites; compare log_prob, and see --top.
The hit may be partial or differ in some letters: evalue and bitscore say how similar
the miRNA is to mirna_id. A decoded miRNA that equals a database record is always known,
by the name of that record. Of equal records or hits, the first in the database counts.

    python -m mirjax.predict --model=W --pairs=TABLE --out=probabilities.tsv
    python -m mirjax.predict --model=W --mirnas=FASTA --targets=FASTA --out=p.tsv

gives the probability of each pair that the miRNA binds the target, by a classifier
(miTAR). One row per pair, in their order: mirna_name and gene if the pairs have them
(in FASTA the names of the records), mirna, target, probability. Probabilities are
calibrated if the model holds the temperature that its training fitted. For a model of
several networks, such as pretrained/duplex, the column spread is the standard deviation
of their probabilities.
"""

import dataclasses
import math

from absl import flags, logging

from mirjax import cli
from mirjax.blast.settings import NAMING, PUBLISHED, STRANDS, BlastSettings
from mirjax.datasets import catalogue
from mirjax.inference import site_flags
from mirjax.inference.options import PredictOptions
from mirjax.sequences import bad_records
from mirjax.sequences.bad_records import BadRecords

_FLAG_MODULES = ("mirjax.inference.site_flags", "mirjax.sequences.bad_records")
_OF_SITES = (
    "db",
    "decoder",
    "evalue",
    "strand",
    "published_blast",
    "stride",
    "beam_width",
    "num_threads",
    "min_log_prob",
    "top",
    *site_flags.OF_TRANSCRIPTS,
)


def define_flags(flag_values: flags.FlagValues) -> None:
    """Define the command's flags."""
    for name, purpose in (
        (
            "model",
            "trained model: a workdir of mirjax.train, its model.npz, a published .h5 "
            f"or .pt file, or a name ({catalogue.list_published()})",
        ),
        (
            "out",
            "table to write, compressed if its name ends in .gz; an earlier one is "
            "replaced. -: standard output",
        ),
    ):
        flags.DEFINE_string(name, None, purpose, flag_values, required=True)
    for name, purpose in (
        (
            "targets",
            "FASTA of target sites or transcripts, RNA or DNA, 5'→3'. -: standard "
            "input",
        ),
        (
            "pairs",
            "for a classifier: table of pairs, CSV or TSV, whose header names the "
            "columns mirna and target, both 5'→3'",
        ),
        (
            "mirnas",
            "for a classifier: FASTA of miRNAs, 5'→3'; the first is paired with the "
            "first record of --targets, and so on",
        ),
    ):
        flags.DEFINE_string(name, None, purpose, flag_values)
    flags.DEFINE_string(
        "db",
        catalogue.HUMAN,
        "miRNAs to name by: a FASTA file, or a dataset",
        flag_values,
    )
    flags.DEFINE_integer(
        "batch_size",
        PredictOptions().batch_size,
        "windows decoded, or pairs scored, at a time",
        flag_values=flag_values,
    )
    bad_records.define_flag(flag_values, f"OUT{bad_records.SUFFIX}")
    site_flags.define_flags(flag_values)
    for name in flag_values:  # in --help, though defined elsewhere
        if flag_values.find_module_defining_flag(name) in _FLAG_MODULES:
            flags.declare_key_flag(name, flag_values)
    _define_search_flags(flag_values)


def _define_search_flags(flag_values: flags.FlagValues) -> None:
    flags.DEFINE_float(
        "evalue",
        NAMING.evalue,
        "highest E-value of a hit that makes a miRNA known. By the default, 0.3% of "
        "random sequences of 22 nt are known among the human miRNAs of miRBase, and "
        "2.1% of shuffled human miRNAs; by 0.1, 6.9% and 17.3%",
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
    flags.DEFINE_integer(
        "num_threads",
        PredictOptions().num_threads,
        "parallel blastn processes",
        flag_values=flag_values,
    )


def blast_settings(flag_values: flags.FlagValues) -> BlastSettings:
    """BlastSettings from the flags."""
    settings, strand = NAMING, flag_values.strand
    if flag_values.published_blast:
        settings = PUBLISHED
        if flag_values["strand"].present and strand != settings.strand:
            raise ValueError("--published_blast searches both strands; drop --strand")
        strand = settings.strand
    return dataclasses.replace(settings, strand=strand, evalue=flag_values.evalue)


def main(flag_values: flags.FlagValues) -> None:
    """Run the command."""
    if flag_values.pairs is not None or flag_values.mirnas is not None:
        _check_pair_flags(flag_values)
        predict_pairs(flag_values)
    else:
        if flag_values.targets is None:
            raise ValueError(
                "--targets is missing: give --targets to decode miRNAs, or --pairs, or "
                "--mirnas and --targets, to score pairs"
            )
        predict_sites(flag_values)


def _check_pair_flags(flag_values: flags.FlagValues) -> None:
    """Raise a ValueError for flags that are not compatible or have no effect."""
    if flag_values.pairs is not None:
        for name in ("mirnas", "targets"):
            if flag_values[name].value is not None:
                raise ValueError(f"--{name} and --pairs both give pairs; drop one")
    elif flag_values.targets is None:
        raise ValueError("--mirnas needs --targets, with a target for each miRNA")
    for name in _OF_SITES:
        if flag_values[name].present:
            raise ValueError(f"--{name} is not for pairs, which are scored; drop it")


def predict_pairs(flag_values: flags.FlagValues) -> None:
    """Write the probability of each pair."""
    batch_size = PredictOptions(batch_size=flag_values.batch_size).batch_size

    from scipy import special

    from mirjax import xla
    from mirjax.inference import pairs as pair_input
    from mirjax.inference.classify import predict_member_logits, spread
    from mirjax.models.temperature import find_temperature
    from mirjax.output import check_writable, open_text_output
    from mirjax.pipes import check_streams
    from mirjax.reporting.prediction_table import write_pairs

    out, targets = flag_values.out, flag_values.targets
    given = [path for path in (flag_values.pairs, flag_values.mirnas, targets) if path]
    check_writable(out, *given, flag_values.model)
    check_streams(*given, flag_values.model)
    xla.use_compilation_cache()
    trained = pair_input.load_classifier(flag_values.model)
    bad = BadRecords.from_flag(flag_values)
    if flag_values.pairs:
        pairs = pair_input.read_table(flag_values.pairs, trained.model, bad)
    else:
        pairs = pair_input.read_fasta_pairs(
            flag_values.mirnas, targets, trained.model, bad
        )
    temperature = find_temperature(trained.metadata, flag_values.model)
    if temperature is None:
        logging.info(
            "%s holds no calibration: the probabilities are as the model gives them",
            flag_values.model,
        )
    else:
        logging.info("calibrated: logits are divided by %.4g", temperature)
    logits = predict_member_logits(trained, pairs, batch_size)
    temperature = temperature or 1.0
    probabilities = special.expit(logits.mean(axis=0) / temperature)
    with open_text_output(out) as file:
        write_pairs(file, pairs, probabilities, spread(logits, temperature))
    bad.write_beside(out)
    logging.info("%s: %d pairs", out, len(pairs))


def predict_sites(flag_values: flags.FlagValues) -> None:
    """Write the decoded miRNA of each site."""
    cut = flag_values.min_log_prob
    options = PredictOptions(
        decoder=flag_values.decoder,
        beam_width=flag_values.beam_width,
        stride=flag_values.stride,
        batch_size=flag_values.batch_size,
        settings=blast_settings(flag_values),
        num_threads=flag_values.num_threads,
        min_log_prob=-math.inf if cut is None else cut,
        top=flag_values.top,
        segments=site_flags.segment_sizes(flag_values),
        accessible=flag_values.accessible,
        max_energy=flag_values.max_energy,
    )

    # Imported here, so that --help and errors in flags are fast.
    from mirjax import xla
    from mirjax.blast import naming
    from mirjax.blast.programs import find_blast
    from mirjax.datasets import registry
    from mirjax.inference import folding, prediction
    from mirjax.output import check_distinct, check_writable, open_text_output
    from mirjax.pipes import check_streams
    from mirjax.reporting.prediction_table import write_sites
    from mirjax.reporting.transcript_table import TranscriptTable

    # ---- Check all inputs before the device is used. ----
    out, by_transcript = flag_values.out, flag_values.by_transcript
    inputs = (flag_values.targets, flag_values.db, flag_values.model)
    check_writable(out, *inputs)
    if by_transcript:
        check_writable(by_transcript, *inputs, flag="by_transcript")
        check_distinct(out, by_transcript)
    check_streams(*inputs)
    for name in ("accessible", "max_energy"):
        if flag_values[name].value not in (None, False):
            folding.load_viennarna(f"--{name}")
    bad = BadRecords.from_flag(flag_values)
    find_blast()
    xla.use_compilation_cache()
    trained = prediction.load_generator(flag_values.model)
    targets = prediction.read_targets(flag_values.targets, trained, bad)
    database = naming.load_database(registry.fasta_path(flag_values.db), bad)

    # ---- Decode and name the miRNAs, then write the table. ----
    predictions = prediction.predict(
        trained, targets, database, options, progress=cli.progress
    )
    transcripts = TranscriptTable()
    with open_text_output(out) as file:
        num_known, num_novel = write_sites(file, transcripts.gather(predictions))
    if by_transcript:
        with open_text_output(by_transcript) as file:
            transcripts.write(file)
    bad.write_beside(out)
    logging.info("%s: %d known, %d novel", out, num_known, num_novel)


if __name__ == "__main__":
    cli.run(main, define_flags)
