"""Find the target sites of miRNAs in transcripts.

    python -m mirjax.scan --targets=FASTA --out=sites.tsv
    python -m mirjax.scan --model=M --mirnas=FASTA --targets=FASTA --out=sites.tsv

Every sequence is RNA or DNA, 5'→3'. The table has a header, and is in the order of the
inputs: by transcript, then by miRNA, then by position. Positions are as in BED: from 0,
the end not included. Letters other than A, C, G, T and U in transcripts (N and the
other IUPAC codes) pair with nothing.

--mode=sites, the default: alignment proposes duplexes, a classifier scores each in its
window, and sites with p-values above --chance_per_kb are left out. Columns:

  mirna target    names
  start end       position of the best duplex
  score           probability that the miRNA binds the window
  pvalue          chance sites of the miRNA with at least this score, per nucleotide
                  of shuffled transcripts
  evalue          chance sites of the miRNA in all transcripts of the search
  site_type       8mer, 7mer-m8, 7mer-A1 or 6mer as TargetScan defines them, or other
  window_start    the window that the classifier read
  window_end
  alignment_score of the duplex
  duplex          its pairs, in ViennaRNA's notation: the site, &, the miRNA, both
                  5'→3'; brackets are pairs, dots are unpaired letters

--mode=windows is the published protocol of miTAR: a classifier scores windows of the
length that it reads, one every --step nt, and one that ends where the transcript ends.
A transcript that is no longer than a window is one window. Columns: mirna, target,
start and end of the window, window (its number, from 0), score and sites: the number of
windows of this transcript that reach the threshold for the miRNA, at least --min_sites.

--mode=seed lists only canonical sites: mirna, target, start, end and site_type.

--resume continues a scan that was stopped. --shard=1/4 scans a quarter, and --merge
joins the shards. --dask runs a scan on a cluster. All give the same table.
"""

import contextlib
import pathlib
import sys
import types
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from absl import flags, logging

import mirjax
from mirjax import cli
from mirjax.scanning import scan_flags
from mirjax.scanning.options import SEED, SITES
from mirjax.sequences import bad_records
from mirjax.sequences.bad_records import BadRecords
from mirjax.sequences.records import SequenceRecord

if TYPE_CHECKING:
    import pyarrow as pa

    from mirjax.models.interfaces import Classifier
    from mirjax.models.trained import TrainedModel
    from mirjax.scanning.search import Search, SearchOptions
    from mirjax.scanning.tables import Output
    from mirjax.scanning.transcripts import Transcripts

_FLAG_MODULES = (
    "mirjax.scanning.scan_flags",
    "mirjax.scanning.site_options",
    "mirjax.scanning.run_flags",
    "mirjax.sequences.bad_records",
)


def define_flags(flag_values: flags.FlagValues) -> None:
    """Define the command's flags."""
    scan_flags.define_flags(flag_values)
    bad_records.define_flag(flag_values, f"OUT{bad_records.SUFFIX}")
    for name in flag_values:  # in --help, though defined elsewhere
        if flag_values.find_module_defining_flag(name) in _FLAG_MODULES:
            flags.declare_key_flag(name, flag_values)


def main(flag_values: flags.FlagValues) -> None:
    """Run the command."""
    scan_flags.check(flag_values)
    if flag_values["from"].value:
        rows = _cut_again(flag_values)
    elif flag_values.merge:
        rows = _merge(flag_values)
    else:
        rows = _scan(flag_values)
    logging.info("%s: %d rows", flag_values.out, rows)


def _search_options(flag_values: flags.FlagValues) -> "SearchOptions":
    from mirjax.scanning.search import SearchOptions

    return SearchOptions(
        flag_values.mode,
        scan_flags.windows_options(flag_values),
        scan_flags.sites_options(flag_values),
    )


def _scan(flag_values: flags.FlagValues) -> int:
    """Scan the targets; return the number of rows."""
    targets = scan_flags.target_options(flag_values)

    from mirjax import xla
    from mirjax.inference.pairs import load_classifier
    from mirjax.models.temperature import find_temperature
    from mirjax.scanning.runner import RunOptions, run_scan
    from mirjax.scanning.search import ALIGNMENT, make_search
    from mirjax.scanning.shards import Shard
    from mirjax.scanning.targets import fasta_of

    xla.use_compilation_cache()
    options = _search_options(flag_values)
    shard = Shard.parse(flag_values.shard) if flag_values.shard else None
    bad = BadRecords.from_flag(flag_values)
    trained, temperature = None, 1.0
    if options.mode != SEED and flag_values.model != ALIGNMENT:
        trained = load_classifier(flag_values.model)
        temperature = find_temperature(trained.metadata, flag_values.model) or 1.0
    mirnas = _mirnas(flag_values, trained, bad)
    search = make_search(options, mirnas, trained, temperature)
    with fasta_of(targets, bad) as path, _open(path, bad, trained) as transcripts:
        letters = transcripts.num_letters
        scanner = search.scanner(transcripts, letters)
        if flag_values.explain:
            search.explain(scanner)
        with _outputs(flag_values, search.schema, search, transcripts) as outputs:
            rows = run_scan(
                transcripts.slices(),
                scanner,
                outputs,
                RunOptions(
                    flag_values.out,
                    {
                        **search.settings,
                        "targets, in nt": str(letters),
                        "version of mirjax": mirjax.__version__,
                    },
                    flag_values.resume,
                    shard,
                    scan_flags.run_flags.cluster_address(flag_values),
                    letters,
                ),
            )
    bad.write_beside(flag_values.out)
    return rows


