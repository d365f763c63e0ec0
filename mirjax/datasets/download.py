"""Download of published files: over https, kept only if their SHA-256 is right."""

import http.client
import pathlib
import urllib.parse
import urllib.request

from absl import logging

from mirjax.datasets.catalogue import DataFile
from mirjax.files import atomic_write, file_sha256

SCHEMES = ("https",)  # of the addresses that may be downloaded

_TIMEOUT_SECONDS = 30  # without an answer
_CHUNK_BYTES = 1 << 16


def download(name: str, data_file: DataFile, destination: pathlib.Path) -> pathlib.Path:
    """Download a published file.

    It is written under a temporary name and gets its own once its SHA-256 has been
    checked.

    Args:
      name: the dataset's name, for messages.
      data_file: address and SHA-256 of the file.
      destination: where to put it; missing folders are created.

    Returns:
      `destination`.

    Raises:
      ValueError: if the address is not https, the download fails, or the SHA-256 is
        wrong.
      OSError: if the folder cannot be created.
    """
    url = data_file.url
    if urllib.parse.urlsplit(url).scheme not in SCHEMES:
        raise ValueError(f"dataset {name!r}: {url} is not https")
    destination.parent.mkdir(parents=True, exist_ok=True)
    logging.info("downloading %s to %s", url, destination)
    try:
        with atomic_write(destination) as unfinished:
            _fetch(url, unfinished, name)
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


def _fetch(url: str, file: pathlib.Path, name: str) -> None:
    """Write the content of an address to a file, with a progress bar on a terminal."""
    from rich import console, progress  # slow to import, and seldom needed

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
