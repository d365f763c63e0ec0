"""Inputs of the benchmarks of scans: random ones as FASTA, and samples of real ones.

Independent of `mirjax` on purpose: it serves the programs that mirjax is compared with,
in an environment in which mirjax need not be installed.
"""

import gzip
import pathlib
import random
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

MIRNA_LENGTHS = (20, 24)  # nt, both included
STEP = 22  # nt from one window to the next
THRESHOLD = 0.8
MIRNAS = ",".join(  # well-studied ones, of twelve families
    f"hsa-{name}"
    for name in (
        *("let-7a-5p", "miR-1-3p", "miR-7-5p", "miR-16-5p", "miR-21-5p", "miR-34a-5p"),
        *("miR-92a-3p", "miR-122-5p", "miR-124-3p", "miR-155-5p"),
        *("miR-200b-3p", "miR-375-3p"),
    )
)


class Record(NamedTuple):
    """A transcript."""

    name: str
    sequence: str


def sample_fasta(paths: Sequence[str], count: int, seed: int = 17) -> list[Record]:
    """Draw transcripts from FASTA files, plain or gzipped, as RNA."""
    found: list[Record] = []
    for path in paths:
        content = pathlib.Path(path).read_bytes()
        if path.endswith(".gz"):
            content = gzip.decompress(content)
        for part in content.decode().split(">")[1:]:
            name, _, lines = part.partition("\n")
            letters = "".join(lines.split()).upper().replace("T", "U")
            found.append(Record(name.split()[0], letters))
    return random.Random(seed).sample(found, min(count, len(found)))


def write_records(path: pathlib.Path, records: Sequence[tuple[str, str]]) -> None:
    """Write a FASTA file."""
    path.write_text("".join(f">{name}\n{letters}\n" for name, letters in records))


def write_fasta(path: pathlib.Path, lengths: np.ndarray, seed: int) -> None:
    """Write random RNA sequences of the given lengths."""
    rng = np.random.default_rng(seed)
    letters = np.frombuffer(b"AUCG", np.uint8)
    with path.open("w") as file:
        for number, length in enumerate(lengths):
            sequence = rng.choice(letters, length).tobytes().decode()
            print(f">s{number}\n{sequence}", file=file)


def write_inputs(
    folder: pathlib.Path, mirnas: int, transcripts: int, letters: int
) -> tuple[pathlib.Path, pathlib.Path]:
    """Write miRNAs and transcripts of one length; return the two files."""
    rng = np.random.default_rng(0)
    sizes = rng.integers(MIRNA_LENGTHS[0], MIRNA_LENGTHS[1] + 1, mirnas)
    paths = folder / "mirnas.fa", folder / "transcripts.fa"
    write_fasta(paths[0], sizes, seed=1)
    write_fasta(paths[1], np.full(transcripts, letters), seed=2)
    return paths


def read_fasta(path: pathlib.Path) -> list[tuple[str, str]]:
    """Read what `write_fasta` wrote: names and sequences."""
    lines = path.read_text().split()
    return [
        (name.removeprefix(">"), sequence)
        for name, sequence in zip(lines[::2], lines[1::2], strict=True)
    ]


def random_pairs(count: int) -> tuple[list[str], list[str]]:
    """Return random miRNAs of 22 nt, and targets of 50 nt."""
    rng = np.random.default_rng(count)
    letters = np.frombuffer(b"AUCG", np.uint8)
    mirnas, targets = (
        [row.tobytes().decode() for row in rng.choice(letters, (count, length))]
        for length in (22, 50)
    )
    return mirnas, targets
