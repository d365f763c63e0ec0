"""BLAST+ databases, built once per FASTA file and cached."""

import contextlib
import hashlib
import json
import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import platformdirs
from jaxtyping import Int64, UInt8

from mirjax.blast.manifest import is_intact, seal_folder, sync
from mirjax.blast.programs import Installation, find_blast, run
from mirjax.blast.scratch import scratch_folder
from mirjax.blast.statistics import DatabaseSize
from mirjax.blast.words import join_letters
from mirjax.inputs import Source, read_content
from mirjax.sequences import alphabet
from mirjax.sequences.bad_records import BadRecords
from mirjax.sequences.fasta import read_fasta
from mirjax.sequences.records import SequenceRecord

# The name of the BLAST database inside its folder. Programs run with that folder as
# their working directory, since BLAST+ splits a database path at blanks.
DATABASE = "sequences"

_NAMES = "names.json"
_LETTERS = "letters.npy"
_BUILDING = ".building-"  # start of the temporary names
_LAYOUT = 3  # version of the folder's content; an increment discards older databases
_logger = logging.getLogger(__name__)


def build_database(
    fasta: Source,
    cache_dir: Path | None = None,
    *,
    timeout_s: float = 600.0,
    bad_records: BadRecords | None = None,
) -> Path:
    """Build the BLAST database of a FASTA file unless the cache holds it.

    The folder's name is a hash of the file's content, so a changed file gets a new
    database. The folder is built under a temporary name and then renamed: it is always
    complete, and several processes may build it at the same time. A cached folder is
    checked against its manifest, and built again if a file is lost or changed. BLAST+
    sees sequence numbers only, so names may be of any length and hold any characters.

    Args:
      fasta: nucleotide sequences, RNA or DNA letters.
      cache_dir: folder of all databases; the user's cache by default.
      timeout_s: time limit of makeblastdb, in seconds.
      bad_records: how bad records are refused. None are left out here: see
        `fasta.read_once`.

    Returns:
      The database's folder.

    Raises:
      ValueError: if the file is missing, empty or not nucleotide FASTA.
      BlastError: if BLAST+ is missing, too old, fails or takes too long.
      OSError: if the cache cannot be written.
    """
    content = read_content(fasta)
    installation = find_blast()
    if cache_dir is None:
        cache_dir = platformdirs.user_cache_path("mirjax") / "blast"
    # The version is hashed too: an older BLAST+ cannot read a newer one's database.
    digest = hashlib.sha256(repr((_LAYOUT, installation.version)).encode())
    digest.update(content.data)
    folder = Path(cache_dir).absolute() / digest.hexdigest()[:32]
    if folder.is_dir():
        if is_intact(folder):
            return folder
        _logger.warning("%s: damaged; the BLAST database is built again", folder)
    records = read_fasta(content, bad_records=bad_records)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with scratch_folder(folder.parent, _BUILDING) as scratch:
            # A subfolder, since only its owner may read a temporary directory; a folder
            # made by mkdir has the permissions of the umask.
            unfinished = scratch / DATABASE
            unfinished.mkdir()
            _fill_folder(unfinished, records, installation, timeout_s)
            seal_folder(unfinished)
            _put_in_place(unfinished, folder, scratch)
    except OSError as error:
        raise OSError(
            f"{folder}: the BLAST database cannot be written ({error.strerror}); make "
            "room and the cache folder writable"
        ) from error
    _logger.info("%s: BLAST database of %d sequences built", content.name, len(records))
    return folder


def _put_in_place(unfinished: Path, folder: Path, scratch: Path) -> None:
    """Rename a complete folder, unless another process was faster."""
    with contextlib.suppress(FileNotFoundError):
        if is_intact(folder):
            return
        folder.rename(scratch / "damaged")
    try:
        unfinished.rename(folder)
    except OSError:
        if not is_intact(folder):
            raise
    sync(folder.parent)


def subject_names(database: Path) -> list[str]:
    """Return the names of a database's sequences, in the order of its FASTA file.

    Args:
      database: a folder returned by `build_database`.

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
    """Return the tokens of a database's sequences, as joined by `words.join_letters`.

    The array is memory-mapped: only the parts that are used are read from the disk.

    Args:
      database: a folder returned by `build_database`.

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


def _fill_folder(
    folder: Path,
    records: Sequence[SequenceRecord],
    installation: Installation,
    timeout_s: float,
) -> None:
    """Write the BLAST database, the names and the tokens of records to a folder."""
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


def database_size(letters: UInt8[np.ndarray, " letters"]) -> DatabaseSize:
    """Count the letters and sequences of a database.

    Args:
      letters: tokens as returned by `subject_letters`: a PAD before, between and after
        the sequences.
    """
    num_separators = int(np.count_nonzero(letters == alphabet.PAD))
    return DatabaseSize(len(letters) - num_separators, num_separators - 1)


def subject_lengths(database: Path) -> Int64[np.ndarray, " subjects"]:
    """Return the number of letters of each sequence of a database.

    Args:
      database: a folder returned by `build_database`.

    Raises:
      ValueError: if it is not such a folder.
    """
    separators = np.flatnonzero(subject_letters(database) == alphabet.PAD)
    return np.diff(separators) - 1
