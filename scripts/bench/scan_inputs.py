"""Random miRNAs and transcripts as FASTA, for the scan benchmark.

Independent of `mirjax` on purpose: it serves the programs that mirjax is compared with,
in an environment in which mirjax need not be installed.
"""

import pathlib

import numpy as np

MIRNA_LENGTHS = (20, 24)  # nt, both included
STEP = 22  # nt from one window to the next
THRESHOLD = 0.8


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
