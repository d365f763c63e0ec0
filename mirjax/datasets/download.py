"""Download published files over https, and check their SHA-256."""

import http.client
import pathlib
import time
import urllib.parse
import urllib.request

from absl import logging

from mirjax import cli
from mirjax.datasets.published_files import DataFile
from mirjax.files import atomic_write, file_sha256, make_cache_folder

SCHEMES = ("https",)  # of the addresses that may be downloaded
TIMEOUT_SECONDS = 30  # without an answer
DEADLINE_SECONDS = 1_800  # for a whole file
MAX_BYTES = 1 << 28  # of a file whose size is not in the catalogue

_CHUNK_BYTES = 1 << 16


def download(name: str, data_file: DataFile, destination: pathlib.Path) -> pathlib.Path:
    """Download a published file.

    It is written under a temporary name, and renamed once its size and SHA-256 have
    been checked. A download of more than the file's size is stopped.

    Args:
      name: the dataset's name, for messages.
      data_file: address, size and SHA-256 of the file.
      destination: path to write; missing folders are created.

    Returns:
      `destination`.

    Raises:
      ValueError: if the address is not https, the download fails, takes too long or is
        too large, or the SHA-256 is wrong.
      OSError: if the folder cannot be created or written.
    """
    url = data_file.url
    _check_scheme(name, url)
    make_cache_folder(destination.parent)
    logging.info("downloading %s to %s", url, destination)
    try:
        with atomic_write(destination) as unfinished:
            _fetch(name, data_file, unfinished)
            found = file_sha256(unfinished)
            if found != data_file.sha256:
                raise ValueError(
                    f"dataset {name!r}: {url} now has sha256 {found}, expected"
                    f" {data_file.sha256}; it was damaged on the way or has changed, so"
                    " nothing was kept"
                )
    except (OSError, http.client.HTTPException) as error:
        raise ValueError(
            f"dataset {name!r} has no local copy and cannot be downloaded"
            f" ({_one_line(error)}): save {url} as {data_file.file} in a folder and set"
            " MIRJAX_DATA_DIR to that folder, or use the built-in simulated data"
            " (--config=configs/seq2seq.py:simulated, --data=simulated)"
        ) from error
    return destination


def _fetch(name: str, data_file: DataFile, file: pathlib.Path) -> None:
    """Write the content of an address to a file, and show progress."""
    url, size = data_file.url, data_file.size
    limit, received = size or MAX_BYTES, 0
    deadline = time.monotonic() + DEADLINE_SECONDS
    with (
        urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as response,
        open(file, "wb") as out,
        cli.progress(
            size or response.length, f"downloading {name}, bytes", in_bytes=True
        ) as report,
    ):
        _check_scheme(name, response.url)  # it may have been redirected
        # read1 returns what has arrived, so that a slow server cannot delay the checks.
        while chunk := response.read1(_CHUNK_BYTES):
            received += len(chunk)
            if received > limit:
                raise ValueError(
                    f"dataset {name!r}: {url} sends more than the {limit:,} bytes that"
                    " it may have, so nothing was kept; it has changed"
                )
            if time.monotonic() > deadline:
                raise TimeoutError(
                    f"{received:,} bytes arrived in {DEADLINE_SECONDS} seconds"
                )
            out.write(chunk)
            report(len(chunk))
        expected = size or received + (response.length or 0)
    if received < expected:
        raise ConnectionError(f"{received:,} of {expected:,} bytes arrived")


def _check_scheme(name: str, url: str) -> None:
    if urllib.parse.urlsplit(url).scheme not in SCHEMES:
        raise ValueError(f"dataset {name!r}: {url} is not https")


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
