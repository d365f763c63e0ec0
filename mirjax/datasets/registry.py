"""Named datasets, and files of pairs: find their files, load them, split them.

The names are listed in `catalogue`. A file is searched for in the folder named by the
environment variable MIRJAX_DATA_DIR, then among the files that come with the package,
then in the user's cache folder; otherwise it is downloaded into that cache. Its SHA-256
is checked wherever it is found.

Datasets of pairs are joined by "+", as in chakraborty2019+mitar2021. The path of a
table of one's own pairs may be given in place of a dataset's name.
"""

import dataclasses
import functools
import os
import pathlib

from mirjax.datasets import mirbase, readers, splits
from mirjax.datasets.catalogue import (
    ALL_SPECIES,
    FASTA_DATASETS,
    FILES,
    HEJRET,
    JOINED,
    MIRBASE,
    NAMES,
    PAIR_DATASETS,
    POSITIVES_ONLY,
    SIMULATED,
    is_dataset,
    list_fasta_datasets,
)
from mirjax.datasets.joining import distinct_positives, join_pairs, join_splits
from mirjax.datasets.own_pairs import COLUMN, is_file, split_file
from mirjax.datasets.published_files import SHIPPED, DataFile
from mirjax.datasets.simulate import simulate
from mirjax.files import atomic_write, cache_folder, file_sha256, make_cache_folder
from mirjax.inputs import STREAM
from mirjax.sequences.bad_records import BadRecords
from mirjax.sequences.records import Pairs, SequenceRecord, Split

SIMULATED_SIZE = 6_000  # pairs
PROTOCOLS = ("published", *splits.PROTOCOLS)
_HEJRET_TRAIN_ROWS = 8_193


def path(name: str) -> pathlib.Path:
    """Return the path of a dataset's file, downloaded if there is no local copy.

    Args:
      name: one of `catalogue.FILES`.

    Returns:
      The path of a file whose SHA-256 has just been checked.

    Raises:
      ValueError: if there is no such file in the catalogue, its SHA-256 is wrong, or
        the download fails.
      OSError: if the cache folder cannot be created.
    """
    data_file = _data_file(name)
    folders = [SHIPPED, cache_folder()]
    if given := os.environ.get("MIRJAX_DATA_DIR"):
        folders.insert(0, pathlib.Path(given).expanduser())
    for folder in folders:
        candidate = folder / data_file.file
        if os.path.isfile(candidate):  # False also where access is denied
            _check_sha256(candidate, data_file)
            return candidate
    from mirjax.datasets.download import download  # slow to import, rarely needed

    return download(name, data_file, folders[-1] / data_file.file)


def fasta_path(name: str, *, flag: str = "--db") -> pathlib.Path:
    """Return the FASTA file of a dataset, or the path of an existing file.

    The name of a dataset has precedence over a file of that name: write ./NAME for the
    file. The miRNAs of "simulated" or of one species of miRBase are written to the
    user's cache.

    Args:
      name: one of `catalogue.FASTA_DATASETS`, mirbase/SPECIES, a file, or - for
        standard input.
      flag: the command-line flag of the name, for messages.

    Returns:
      A path that exists, or -.

    Raises:
      ValueError: if it is neither a file nor a FASTA dataset, there is no such species,
        or as `path` does.
      OSError: if the cache folder cannot be written.
    """
    if name == SIMULATED:
        mirnas = (f">{r.name}\n{r.sequence}\n" for r in simulate(1).mirnas)
        return _keep_in_cache("".join(mirnas), f"{SIMULATED}/mirnas.fa")
    if name in FASTA_DATASETS:
        return path(name)
    if name in NAMES:
        raise ValueError(f"{flag}: {_wrong_kind(name, 'fasta', list_fasta_datasets())}")
    if is_dataset(name):
        species = name.removeprefix(MIRBASE)
        content = mirbase.cut_species(path(ALL_SPECIES), species)
        release = FILES[ALL_SPECIES].sha256[:8]
        return _keep_in_cache(content, f"{MIRBASE}{species}_{release}.fa")
    file = pathlib.Path(name)
    if name == STREAM:
        return file
    if not name or not file.exists():
        raise ValueError(
            f"{flag}={name} is neither a file nor a dataset of sequences; the datasets"
            f" are {list_fasta_datasets()}"
        )
    return file


def load_fasta(
    name: str, *, flag: str = "--db", bad_records: BadRecords | None = None
) -> list[SequenceRecord]:
    """Load the sequences of a FASTA dataset or file, 5'→3'.

    Args:
      name: as for `fasta_path`.
      flag: likewise.
      bad_records: as for `fasta.read_fasta`.

    Returns:
      The records in file order.

    Raises:
      ValueError: as `fasta_path` and `fasta.read_fasta` do.
    """
    if name == SIMULATED:
        return list(simulate(1).mirnas)
    from mirjax.sequences import fasta  # slow to import

    return fasta.read_fasta(fasta_path(name, flag=flag), bad_records=bad_records)


