"""Named datasets: find or fetch their files, load them, split them.

A file is looked for under the folder that the environment variable MIRJAX_DATA_DIR
names, then in the user's cache folder, and is else downloaded into that cache from its
public address. Wherever it is found, its SHA-256 is checked.

Pairs (`load_pairs`, `load_split`):
  chakraborty2019            19,230 pairs the seq2seq model was trained on
  mitar2021                  27,719 rows, miTAR's combined set
  mitar2021/deepmirtar       7,758 rows, the DeepMirTar part that miTAR1 was trained on
  mitar2021/deepmirtar_test  48 positive pairs
  mitar2021/deepmirtar_indtest, mitar2021/miraw_indtest
                             827 and 41,862 rows, miTAR's two "independent" tests
  mitar2021/miraw_test       1,999 rows, the test of the miRAW variant
  hejret2023                 9,158 rows: hejret2023/train, then hejret2023/test
  simulated                  made on the spot by `simulate`, no file
FASTA (`load_fasta`): mirbase/hsa (human, release 22), mirbase/all (release 22.1),
mitar2021/fasta_mirna and mitar2021/fasta_mrna (example inputs), and simulated.
Files (`path`): each of these that is one file, and the published Keras weights
mitar2021/weights/miTAR and mitar2021/weights/miTAR1.
Several datasets of pairs are joined by "+", as in chakraborty2019+mitar2021.
"""

import dataclasses
import hashlib
import http.client
import os
import pathlib
import urllib.parse
import urllib.request
from typing import Any

import numpy as np
import platformdirs
from absl import logging
from rich import console, progress

from mirjax.datasets import readers, splits
from mirjax.datasets.catalogue import FILES, NAMES, DataFile
from mirjax.datasets.simulate import simulate
from mirjax.sequences import fasta
from mirjax.sequences.records import Pairs, SequenceRecord, Split

SIMULATED_SIZE = 6_000
PROTOCOLS = ("published", *splits.PROTOCOLS)

_SCHEMES = ("https",)  # the only addresses that anything is downloaded from
_TIMEOUT_SECONDS = 30
_CHUNK_BYTES = 1 << 16
_HEJRET_TRAIN_ROWS = 8_193


def path(name: str) -> pathlib.Path:
    """Return where a dataset's file lies, downloading it if need be.

    Args:
      name: one of `NAMES` that is one file.

    Returns:
      The path of a file whose SHA-256 has just been checked.

    Raises:
      ValueError: for an unknown name or one that is not one file, a file whose SHA-256
        is wrong, or one that is nowhere and cannot be downloaded.
    """
    data_file = _data_file(name)
    cache = pathlib.Path(platformdirs.user_cache_dir("mirjax"))
    folders = [cache]
    if given := os.environ.get("MIRJAX_DATA_DIR"):
        folders.insert(0, pathlib.Path(given).expanduser())
    for folder in folders:
        candidate = folder / data_file.file
        if candidate.is_file():
            _check_sha256(candidate, data_file)
            return candidate
    return _download(name, data_file, cache / data_file.file)


def load_pairs(name: str, *, size: int = SIMULATED_SIZE, seed: int = 0) -> Pairs:
    """Load a dataset of pairs, 5'→3', in file order.

    Args:
      name: one of `NAMES` that holds pairs, or several joined by "+", in this order.
        hejret2023 is its train rows, then its test rows. The headerless files of
        mitar2021 come without their first row, which the published reader takes for a
        header.
      size: pairs to make, of "simulated" only.
      seed: what to make them from, of "simulated" only.

    Returns:
      The pairs.

    Raises:
      ValueError: as `path` does, or if the dataset holds no pairs.
    """
    first, _, others = name.partition("+")
    if others:
        return _joined(load_pairs(first), load_pairs(others))
    if name == "simulated":
        return simulate(size, seed=seed).pairs
    if name == "hejret2023":
        return _joined(load_pairs("hejret2023/train"), load_pairs("hejret2023/test"))
    data_file = _data_file(name, "pairs")
    pairs = readers.read_pairs(path(name), data_file.data_format)
    return pairs.take(range(data_file.first_row, len(pairs)))


def load_split(
    name: str, protocol: str = "published", *, pairs: Pairs | None = None, seed: int = 0
) -> tuple[Pairs, Split]:
    """Load a dataset of pairs and divide it.

    Args:
      name: one of `NAMES` that holds pairs, or several joined by "+", such as
        chakraborty2019+mitar2021: each is divided as published, or all rows together by
        another protocol.
      protocol: "published" is what its authors did: see `splits.published_chakraborty`,
        `published_mitar` and `published_hejret`; the independent test sets are test
        rows only; of "simulated" it is a random split. Or one of `splits.PROTOCOLS`.
      pairs: the dataset where it is loaded already, such as a simulation of other size.
      seed: decides the split where the protocol leaves it open.

    Returns:
      The pairs and their split.

    Raises:
      ValueError: for an unknown protocol, or as `load_pairs` does.
    """
    if protocol not in PROTOCOLS:
        raise ValueError(f"{protocol=} is not one of {', '.join(PROTOCOLS)}")
    first, _, others = name.partition("+")
    if others and protocol == "published":
        return _joined_split(
            load_split(first, seed=seed), load_split(others, seed=seed)
        )
    if pairs is None:
        pairs = load_pairs(name)
    if protocol != "published":
        return pairs, splits.split_pairs(pairs, protocol, seed)
    return pairs, _published_split(name, len(pairs), seed)


