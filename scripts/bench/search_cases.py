"""Queries and databases of the BLAST benchmarks, and calls of plain blastn."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mirjax.blast.settings import BlastSettings
from mirjax.datasets import registry
from mirjax.sequences.records import SequenceRecord

LETTERS = np.array(list("ACGU"))


def random_sequence(rng: np.random.Generator, length: int) -> str:
    """Return random letters."""
    return "".join(rng.choice(LETTERS, length))


def substituted(rng: np.random.Generator, sequence: str, number: int) -> str:
    """Replace a number of letters by others."""
    letters = list(sequence)
    for index in rng.choice(len(letters), min(number, len(letters)), replace=False):
        letters[index] = rng.choice([c for c in "ACGU" if c != letters[index]])
    return "".join(letters)


def edited(rng: np.random.Generator, sequence: str, number: int) -> str:
    """Replace, delete or insert a number of letters."""
    letters = list(sequence)
    for _ in range(number):
        index = int(rng.integers(len(letters)))
        kind = rng.integers(3)
        if kind == 0:
            letters[index] = rng.choice(LETTERS)
        elif kind == 1 and len(letters) > 4:
            del letters[index]
        else:
            letters.insert(index, rng.choice(LETTERS))
    return "".join(letters)


def shuffled(rng: np.random.Generator, sequence: str) -> str:
    """Permute the letters."""
    return "".join(rng.permutation(list(sequence)))


def distinct(make, number: int) -> list[str]:
    """Call `make` until it has returned a number of distinct sequences."""
    found: dict[str, None] = {}
    while len(found) < number:
        found[make()] = None
    return list(found)


def sequences_of(dataset: str) -> list[str]:
    """Return the sequences of a FASTA dataset."""
    return [record.sequence for record in registry.load_fasta(dataset)]


def write(path: Path, sequences: Sequence[str], prefix: str) -> Path:
    """Write sequences as FASTA, named by their number."""
    path.write_text(
        "".join(f">{prefix}{n}\n{letters}\n" for n, letters in enumerate(sequences))
    )
    return path


def plain_database(fasta: Path) -> None:
    """Build a BLAST database beside a FASTA file."""
    command = ["makeblastdb", "-in", str(fasta), "-dbtype", "nucl"]
    subprocess.run(command, check=True, capture_output=True)


def plain_blastn(
    queries: Path, fasta: Path, settings: BlastSettings, out: Path, threads: int = 2
) -> None:
    """Run blastn once on all queries, with every option of the settings."""
    command = ["blastn", "-query", str(queries), "-db", str(fasta), "-outfmt", "6"]
    command += ["-out", str(out), "-num_threads", str(threads)]
    subprocess.run([*command, *settings.arguments()], check=True, capture_output=True)


def mixed_queries(rng: np.random.Generator, number: int) -> list[SequenceRecord]:
    """Return real, decoded-like, edited, shuffled and low-complexity queries.

    Decoded-like queries are miRNAs of the published pairs, many of them repeated.
    """
    human, real = sequences_of("mirbase/hsa"), sequences_of("mirbase/all")
    decoded = registry.load_pairs("chakraborty2019").mirnas
    fifth = number // 5

    def one_of(sequences: Sequence[str]) -> str:
        return sequences[int(rng.integers(len(sequences)))]

    def low_complexity() -> str:
        unit = random_sequence(rng, int(rng.integers(1, 5)))
        length = int(rng.integers(14, 31))
        return edited(rng, (unit * length)[:length], int(rng.integers(0, 3)))

    made = [one_of(human) for _ in range(fifth)]
    made += [one_of(decoded) for _ in range(fifth)]
    made += [edited(rng, one_of(real), int(rng.integers(1, 7))) for _ in range(fifth)]
    made += [shuffled(rng, one_of(real)) for _ in range(fifth)]
    made += [low_complexity() for _ in range(number - len(made))]
    order = rng.permutation(len(made))
    return [SequenceRecord(f"q{n}", made[index]) for n, index in enumerate(order)]
