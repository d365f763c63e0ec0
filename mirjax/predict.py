"""Predict the miRNAs that bind target sites, and name them with BLAST.

    python -m mirjax.predict --model=W --targets=FASTA --db=FASTA --out=mirnas.tsv

Writes one tab-separated row a site, under a header, in the order of the targets:

  target     name of the record in --targets
  start end  the site's place in it, as in BED: from 0, the end not included
  mirna_seq  the decoded miRNA, 5'→3', or . if the model's answer is empty
  log_prob   natural logarithm of P(miRNA | site) under the model
  mirna_id   name of its best BLAST hit in --db, or .
  evalue     expected number of hits this good by chance, or .
  bitscore   the hit's score in bits, or .
  status     known if there is a mirna_id, else novel

A record that the model can read whole (most often: of at most 29 nt) is one site. A
longer one is covered by windows of that length, one every --stride nt, the last flush
with its end.

known means that some hit is at least as good as --evalue. It may be partial or differ
in some letters: evalue and bitscore say how like mirna_id the miRNA is. A decoded miRNA
that is in the database letter by letter is always known, and by its own name. Of equal
records or hits the first in the database counts.
"""

import contextlib
import dataclasses
import os
import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

from absl import flags, logging
from rich import console as rich_console
from rich import progress as rich_progress

from mirjax import cli
from mirjax.blast import blastn as blast
from mirjax.blast import naming
from mirjax.files import atomic_write, check_writable
from mirjax.inference import decoder_names, decoders, sites
from mirjax.models import loading
from mirjax.models.interfaces import Generator
from mirjax.sequences import fasta
from mirjax.sequences.records import SequenceRecord
from mirjax.sequences.windows import count_windows, sliding_windows

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
BATCH_SIZE = 512
# Of the published sites, two in three have at most 25 nt; with windows of 29 nt each of
# these lies whole in one.
STRIDE = 5

_LOG_EVERY_SECONDS = 10


def predict(
    model_path: str | os.PathLike[str],
    targets_path: str | os.PathLike[str],
    database_name: str,
    out: str | os.PathLike[str],
    *,
    settings: blast.BlastSettings = naming.SETTINGS,
    decoder: str = decoder_names.GREEDY,
    beam_width: int = decoder_names.DEFAULT_WIDTH,
    stride: int = STRIDE,
    batch_size: int = BATCH_SIZE,
    num_threads: int = 1,
) -> None:
    """Decode and name the miRNAs of a FASTA file's records; write the table.

    Args:
      model_path: a workdir, an exported model or a published `.h5`.
      targets_path: FASTA of target sites or transcripts, 5'→3'.
      database_name: FASTA of miRNAs, or a FASTA dataset of the registry.
      out: the table; an earlier one is replaced.
      settings: what blastn is told.
      decoder: one of `decoder_names.NAMES`; "constrained" predicts miRNAs of the
        database only.
      beam_width: prefixes that a beam keeps.
      stride: from one window of a long record to the next, nt.
      batch_size: windows decoded at a time.
      num_threads: blastn processes at a time.

    Raises:
      ValueError: for a bad argument or file, before the device is touched.
      blast.BlastError: if BLAST+ is missing or too old, likewise before; if it fails
        or takes too long.
      OSError: if the table cannot be written after all.
    """
    out = pathlib.Path(out)
    for name, value in (
        ("batch_size", batch_size),
        ("num_threads", num_threads),
        ("beam_width", beam_width),
    ):
        if value < 1:
            raise ValueError(f"--{name}={value} must be at least 1")
    check_writable(out, targets_path, database_name)
    blast.find_blast()
    model, params = _load_generator(model_path)
    size = model.max_target_length
    if not 1 <= stride <= size:
        raise ValueError(
            f"--stride={stride} must be from 1 to {size}, the most letters the model "
            "reads at once; a longer one would leave letters out"
        )
    targets = _read_targets(targets_path, model.min_target_length)
    database = naming.load_database(database_name)

    lengths = [len(target.sequence) for target in targets]
    num_sites = count_windows(lengths, size, stride)
    logging.info("%s: %d records, %d sites", targets_path, len(targets), num_sites)
    answer = decoders.make_decoder(
        decoder,
        model,
        params,
        allowed=[record.sequence for record in database.mirnas],
        width=beam_width,
        batch_size=batch_size,
    )
    with _progress(num_sites) as report:
        decoded = sites.decode_windows(
            answer, size, targets, stride, batch_size, report
        )
    logging.info("searching %d different miRNAs", len(decoded.mirnas))
    names = naming.name_sequences(
        decoded.mirnas, database, settings, num_threads=num_threads
    )
    num_known = 0
    with (
        atomic_write(out) as unfinished,
        unfinished.open("w", encoding="utf-8") as file,
    ):
        print(*COLUMNS, sep="\t", file=file)
        windows = sliding_windows(lengths, size, stride)
        for window, choice, log_prob in zip(
            windows, decoded.choices, decoded.log_probs, strict=True
        ):
            target = targets[window.record].name
            row = (target, window.start, window.end, decoded.mirnas[choice] or NONE)
            fields = _name_fields(names[choice])
            print(*row, f"{log_prob:.4f}", *fields, sep="\t", file=file)
            num_known += names[choice] is not None
    logging.info(
        "%s: %d known, %d novel", out, num_known, len(decoded.choices) - num_known
    )


