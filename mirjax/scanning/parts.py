"""Part files: the rows of one slice each, so that a killed scan can be resumed.

They lie in the folder OUT.parts beside the output, with a manifest of the settings they
were made with. Each begins with the SHA-256 of its remaining bytes. If a part is
damaged, its slice is scanned again.
"""

import contextlib
import dataclasses
import hashlib
import json
import os
import pathlib
import re
from collections.abc import Iterator, Mapping

import pyarrow as pa
from absl import logging

from mirjax.files import atomic_write, hold_lock
from mirjax.scanning.slices import Slice

SUFFIX = ".parts"
FORMAT = 1  # of the folder and of a part; parts of another format are not read

_MANIFEST, _LOCK = "manifest.json", ".lock"
_IN_FOLDER = 1000  # parts; listing a folder stays quick
_OURS = re.compile(r"(\d+\.part|\..*\.unfinished|manifest\.json|\.lock)")
_DIGEST = 64  # letters of a SHA-256 in hexadecimal


class DamagedPartError(ValueError):
    """Bytes that are not a whole part."""


@dataclasses.dataclass(frozen=True)
class Part:
    """The rows of one slice.

    Attributes:
      number: of the slice.
      digest: of the slice's records; see `slice_digest`.
      table: the rows.
    """

    number: int
    digest: str
    table: pa.Table


def slice_digest(a_slice: Slice) -> str:
    """Return the SHA-256 of the names and sequences of a slice, in hexadecimal."""
    digest = hashlib.sha256()
    for record in a_slice.records:
        # Neither a name nor a sequence holds a line break.
        digest.update(f"{record.name}\n{record.sequence}\n".encode())
    return digest.hexdigest()


def encode_part(part: Part) -> bytes:
    """Return a part as bytes: a SHA-256, a line of JSON, and the table by Arrow."""
    header = {"format": FORMAT, "number": part.number, "digest": part.digest}
    sink = pa.BufferOutputStream()
    sink.write(json.dumps(header).encode() + b"\n")
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.ipc.new_stream(sink, part.table.schema, options=options) as writer:
        writer.write_table(part.table)
    content = sink.getvalue().to_pybytes()
    return hashlib.sha256(content).hexdigest().encode() + b"\n" + content


def decode_part(data: bytes) -> Part:
    """Decode the bytes that `encode_part` returns.

    Raises:
      DamagedPartError: if they are incomplete or changed.
    """
    digest, content = data[:_DIGEST], data[_DIGEST + 1 :]
    if hashlib.sha256(content).hexdigest().encode() != digest:
        raise DamagedPartError("the SHA-256 does not match")
    line, _, table = content.partition(b"\n")
    header = json.loads(line)
    if header["format"] != FORMAT:
        raise DamagedPartError(f"format {header['format']}, not {FORMAT}")
    with pa.ipc.open_stream(pa.py_buffer(table)) as reader:
        return Part(header["number"], header["digest"], reader.read_all())


@dataclasses.dataclass(frozen=True)
class PartsFolder:
    """The parts of one output, held by this process.

    Attributes:
      folder: OUT.parts.
    """

    folder: pathlib.Path

    def load(self, a_slice: Slice) -> pa.Table | None:
        """Return the stored rows of a slice; None if they are missing or damaged.

        Raises:
          ValueError: if they were made from other transcripts.
        """
        path = self._path(a_slice.number)
        try:
            part = decode_part(path.read_bytes())
        except FileNotFoundError:
            return None
        except DamagedPartError as error:
            logging.warning("%s is damaged (%s): scanned again", path, error)
            return None
        if (part.number, part.digest) != (a_slice.number, slice_digest(a_slice)):
            names = [record.name for record in a_slice.records]
            raise ValueError(
                f"{path}: the targets {names[0]} to {names[-1]} are not those that it "
                "was made from; give the same targets, or leave out --resume to scan "
                "all again"
            )
        return part.table

    def store(self, number: int, data: bytes) -> None:
        """Store an encoded part; it appears whole or not at all."""
        path = self._path(number)
        path.parent.mkdir(exist_ok=True)
        with atomic_write(path) as unfinished:
            unfinished.write_bytes(data)

    def _path(self, number: int) -> pathlib.Path:
        return self.folder / f"{number // _IN_FOLDER:06d}" / f"{number:09d}.part"