def load_pairs(name: str, *, bad_records: BadRecords | None = None) -> Pairs:
    """Load a dataset or a file of pairs, 5'→3', in file order.

    >>> len(load_pairs("simulated"))
    6000

    Args:
      name: a file, or one of `catalogue.PAIR_DATASETS`, or several of them joined by
        "+", in this order. hejret2023 is its train rows, then its test rows; helwak2013
        and manakov2022/sample are the distinct positive pairs of their files. The first
        row of the files of mitar2021 without a header is left out, since the published
        reader takes it for a header.
      bad_records: of a file only, as for `readers.read_pairs`.

    Returns:
      The pairs.

    Raises:
      ValueError: as `path` does, or if the dataset holds no pairs.
    """
    if is_file(name):
        return readers.read_pairs(name, bad_records=bad_records)
    first, _, others = name.partition("+")
    if others:
        return join_pairs(load_pairs(first), load_pairs(others))
    if name == SIMULATED:
        return simulate(SIMULATED_SIZE).pairs
    if name in JOINED:
        joined = functools.reduce(join_pairs, map(load_pairs, JOINED[name]))
        return distinct_positives(joined, name) if name in POSITIVES_ONLY else joined
    data_file = _data_file(name)
    if data_file.kind != "pairs":
        raise ValueError(_wrong_kind(name, "pairs", ", ".join(PAIR_DATASETS)))
    pairs = readers.read_pairs(path(name), data_file.data_format)
    pairs = pairs.take(range(data_file.first_row, len(pairs)))
    if data_file.published in readers.PARTS:
        pairs = dataclasses.replace(pairs, parts=[data_file.published] * len(pairs))
    return pairs


def load_split(
    name: str, protocol: str = "published", *, pairs: Pairs | None = None, seed: int = 0
) -> tuple[Pairs, Split]:
    """Load a dataset or a file of pairs and split it.

    Args:
      name: a file, or one of `catalogue.PAIR_DATASETS`, or several of them joined by
        "+", such as chakraborty2019+mitar2021. By the published protocol each is split
        on its own; by another protocol, all rows are split together.
      protocol: "published", "column" or one of `splits.PROTOCOLS`. "published" is the
        split of the dataset's authors: see `splits.published_chakraborty`,
        `published_mitar` and `published_hejret`; helwak2013 is split by its files,
        manakov2022 by targets, without test rows, and "simulated" at random.
        Independent test sets are test rows only. A file is split by its column `split`,
        or at random if it has none. "column" is that column.
      pairs: the dataset if it is loaded already.
      seed: of a random choice in the split.

    Returns:
      The pairs and their split.

    Raises:
      ValueError: for an unknown protocol, or as `load_pairs` does.
    """
    if is_file(name):
        pairs = load_pairs(name) if pairs is None else pairs
        return pairs, split_file(name, pairs, protocol, seed)
    if protocol == COLUMN:
        raise ValueError(
            f"{protocol=} is for a file with a column split, and {name} is a dataset"
        )
    if protocol not in PROTOCOLS:
        raise ValueError(f"{protocol=} is not one of {', '.join(PROTOCOLS)}")
    first, _, others = name.partition("+")
    if others and protocol == "published":
        return join_splits(load_split(first, seed=seed), load_split(others, seed=seed))
    if pairs is None:
        pairs = load_pairs(name)
    if protocol != "published":
        return pairs, splits.split_pairs(pairs, protocol, seed)
    return pairs, _published_split(name, pairs, seed)


def _data_file(name: str) -> DataFile:
    """Return the catalogue's entry of a dataset that is one file."""
    if name not in NAMES and is_dataset(name):
        raise ValueError(_wrong_kind(name, "pairs", ", ".join(PAIR_DATASETS)))
    if name not in NAMES:
        raise ValueError(
            f"no dataset {name!r}, and no file of that name; there are "
            + ", ".join(NAMES)
        )
    if name == SIMULATED:
        raise ValueError(f"dataset {name!r} is generated and has no file")
    if name not in FILES:
        raise ValueError(
            f"dataset {name!r} is several files: {', '.join(JOINED[name])}"
        )
    return FILES[name]


def _wrong_kind(name: str, wanted: str, choices: str) -> str:
    if name in FILES:
        kind = FILES[name].kind
    else:
        kind = "fasta" if name.startswith(MIRBASE) else "pairs"
    return f"dataset {name!r} is {kind}, not {wanted}; use one of {choices}"


def _check_sha256(file: pathlib.Path, data_file: DataFile) -> None:
    found = file_sha256(file)
    if found != data_file.sha256:
        raise ValueError(
            f"{file}: sha256 is {found}, expected {data_file.sha256}; delete it or put"
            f" {data_file.url} in its place"
        )


def _keep_in_cache(text: str, file_name: str) -> pathlib.Path:
    """Write a text to the cache unless it is there already, and return its file."""
    file, content = cache_folder() / file_name, text.encode()
    if not file.is_file() or file.read_bytes() != content:
        make_cache_folder(file.parent)
        with atomic_write(file) as unfinished:
            unfinished.write_bytes(content)
    return file


def _published_split(name: str, pairs: Pairs, seed: int) -> Split:
    """Return the published split of a dataset; a random one of "simulated"."""
    num_rows = len(pairs)
    if name == SIMULATED:
        return splits.random_split(num_rows, seed)
    if name == HEJRET:
        num_test = num_rows - _HEJRET_TRAIN_ROWS
        return splits.published_hejret(_HEJRET_TRAIN_ROWS, num_test, seed)
    if pairs.parts is not None:  # each file is of one part
        return splits.split_by_parts(pairs.parts)
    match _data_file(JOINED.get(name, [name])[0]).published:
        case "chakraborty":
            return splits.published_chakraborty(num_rows)
        case "mitar":
            return splits.published_mitar(num_rows)
        case "hejret":
            return splits.published_hejret(num_rows, 0, seed)
        case _:  # none is published
            return splits.cluster_split(pairs.targets, seed, (0.9, 0.1, 0.0))
