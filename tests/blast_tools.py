"""Plain BLAST+ called directly, and programs that stand in for it."""

import collections
import dataclasses
import functools
import io
import os
import subprocess

from mirjax.blast import search, statistics
from mirjax.sequences.fasta import read_fasta


def write_fasta(path, records):
    """Write records without any check of their names."""
    path.write_text("".join(f">{r.name}\n{r.sequence}\n" for r in records))
    return path


def make_database(folder, fasta="db.fa"):
    """Build a database for plain blastn beside a FASTA file."""
    command = ["makeblastdb", "-in", fasta, "-dbtype", "nucl"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


def plain_lines(folder, arguments, columns="6", *, queries="q.fa", database="db.fa"):
    """Return the lines of plain blastn's table."""
    command = ["blastn", "-query", queries, "-db", database, "-outfmt", columns]
    run = subprocess.run(
        [*command, *arguments], cwd=folder, check=True, capture_output=True
    )
    return run.stdout.splitlines()


@functools.lru_cache(1)
def _lengths(fasta):
    """The lengths of the records of a FASTA file that stays as it is."""
    return [len(record.sequence) for record in read_fasta(fasta)]


def complete_lines(folder, settings, queries="q.fa", database="db.fa"):
    """Return the rows of plain blastn, and those that its estimate of scores drops.

    At a word size of 11 and more blastn estimates a score by blocks of four letters,
    and drops hits whose estimate is below what the E-value asks for. At a high E-value
    it drops none; the rows with a low one are then picked from its table.
    """
    names = {"queries": queries, "database": database}
    plain = plain_lines(folder, settings.arguments(), **names)
    if settings.word_size < 11:
        return plain
    scores = settings.statistics
    subjects = _lengths(folder / database)
    size = statistics.DatabaseSize(sum(subjects), len(subjects))
    spaces = {
        record.name: statistics.search_space(scores, len(record.sequence), size)
        for record in read_fasta(folder / queries)
    }
    word = settings.reward * settings.word_size
    high = statistics.evalue(scores, word - 3 * settings.reward, max(spaces.values()))
    high = dataclasses.replace(settings, evalue=max(high, settings.evalue))
    lines = []
    for line in plain_lines(folder, high.arguments(), "6 std score", **names):
        row, _, score = line.rpartition(b"\t")
        space = spaces[row.partition(b"\t")[0].decode()]
        if int(score) >= statistics.least_score(scores, settings.evalue, space):
            lines.append(row)
    if settings.max_target_seqs >= len(subjects):  # else better hits replace others
        assert not collections.Counter(plain) - collections.Counter(lines)
    return lines


def confirmed(queries, database, *arguments):
    """Return the lines of our table, and the counts of the search."""
    file = io.BytesIO()
    stats = search.confirm(queries, database, file, *arguments)
    lines = file.getvalue().splitlines()
    assert stats.rows == len(lines)
    return lines, stats


def fake_program(monkeypatch, folder, program, body, version="2.12.0+"):
    """Put a shell script before the real program on PATH."""
    script = folder / program
    script.write_text(
        f'#!/bin/sh\n[ "$1" = -version ] && echo "{program}: {version}" && exit 0\n'
        f"{body}\n"
    )
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