def parts_folder(out: str | os.PathLike[str]) -> pathlib.Path:
    """Return the folder of the parts of an output."""
    path = pathlib.Path(os.path.realpath(out))
    return path.with_name(path.name + SUFFIX)


@contextlib.contextmanager
def open_parts(
    out: str | os.PathLike[str], settings: Mapping[str, str], *, resume: bool
) -> Iterator[PartsFolder]:
    """Lock the parts of an output; they are deleted when the block ends without error.

    Args:
      out: the output.
      settings: what the rows depend on besides the targets, by name: the value of a
        flag, or the SHA-256 of an input.
      resume: use the parts of an earlier run; otherwise they are deleted.

    Raises:
      ValueError: if the folder holds other files, another process uses it, or it
        was made with other settings; the message names what differs.
    """
    folder = parts_folder(out)
    _check_ours(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with hold_lock(folder / _LOCK, f"--out: {folder}"):
        if resume:
            _check_settings(folder, settings)
        else:
            _delete_parts(folder, "an earlier run")
        with atomic_write(folder / _MANIFEST) as unfinished:
            content = {"format": FORMAT, "settings": dict(settings)}
            unfinished.write_text(json.dumps(content, indent=2))
        try:
            yield PartsFolder(folder)
        except BaseException:
            if not any(folder.glob("*/*.part")):
                _delete(folder)  # nothing to resume
            raise
        _delete(folder)


def differing(one: Mapping[str, str], other: Mapping[str, str]) -> list[str]:
    """Return the settings that differ, as "name=value (was value)".

    >>> differing({"step": "15"}, {"step": "22"})
    ['step=15 (was 22)']
    """
    names = [*one, *(name for name in other if name not in one)]
    return [
        f"{name}={one.get(name, 'not given')} (was {other.get(name, 'not given')})"
        for name in names
        if one.get(name) != other.get(name)
    ]


def _check_settings(folder: pathlib.Path, settings: Mapping[str, str]) -> None:
    """Raise a ValueError if the parts of a folder were made with other settings."""
    manifest = folder / _MANIFEST
    if not manifest.exists():  # a first run, or one that was killed at its start
        return
    try:
        content = json.loads(manifest.read_text())
        made_by, before = content["format"], dict(content["settings"])
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"--resume: {manifest} is damaged ({error}); leave out --resume to scan "
            "all again"
        ) from error
    changes = differing(settings, before)
    if made_by != FORMAT:
        changes.append(f"format {FORMAT} (was {made_by})")
    if changes:
        raise ValueError(
            f"--resume: {folder} was made with other settings: {', '.join(changes)}; "
            "give the same, or leave out --resume to scan all again"
        )


def _check_ours(folder: pathlib.Path) -> None:
    """Raise a ValueError if a folder holds files that are not parts."""
    if not folder.exists():
        return
    if not folder.is_dir() or folder.is_symlink():
        raise ValueError(f"--out: {folder} is not a folder; choose another --out")
    for path in folder.rglob("*"):
        if not path.is_dir() and not _OURS.fullmatch(path.name):
            raise ValueError(
                f"--out: {folder} holds {path.name}, which is not part of a scan; move "
                "it, or choose another --out"
            )


def _delete_parts(folder: pathlib.Path, why: str = "") -> None:
    """Delete the parts and their folders, but not the lock."""
    before = list(folder.glob("*/*.part"))
    if before and why:
        logging.info("deleting %d parts of %s in %s", len(before), why, folder)
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir():
            path.rmdir()
        elif path.name != _LOCK:
            path.unlink()


def _delete(folder: pathlib.Path) -> None:
    """Delete the folder, which this process has locked."""
    _delete_parts(folder)
    (folder / _LOCK).unlink()
    with contextlib.suppress(OSError):  # another process has just begun to use it
        folder.rmdir()
