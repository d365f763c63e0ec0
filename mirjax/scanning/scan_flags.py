"""Flags of a scan: miRNAs, targets, model, and outputs."""

from absl import flags

from mirjax.scanning import run_flags, site_options
from mirjax.scanning.options import (
    FORMATS,
    MODES,
    SEED,
    SITES,
    SORTABLE,
    WindowsOptions,
)
from mirjax.scanning.site_options import SiteOptions
from mirjax.scanning.targets import TargetOptions

GROUPS = ("mirna", "target")

_INPUTS = ("targets", "mirnas", "from", "targets_list", "regions", "model")
_OUTPUTS = ("out", "genes", "duplexes", "report")

_STRINGS = (
    (
        "targets",
        "",
        "FASTA of transcripts, such as 3'UTRs, plain or gzipped; -: standard input; "
        "ensembl:TP53,MYC: the 3'UTRs of genes, from Ensembl",
    ),
    ("targets_list", "", "file of genes at Ensembl, one a line, in place of --targets"),
    (
        "regions",
        "",
        "annotation (.gtf, .gff3), whose 3'UTRs are scanned, or .bed file, of the "
        "genome whose FASTA is --targets",
    ),
    ("species", "homo_sapiens", "species of the genes at Ensembl"),
    (
        "out",
        None,
        "table to write, compressed if its name ends in .gz; an earlier one is "
        "replaced. -: standard output",
    ),
    (
        "model",
        "pretrained/duplex",
        "classifier: a workdir of mirjax.train, its model.npz, a published .h5 or .pt, "
        "or a name such as pretrained/mitar; alignment: complementarity, no classifier",
    ),
    (
        "mirnas",
        "mirbase/hsa",
        "miRNAs: a FASTA file, a dataset such as mirbase/mmu, or names in miRBase, "
        "such as hsa-miR-21-5p,hsa-let-7a-5p",
    ),
    (
        "genes",
        "",
        "also write this table: one row for each miRNA and transcript with a site",
    ),
    ("duplexes", "", "also write this text: each site's duplex, drawn in three lines"),
    (
        "report",
        "",
        "also write this page (.html): sites, duplexes and genes",
    ),
    (
        "from",
        "",
        "write sites of this finished table (Parquet) instead of scanning, such as "
        "fewer of them by --min_score or --top_k",
    ),
)


def define_flags(flag_values: flags.FlagValues) -> None:
    """Define the flags of mirjax.scan."""
    for name, default, purpose in _STRINGS:
        flags.DEFINE_string(
            name, default, purpose, flag_values, required=default is None
        )
    for name, default, choices, purpose in (
        (
            "mode",
            SITES,
            MODES,
            "sites: candidates from alignment that the classifier scores above chance; "
            "windows: the classifier scores every window; seed: canonical sites only, "
            "without a model",
        ),
        ("format", None, FORMATS, "of --out. Default: by its name, else tsv"),
        ("sort_genes", None, SORTABLE, "sort --genes by this column, highest first"),
        ("top_k_of", "mirna", GROUPS, "what --top_k counts sites by"),
    ):
        flags.DEFINE_enum(name, default, choices, purpose, flag_values=flag_values)
    flags.DEFINE_bool(
        "repression",
        True,
        "--genes: add the predicted log2 fold change and its 90% interval, from seed "
        "sites; not for --targets=-",
        flag_values,
    )
    for name, purpose in (
        ("family", "search once for all miRNAs with one seed, letters 2-8"),
        ("all_transcripts", "--regions: all 3'UTRs of a gene, not of one transcript"),
        (
            "explain",
            "log the engine, the settings and the fraction of candidates scored",
        ),
    ):
        flags.DEFINE_bool(name, False, purpose, flag_values)
    _define_limits(flag_values)
    site_options.define_flags(flag_values)
    run_flags.define_flags(flag_values)