def load_fasta(name: str, *, seed: int = 0) -> list[SequenceRecord]:
    """Load a dataset of single sequences, 5'→3'.

    Args:
      name: one of `NAMES` that is FASTA, or "simulated" for the simulation's miRNAs.
      seed: that of the simulation, of "simulated" only.

    Returns:
      The records in file order.

    Raises:
      ValueError: as `path` does, or if the dataset is not FASTA.
    """
    if name == "simulated":
        return list(simulate(1, seed=seed).mirnas)
    _data_file(name, "fasta")
    return fasta.read_fasta(path(name))


def _data_file(name: str, kind: str = "") -> DataFile:
    """Look a name up; where a kind is given, it must be of that."""
    if name not in NAMES:
        raise ValueError(f"no dataset {name!r}; there are {', '.join(NAMES)}")
    if name == "simulated":
        raise ValueError("dataset 'simulated' is made on the spot and has no file")
    if name not in FILES:
        raise ValueError(f"dataset {name!r} is two files: {name}/train, {name}/test")
    if kind and kind != FILES[name].kind:
        names = ", ".join(n for n in FILES if FILES[n].kind == kind)
        raise ValueError(
            f"dataset {name!r} is {FILES[name].kind}, not {kind}; use one of {names}"
        )
    return FILES[name]


def _joined(first: Pairs, second: Pairs) -> Pairs:
    """Return the rows of one dataset followed by those of another.

    A column that one of them lacks is left out, but for labels: without them, every row
    binds.
    """
    columns: dict[str, Any] = {}
    for field in dataclasses.fields(Pairs):
        a, b = (
            np.ones(len(pairs), np.uint8)
            if field.name == "labels" and pairs.labels is None
            else getattr(pairs, field.name)
            for pairs in (first, second)
        )
        if isinstance(a, np.ndarray):
            columns[field.name] = np.concatenate([a, b])
        elif a is not None and b is not None:
            columns[field.name] = [*a, *b]
    return Pairs(**columns)


def _joined_split(
    first: tuple[Pairs, Split], second: tuple[Pairs, Split]
) -> tuple[Pairs, Split]:
    """Return two divided datasets as one, each row in its own part."""
    (pairs, parts), (more_pairs, more_parts) = first, second
    joined = {
        field.name: np.concatenate(
            [
                getattr(parts, field.name),
                len(pairs) + getattr(more_parts, field.name),
            ]
        )
        for field in dataclasses.fields(Split)
    }
    return _joined(pairs, more_pairs), Split(**joined)


def _published_split(name: str, num_rows: int, seed: int) -> Split:
    if name == "simulated":
        return splits.random_split(num_rows, seed)
    if name == "hejret2023":
        num_test = num_rows - _HEJRET_TRAIN_ROWS
        return splits.published_hejret(_HEJRET_TRAIN_ROWS, num_test, seed)
    match _data_file(name).published:
        case "chakraborty":
            return splits.published_chakraborty(num_rows)
        case "mitar":
            return splits.published_mitar(num_rows)
        case "hejret":
            return splits.published_hejret(num_rows, 0, seed)
        case _:
            none = np.arange(0)
            return Split(none, none, np.arange(num_rows))


def _sha256(file: pathlib.Path) -> str:
    with open(file, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _check_sha256(file: pathlib.Path, data_file: DataFile) -> None:
    found = _sha256(file)
    if found != data_file.sha256:
        raise ValueError(
            f"{file}: sha256 is {found}, expected {data_file.sha256}; delete it or put"
            f" {data_file.url} in its place"
        )


def _download(
    name: str, data_file: DataFile, destination: pathlib.Path
) -> pathlib.Path:
    """Download a file whole, check it, and only then give it its name."""
    if urllib.parse.urlsplit(data_file.url).scheme not in _SCHEMES:
        raise ValueError(f"dataset {name!r}: {data_file.url} is not https")
    destination.parent.mkdir(parents=True, exist_ok=True)
    unfinished = destination.with_name(f".{destination.name}.{os.getpid()}.unfinished")
    logging.info("downloading %s to %s", data_file.url, destination)
    try:
        _copy(data_file.url, unfinished, name)
        found = _sha256(unfinished)
        if found != data_file.sha256:
            raise ValueError(
                f"dataset {name!r}: {data_file.url} now has sha256 {found}, expected"
                f" {data_file.sha256}; it was damaged on the way or has changed, so"
                f" nothing was kept"
            )
        os.replace(unfinished, destination)
    except (OSError, http.client.HTTPException) as error:
        raise ValueError(
            f"dataset {name!r} is not here and cannot be downloaded"
            f" ({_one_line(error)}): put {data_file.url} at {data_file.file} in a"
            " folder and name that folder in MIRJAX_DATA_DIR, or use the built-in"
            " simulated data (--config=configs/seq2seq.py:simulated, --data=simulated)"
        ) from error
    finally:
        unfinished.unlink(missing_ok=True)
    return destination


def _copy(url: str, file: pathlib.Path, name: str) -> None:
    """Stream an address into a file, with a progress bar on a terminal."""
    terminal = console.Console(stderr=True)
    with (
        urllib.request.urlopen(url, timeout=_TIMEOUT_SECONDS) as response,
        open(file, "wb") as out,
        progress.Progress(
            *progress.Progress.get_default_columns(),
            progress.DownloadColumn(),
            console=terminal,
            disable=not terminal.is_terminal,
        ) as bar,
    ):
        length = response.headers.get("Content-Length")
        task = bar.add_task(name, total=int(length) if length else None)
        while chunk := response.read(_CHUNK_BYTES):
            out.write(chunk)
            bar.advance(task, len(chunk))


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
