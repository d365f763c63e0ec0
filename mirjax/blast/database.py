"""BLAST+ databases: built once from a FASTA file and kept in a cache."""

import contextlib
import hashlib
import json
import logging
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import platformdirs
from jaxtyping import UInt8

from mirjax.blast.programs import Installation, find_blast, run
from mirjax.blast.words import join_letters
from mirjax.sequences.fasta import read_fasta, write_fasta
from mirjax.sequences.records import SequenceRecord

# The name of the BLAST database inside its folder. Programs run with that folder as
# their working directory, since BLAST+ splits a database path at blanks.
DATABASE = "sequences"

_NAMES = "names.json"
_LETTERS = "letters.npy"
_LAYOUT = 2  # A new number, when what the folder holds changes, leaves old ones behind.
_logger = logging.getLogger(__name__)


def build_database(
    fasta: Path, cache_dir: Path | None = None, *, timeout_s: float = 600.0
) -> Path:
    """Build the BLAST database of a FASTA file, or find the one built before.

    The folder's name is a hash of the file, so a changed file has a new database.
    It is built elsewhere and renamed, so it is whole whenever it is there, and several
    processes may build the same one. Inside, sequences go by their number in the file:
    no name, however odd or long, reaches BLAST+.

    Args:
      fasta: nucleotide sequences, RNA or DNA letters.
      cache_dir: where databases are kept; the user's cache by default.
      timeout_s: the longest makeblastdb may take, in seconds.

    Returns:
      The database's folder.

    Raises:
      ValueError: if the file is missing, empty or not nucleotide FASTA.
      BlastError: if BLAST+ is missing, too old, fails or takes too long.
      OSError: if the cache cannot be written.
    """
    fasta = Path(fasta)
    try:
        content = fasta.read_bytes()
    except OSError as error:
        raise ValueError(f"{fasta}: cannot be read ({error.strerror})") from error
    installation = find_blast()
    if cache_dir is None:
        cache_dir = platformdirs.user_cache_path("mirjax") / "blast"
    # An older BLAST+ cannot read what a newer one built, hence the version.
    digest = hashlib.sha256(repr((_LAYOUT, installation.version)).encode())
    digest.update(content)
    folder = Path(cache_dir).absolute() / digest.hexdigest()[:32]
    if folder.is_dir():
        return folder
    records = read_fasta(fasta)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".building-", dir=folder.parent) as scratch:
        # One level down, where the umask decides who may read it: a temporary
        # directory itself is its owner's alone.
        unfinished = Path(scratch) / DATABASE
        unfinished.mkdir()
        _fill(unfinished, records, installation, timeout_s)
        # Renaming fails if another process was first; its database is the same.
        with contextlib.suppress(OSError):
            unfinished.rename(folder)
    if not folder.is_dir():
        raise OSError(
            f"{folder}: cannot be created; choose a cache that can be written"
        )
    _logger.info("%s: BLAST database of %d sequences built", fasta, len(records))
    return folder


def open_database(name: str, cache_dir: Path | None = None) -> Path:
    """Build the BLAST database of a file or dataset, or find the one built before.

    Args:
      name: a FASTA file, or else a dataset of the registry such as mirbase/hsa.
      cache_dir: where databases are kept; the user's cache by default.

    Returns:
      The database's folder.

    Raises:
      ValueError: if it is neither, or the file is not nucleotide FASTA.
      BlastError: if BLAST+ is missing, too old, fails or takes too long.
      OSError: if the cache cannot be written.
    """
    if os.path.exists(name):
        return build_database(Path(name), cache_dir)
    from mirjax.datasets import registry

    if name not in registry.NAMES:
        raise ValueError(
            f"--db: {name} is neither a file nor a dataset such as mirbase/hsa"
        )
    with tempfile.TemporaryDirectory() as scratch:  # simulated miRNAs have no file
        path = Path(scratch) / "mirnas.fa"
        write_fasta(path, registry.load_fasta(name))
        return build_database(path, cache_dir)


def subject_names(database: Path) -> list[str]:
    """Return the names of a database's sequences, in the order of its FASTA file.

    Args:
      database: a folder which `build_database` returned.

    Raises:
      ValueError: if it is not such a folder.
    """
    try:
        text = (Path(database) / _NAMES).read_text(encoding="utf-8")
        names: list[str] = json.loads(text)
    except (OSError, ValueError) as error:
        raise ValueError(
            f"{database}: not a BLAST database of mirjax; build it with build_database"
        ) from error
    return names


def subject_letters(database: Path) -> UInt8[np.ndarray, " letters"]:
    """Return the letters of a database's sequences, as `words.join_letters` gives them.

    They are read from the disk where they are looked at.

    Args:
      database: a folder which `build_database` returned.

    Raises:
      ValueError: if it is not such a folder.
    """
    try:
        path = Path(database) / _LETTERS
        return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
    except (OSError, ValueError) as error:
        raise ValueError(
            f"{database}: not a BLAST database of mirjax; build it with build_database"
        ) from error


def _fill(
    folder: Path,
    records: Sequence[SequenceRecord],
    installation: Installation,
    timeout_s: float,
) -> None:
    source = folder / f"{DATABASE}.fa"
    with source.open("w", encoding="ascii") as file:
        for number, record in enumerate(records):
            file.write(f">s{number}\n{record.sequence}\n")
    command = [str(installation.makeblastdb), "-dbtype", "nucl"]
    command += ["-in", source.name, "-input_type", "fasta"]
    command += ["-out", DATABASE, "-title", DATABASE]
    run(command, timeout_s=timeout_s, folder=folder)
    source.unlink()
    letters = join_letters([record.sequence for record in records])
    np.save(folder / _LETTERS, letters)
    names = json.dumps([record.name for record in records], ensure_ascii=False)
    (folder / _NAMES).write_text(names, encoding="utf-8")
