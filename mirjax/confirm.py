"""Search short RNAs or DNAs in a database: exact blastn results, faster.

    python -m mirjax.confirm --queries=FASTA --db=FASTA --evalue=0.01 --out=hits.tsv

Writes one tab-separated row per alignment, in the order of the queries, with the twelve
columns of blastn's -outfmt 6: query, subject, percent identity, alignment length,
mismatches, gap openings, start and end in the query, start and end in the subject,
E-value, bit score.

The rows are those that blastn prints for the same search in the whole database. With
words of 11 letters or more, blastn drops some hits, depending on the neighbouring
queries. This command drops none: the rows of a query depend only on that query.
Identical queries are searched once, queries that cannot have a hit are left out if that
saves time, and the others are distributed over one blastn process per core.
"""

import sys

from absl import flags, logging

from mirjax import cli
from mirjax.blast.settings import (
    DEFAULT,
    PREFILTERS,
    STRANDS,
    TASKS,
    BlastSettings,
    settings_of_task,
)
from mirjax.datasets import catalogue
from mirjax.sequences import bad_records
from mirjax.sequences.bad_records import BadRecords

_INTEGERS = {
    "word_size": "letters of the exact word that seeds an alignment, at least 4",
    "reward": "score of a match",
    "penalty": "score of a mismatch, below 0",
    "gapopen": "cost of opening a gap",
    "gapextend": "cost of each letter of a gap",
}


def define_flags(flag_values: flags.FlagValues) -> None:
    """Define the command's flags."""
    for name, purpose in (
        ("queries", "FASTA of queries, RNA or DNA, 5'→3'. -: standard input"),
        (
            "out",
            "table to write, compressed if its name ends in .gz; an earlier one is "
            "replaced. -: standard output",
        ),
    ):
        flags.DEFINE_string(name, None, purpose, flag_values, required=True)
    flags.DEFINE_string(
        "db",
        catalogue.HUMAN,
        "database to search: a FASTA file, or a dataset",
        flag_values,
    )
    bad_records.define_flag(flag_values, f"OUT{bad_records.SUFFIX}")
    _define_search_flags(flag_values)
    flags.DEFINE_enum(
        "prefilter",
        "auto",
        PREFILTERS,
        "stages that leave out queries which cannot have a hit. words: queries that do "
        "not share the words that a hit requires; alignment: also queries whose exact "
        "alignment scores are too low; none: no stage; auto: for each query length "
        "the stages that save time. The table is the same for all",
        flag_values,
    )
    flags.DEFINE_float(
        "time_limit",
        3600.0,
        "seconds after which a blastn process is stopped",
        flag_values=flag_values,
    )
    flags.DEFINE_integer(
        "num_processes",
        None,
        "parallel blastn processes; by default one per core",
        flag_values=flag_values,
    )
    flags.DEFINE_bool(
        "explain",
        False,
        "print how many queries each stage removed, and why each plan was chosen",
        flag_values,
    )


def _define_search_flags(flag_values: flags.FlagValues) -> None:
    flags.DEFINE_float(
        "evalue",
        None,
        f"highest E-value of a hit; {DEFAULT.evalue:g} without --task",
        flag_values=flag_values,
    )
    flags.DEFINE_enum(
        "strand",
        DEFAULT.strand,
        STRANDS,
        "both: also search the reverse complements of the queries",
        flag_values,
    )
    flags.DEFINE_enum(
        "task",
        None,
        TASKS,
        "a task of BLAST+, with its own word size, scores, gap costs and E-value for "
        "those that are not given; without it, megablast with the defaults named here",
        flag_values,
    )
    for name, purpose in _INTEGERS.items():
        text = f"{purpose}; {getattr(DEFAULT, name)} without --task"
        flags.DEFINE_integer(name, None, text, flag_values=flag_values)
    flags.DEFINE_integer(
        "max_target_seqs",
        DEFAULT.max_target_seqs,
        "most database sequences reported for a query",
        flag_values=flag_values,
    )
    flags.DEFINE_bool(
        "dust",
        DEFAULT.dust,
        "mask low-complexity regions of a query, which then seed no alignment",
        flag_values,
    )


def blast_settings(flag_values: flags.FlagValues) -> BlastSettings:
    """BlastSettings from the flags."""
    names = ("evalue", *_INTEGERS)
    given = {name: flag_values[name].value for name in names}
    return settings_of_task(
        flag_values.task,
        strand=flag_values.strand,
        dust=flag_values.dust,
        max_target_seqs=flag_values.max_target_seqs,
        **{name: value for name, value in given.items() if value is not None},
    )


def main(flag_values: flags.FlagValues) -> None:
    """Run the command."""
    settings = blast_settings(flag_values)

    # Imported here, so that --help and errors in flags are fast.
    from mirjax.blast import search
    from mirjax.blast.database import build_database
    from mirjax.blast.processes import Limits
    from mirjax.datasets import registry
    from mirjax.output import check_writable, is_standard_output, open_output
    from mirjax.pipes import check_streams
    from mirjax.sequences.fasta import read_fasta, read_once

    limits = Limits(flag_values.num_processes, flag_values.time_limit)
    out = flag_values.out
    check_writable(out, flag_values.queries, flag_values.db)
    check_streams(flag_values.queries, flag_values.db)
    bad = BadRecords.from_flag(flag_values)
    queries = read_fasta(flag_values.queries, bad_records=bad)
    subjects = read_once(registry.fasta_path(flag_values.db), bad)
    database = build_database(subjects, bad_records=bad)
    with open_output(out) as table:
        stats = search.confirm(
            queries, database, table, settings, limits, flag_values.prefilter
        )
    bad.write_beside(out)
    logging.info(
        "%s: %d hits of %d of %d distinct queries",
        out,
        stats.rows,
        stats.found,
        stats.distinct,
    )
    if flag_values.explain:
        # Not to standard output, which has the table.
        stream = sys.stderr if is_standard_output(out) else sys.stdout
        print(*stats.explain(), sep="\n", file=stream)


if __name__ == "__main__":
    cli.run(main, define_flags)