def _name_fields(name: naming.Name | None) -> tuple[str, str, str, str]:
    if name is None:
        return NONE, NONE, NONE, "novel"
    if name.evalue is None:
        return name.mirna_id, NONE, NONE, "known"
    return name.mirna_id, f"{name.evalue:.3g}", f"{name.bitscore:.1f}", "known"


def _load_generator(
    path: str | os.PathLike[str],
) -> tuple[Generator, Mapping[str, Any]]:
    loaded = loading.load_model(path)
    if not isinstance(loaded.model, Generator):
        raise ValueError(
            f"--model: {path} holds a {type(loaded.model).__name__}, which generates "
            "no miRNA; give a seq2seq model or a Transformer"
        )
    return loaded.model, loaded.params


def _read_targets(path: str | os.PathLike[str], shortest: int) -> list[SequenceRecord]:
    targets = fasta.read_fasta(path)
    for target in targets:
        if len(target.sequence) < shortest:
            raise ValueError(
                f"{path} record {target.name}: {len(target.sequence)} nt, but the "
                f"model reads at least {shortest}; lengthen or remove it"
            )
    return targets


@contextlib.contextmanager
def _progress(total: int) -> Iterator[sites.Report]:
    """Show a progress bar on a terminal, and log lines elsewhere."""
    terminal = rich_console.Console(stderr=True)
    with rich_progress.Progress(
        *rich_progress.Progress.get_default_columns(),
        rich_progress.MofNCompleteColumn(),
        console=terminal,
        disable=not terminal.is_terminal,
    ) as bar:
        task = bar.add_task("decoding", total=total)
        done = 0

        def report(num_windows: int) -> None:
            nonlocal done
            done += num_windows
            bar.update(task, completed=done)
            if not terminal.is_terminal:
                line = "%d of %d sites decoded"
                logging.log_every_n_seconds(
                    logging.INFO, line, _LOG_EVERY_SECONDS, done, total
                )

        yield report


def define_flags(flag_values: flags.FlagValues) -> None:
    """Define the command's flags."""
    required = {
        "model": "trained model: a workdir of mirjax.train, its model.npz, or a .h5",
        "targets": "FASTA of target sites or transcripts, RNA or DNA, 5'→3'",
        "db": "miRNAs to name by: a FASTA file, or a dataset such as mirbase/hsa",
        "out": "table to write; an earlier one is replaced",
    }
    for name, purpose in required.items():
        flags.DEFINE_string(name, None, purpose, flag_values, required=True)
    flags.DEFINE_enum(
        "decoder",
        decoder_names.GREEDY,
        decoder_names.NAMES,
        "greedy: the likeliest letter at every step; beam: the likeliest of the miRNAs "
        "that a beam finds; constrained: of those in --db alone",
        flag_values,
    )
    flags.DEFINE_float(
        "evalue",
        naming.SETTINGS.evalue,
        "highest E-value of a hit that makes a miRNA known",
        flag_values=flag_values,
    )
    flags.DEFINE_enum(
        "strand",
        naming.SETTINGS.strand,
        ["plus", "both"],
        "strands of a decoded miRNA to search. It is a sense RNA: a hit of its reverse "
        "complement could pair with it, which is not being the same miRNA",
        flag_values,
    )
    flags.DEFINE_bool(
        "published_blast",
        False,
        "search as Chakraborty & Hasija 2019: both strands, low complexity filtered",
        flag_values,
    )
    flags.DEFINE_integer(
        "stride",
        STRIDE,
        "nt from one window of a long record to the next. With windows of 29 nt, every "
        "site of up to 30 - stride nt lies whole in one",
        flag_values=flag_values,
    )
    for name, default, purpose in (
        ("beam_width", decoder_names.DEFAULT_WIDTH, "prefixes that a beam keeps"),
        ("batch_size", BATCH_SIZE, "windows decoded at a time"),
        ("num_threads", 1, "blastn processes at a time"),
    ):
        flags.DEFINE_integer(name, default, purpose, flag_values=flag_values)


def blast_settings(flag_values: flags.FlagValues) -> blast.BlastSettings:
    """Return what the flags say that blastn be told."""
    settings = naming.SETTINGS
    strand = flag_values.strand
    if flag_values.published_blast:
        settings = blast.PUBLISHED
        if flag_values["strand"].present and strand != settings.strand:
            raise ValueError("--published_blast searches both strands; drop --strand")
        strand = settings.strand
    return dataclasses.replace(settings, strand=strand, evalue=flag_values.evalue)


def main(flag_values: flags.FlagValues) -> None:
    """Run the command."""
    predict(
        flag_values.model,
        flag_values.targets,
        flag_values.db,
        flag_values.out,
        settings=blast_settings(flag_values),
        decoder=flag_values.decoder,
        beam_width=flag_values.beam_width,
        stride=flag_values.stride,
        batch_size=flag_values.batch_size,
        num_threads=flag_values.num_threads,
    )


if __name__ == "__main__":
    cli.run(main, define_flags)