def _define_limits(flag_values: flags.FlagValues) -> None:
    """Define the flags by which sites are left out."""
    default = WindowsOptions()
    flags.DEFINE_float(
        "threshold",
        None,
        "lowest probability of a site. Default: in --mode=sites none, --chance_per_kb "
        f"decides; in --mode=windows {default.threshold}",
        flag_values=flag_values,
    )
    flags.DEFINE_float(
        "min_score",
        None,
        "leave out sites with a lower score; like --top_k, it changes only the output, "
        "not the scan",
        flag_values=flag_values,
    )
    for name, value, purpose in (
        (
            "top_k",
            None,
            "write only this many sites of each miRNA (or target, by --top_k_of): "
            "those with the highest scores",
        ),
        (
            "step",
            default.step,
            "--mode=windows: nt from the start of a window to that of the next, at "
            "most the window's length",
        ),
        (
            "min_sites",
            default.min_sites,
            "--mode=windows: leave out miRNAs and transcripts with fewer sites",
        ),
    ):
        flags.DEFINE_integer(name, value, purpose, flag_values=flag_values)


def check(flag_values: flags.FlagValues) -> None:
    """Check the flags before work begins.

    Raises:
      ValueError: for flags that do not go together, an input that is read twice, or an
        output that cannot be written.
    """
    from mirjax.pipes import check_streams, is_read_once

    _check_outputs(flag_values)
    check_streams(*(flag_values[name].value for name in _INPUTS))
    if flag_values.mode != SITES and flag_values.duplexes:
        raise ValueError(f"--duplexes: --mode={flag_values.mode} finds no duplexes")
    if flag_values.mode not in (SITES, SEED) and flag_values.genes:
        raise ValueError(f"--genes: --mode={flag_values.mode} has windows, not sites")
    if flag_values.duplexes and is_read_once(flag_values.targets):
        raise ValueError(
            "--duplexes reads the targets again: give a file, not "
            f"{flag_values.targets}"
        )
    for name in ("from", "merge"):
        if flag_values[name].value and flag_values.duplexes:
            raise ValueError(f"--duplexes cannot be drawn with --{name}: scan again")
    if flag_values["from"].value and is_read_once(flag_values["from"].value):
        raise ValueError(
            "--from: a Parquet table is read at any position: give a file, not "
            f"{flag_values['from'].value}"
        )


def _check_outputs(flag_values: flags.FlagValues) -> None:
    """Raise a ValueError for outputs that cannot be written."""
    from mirjax.output import check_distinct, check_writable
    from mirjax.scanning.shards import Shard, shard_file

    inputs = [given for name in _INPUTS if (given := flag_values[name].value)]
    outputs = {name: out for name in _OUTPUTS if (out := flag_values[name].value)}
    for name, out in outputs.items():
        check_writable(out, *inputs, flag=name)
    check_distinct(*outputs.values())
    if flag_values.shard:
        check_writable(shard_file(flag_values.out, Shard.parse(flag_values.shard)))


def target_options(flag_values: flags.FlagValues) -> TargetOptions:
    """Return where the targets come from.

    Raises:
      ValueError: for flags that do not go together.
    """
    return TargetOptions(
        flag_values.targets,
        flag_values.targets_list,
        flag_values.regions,
        flag_values.species,
        flag_values.all_transcripts,
    )


def windows_options(flag_values: flags.FlagValues) -> WindowsOptions:
    """Return the options of windows mode."""
    threshold = flag_values.threshold
    return WindowsOptions(
        flag_values.step,
        WindowsOptions.threshold if threshold is None else threshold,
        flag_values.min_sites,
    )


def sites_options(flag_values: flags.FlagValues) -> SiteOptions:
    """Return the options of sites mode."""
    return SiteOptions(
        flag_values.candidates,
        flag_values.chance_per_kb,
        flag_values.threshold,
        flag_values.background_nt,
        flag_values.background_seed,
    )