def _mirnas(
    flag_values: flags.FlagValues,
    trained: "TrainedModel[Classifier] | None",
    bad: BadRecords,
) -> list[SequenceRecord]:
    """Load the miRNAs of the search that the classifier can read."""
    from mirjax.scanning.mirnas import check_lengths, load_mirnas
    from mirjax.scanning.site_selection import one_of_each_family

    source = flag_values.mirnas
    mirnas = load_mirnas(source, bad)
    if flag_values.family:
        mirnas = list(one_of_each_family(mirnas))
    if trained is None:
        return mirnas
    return check_lengths(mirnas, trained.model, bad, source)


def _open(
    path: str, bad: BadRecords, trained: "TrainedModel[Classifier] | None"
) -> "AbstractContextManager[Transcripts]":
    """Open the targets; N is refused if the classifier cannot read it."""
    from mirjax.models.interfaces import reads_unknown_letters
    from mirjax.scanning.transcripts import open_transcripts

    unknown = trained is None or reads_unknown_letters(trained.model)
    return open_transcripts(path, bad, unknown_letters=unknown)


def _merge(flag_values: flags.FlagValues) -> int:
    """Write the outputs from the shards of a scan; return the number of rows."""
    from mirjax.scanning.runner import write_tables
    from mirjax.scanning.search import schema_of
    from mirjax.scanning.shards import find_shards

    shards = find_shards(flag_values.out)
    schema = schema_of(shards.settings["mode"])
    with _outputs(flag_values, schema) as outputs:
        return write_tables(shards.tables(), outputs)


def _cut_again(flag_values: flags.FlagValues) -> int:
    """Write the outputs from a finished table; return the number of rows."""
    from mirjax.scanning.runner import write_tables
    from mirjax.scanning.stored import read_schema, read_tables

    source = str(flag_values["from"].value)
    schema = read_schema(source, ("mirna", "target"))
    with _outputs(flag_values, schema) as outputs:
        return write_tables(read_tables(source), outputs)


@contextlib.contextmanager
def _outputs(
    flag_values: flags.FlagValues,
    schema: "pa.Schema",
    search: "Search | None" = None,
    transcripts: "Transcripts | None" = None,
) -> Iterator[list["Output"]]:
    """Yield the outputs that the flags name.

    Args:
      flag_values: of the command.
      schema: columns of the table.
      search: None if the rows come from an earlier scan.
      transcripts: of the search; None without one.
    """
    from mirjax.scanning.extra_outputs import extra_outputs
    from mirjax.scanning.outputs import Cut, cutting
    from mirjax.scanning.tables import format_of, open_table

    out, cut = (
        flag_values.out,
        Cut(flag_values.min_score, flag_values.top_k, flag_values.top_k_of),
    )
    outputs: list[Output] = [
        open_table(out, flag_values.format or format_of(out), schema)
    ]
    with contextlib.ExitStack() as stack:
        outputs += extra_outputs(flag_values, stack, search, transcripts)
        if flag_values.report:
            outputs.append(_open_report(flag_values, search, transcripts))
        yield [cutting(outputs, cut)]


def _open_report(
    flag_values: flags.FlagValues,
    search: "Search | None",
    transcripts: "Transcripts | None",
) -> "Output":
    from mirjax.reporting.scan_report import ScanReport, open_report
    from mirjax.scanning.extra_outputs import duplex_drawer

    command = cli.command_line("mirjax.scan", flag_values)
    settings = search.settings if search is not None else {}
    lengths, drawer = {}, None
    if search is not None and transcripts is not None and not transcripts.is_read_once:
        lengths = {record.name: len(record.sequence) for record in transcripts}
        drawer = (
            duplex_drawer(search, transcripts) if flag_values.mode == SITES else None
        )
    report = ScanReport(command, settings, lengths, drawer)
    return open_report(pathlib.Path(flag_values.report), report)


class _Command(types.ModuleType):
    """This module, made callable: `mirjax.scan` stays the function after its import."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Scan from Python; see `mirjax.api.scan`."""
        from mirjax import api

        return api.scan(*args, **kwargs)


sys.modules[__name__].__class__ = _Command

if __name__ == "__main__":
    cli.run(main, define_flags)
