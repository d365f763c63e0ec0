"""Find the target sites of miRNAs in transcripts.

    python -m mirjax.scan --targets=FASTA --out=sites.tsv
    python -m mirjax.scan --model=W --mirnas=FASTA --targets=FASTA --out=sites.tsv

Every sequence is RNA or DNA, 5'→3'. The table is tab-separated, under a header, in the
order of the inputs: by transcript, then by miRNA, then by position. Positions are as in
BED: from 0, the end not included.

--mode=windows is the published protocol of miTAR: a classifier scores windows of the
length that it reads, one every --step nt, and one that ends where the transcript ends.
A transcript that is no longer than a window is one window. Columns:

  mirna      name of the miRNA
  target     name of the transcript
  start end  the window's position in it
  window     the window's number in its transcript, from 0
  score      probability that the miRNA binds the window, at least --threshold
  sites      how many windows of this transcript the miRNA passes, at least --min_sites

Probabilities are calibrated if the model holds the temperature that its training
fitted. Letters other than A, C, G, T and U in transcripts (N and the other IUPAC codes)
pair with nothing.
"""

from absl import flags, logging

from mirjax import cli
from mirjax.scanning.options import MODES, WINDOWS, WindowsOptions
from mirjax.sequences import bad_records
from mirjax.sequences.bad_records import BadRecords

_OF_WINDOWS = ("step", "threshold", "min_sites")


def define_flags(flag_values: flags.FlagValues) -> None:
    """Define the command's flags."""
    for name, default, purpose in (
        (
            "targets",
            None,
            "FASTA of transcripts, such as 3'UTRs, plain or gzipped. -: standard input",
        ),
        (
            "out",
            None,
            "table to write, compressed if its name ends in .gz; an earlier one is "
            "replaced. -: standard output",
        ),
        (
            "model",
            None,
            "classifier: a workdir of mirjax.train, its model.npz, or a published .h5 "
            "or .pt",
        ),
        (
            "mirnas",
            "mirbase/hsa",
            "miRNAs: a FASTA file, a dataset such as mirbase/mmu, or names in miRBase, "
            "such as hsa-miR-21-5p,hsa-let-7a-5p",
        ),
    ):
        flags.DEFINE_string(
            name, default, purpose, flag_values, required=default is None
        )
    flags.DEFINE_enum(
        "mode",
        WINDOWS,
        MODES,
        "windows: a classifier scores every window",
        flag_values,
    )
    _define_windows_flags(flag_values)
    bad_records.define_flag(flag_values, f"OUT{bad_records.SUFFIX}")


def _define_windows_flags(flag_values: flags.FlagValues) -> None:
    default = WindowsOptions()
    for name, purpose in (
        (
            "step",
            "--mode=windows: nt from the start of a window to that of the next, at "
            "most the window's length",
        ),
        (
            "min_sites",
            "--mode=windows: leave out miRNAs and transcripts with fewer sites",
        ),
    ):
        value = getattr(default, name)
        flags.DEFINE_integer(name, value, purpose, flag_values=flag_values)
    flags.DEFINE_float(
        "threshold",
        default.threshold,
        "--mode=windows: lowest probability of a site",
        flag_values=flag_values,
    )


def main(flag_values: flags.FlagValues) -> None:
    """Run the command."""
    options = WindowsOptions(**{name: flag_values[name].value for name in _OF_WINDOWS})

    # Imported here, so that --help and wrong flags are answered at once.
    from mirjax.evaluation.metrics.calibration import find_temperature
    from mirjax.inference.pairs import load_classifier
    from mirjax.inputs import check_streams
    from mirjax.output import check_writable, open_output
    from mirjax.scanning.engines.choice import make_engine
    from mirjax.scanning.mirnas import check_lengths, load_mirnas
    from mirjax.scanning.transcripts import open_transcripts
    from mirjax.scanning.windows_mode import WindowsScanner
    from mirjax.scanning.writing import write_table

    # ---- Everything wrong with the input is found before the device is used. ----
    out, source = flag_values.out, flag_values.mirnas
    check_writable(out, source, flag_values.targets)
    check_streams(source, flag_values.targets)
    bad = BadRecords.from_flag(flag_values)
    trained = load_classifier(flag_values.model)
    temperature = find_temperature(trained.metadata, flag_values.model) or 1.0
    mirnas = check_lengths(load_mirnas(source, bad), trained.model, bad, source)
    engine = make_engine(trained, mirnas, temperature)
    names = [mirna.name for mirna in mirnas]
    scanner = WindowsScanner(engine, names, options)

    # ---- Scan slice by slice, and write each as soon as it is done. ----
    with (
        open_transcripts(flag_values.targets, bad) as transcripts,
        open_output(out) as file,
    ):
        rows = write_table(file, scanner, transcripts, cli.progress)
    bad.write_beside(out)
    logging.info(
        "%s: %d sites of %d miRNAs in %d transcripts",
        out,
        rows,
        len(names),
        transcripts.num_records,
    )


if __name__ == "__main__":
    cli.run(main, define_flags)
