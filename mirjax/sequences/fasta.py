"""Read and write FASTA files of RNA or DNA sequences, 5'→3'."""

import os
import pathlib
import re
import unicodedata
from collections.abc import Container, Iterable, Iterator, Sequence
from typing import NamedTuple

from mirjax.files import atomic_write
from mirjax.inputs import Content, Source, input_name, read_content, read_text
from mirjax.sequences import alphabet
from mirjax.sequences.bad_records import REFUSE, BadRecords
from mirjax.sequences.records import SequenceRecord

_BLANKS = " \t"
_SHOWN = 60  # characters of a name or a line that a message shows
_MAX_LETTERS = 1 << 30  # of a record; the longest chromosomes have about as many


class NoRecord(NamedTuple):
    """A record that cannot be read.

    Attributes:
      label: its name, or its number in the file.
      reason: what is wrong with it.
    """

    label: str
    reason: str


class _Entry(NamedTuple):
    """A record of the file: its title without ">", and its joined lines."""

    title: str
    letters: str


def read_fasta(
    path: Source,
    *,
    bad_records: BadRecords | None = None,
    min_length: int = 1,
    unknown_letters: bool = False,
) -> list[SequenceRecord]:
    """Read a FASTA file of RNA or DNA sequences, 5'→3'.

    Args:
      path: the file, plain or gzipped, or - for standard input. It is read once. A
        record's name is the first word of its title line: what follows the first space
        or tab is not part of it.
      bad_records: what to do with records that cannot be read; by default they are
        refused, all in one message.
      min_length: letters of the shortest record, in nt.
      unknown_letters: read N and the other IUPAC codes as N.

    Returns:
      The records in file order, in RNA letters.

    Raises:
      ValueError: if the file is missing, empty or not FASTA; for a record that has no
        name, a control character in its name, a name already used, fewer letters than
        `min_length`, or a letter other than A, C, G, T and U.
    """
    file = input_name(path)
    records: dict[str, SequenceRecord] = {}
    bad: list[tuple[str, str]] = []
    lines = read_text(path).split("\n")
    for record in parse(
        lines, file, min_length=min_length, unknown_letters=unknown_letters
    ):
        if isinstance(record, NoRecord):
            bad.append((record.label, record.reason))
        else:
            records[record.name] = record
    (bad_records or BadRecords()).report(path, bad, len(records) + len(bad))
    return list(records.values())


def parse(
    lines: Iterable[str],
    file: str,
    *,
    min_length: int = 1,
    unknown_letters: bool = False,
) -> Iterator[SequenceRecord | NoRecord]:
    """Parse the lines of a FASTA file, one record at a time.

    Args:
      lines: without their line feeds; read on demand.
      file: name of the file in messages.
      min_length: as for `read_fasta`.
      unknown_letters: likewise.

    Returns:
      An iterator of the records in file order, and of those that cannot be read.

    Raises:
      ValueError: for a line before the first record, or a record that is too long.
    """
    used: set[str] = set()
    for number, entry in enumerate(_entries(lines, file), 1):
        name = re.split("[ \t]", entry.title.lstrip(_BLANKS), maxsplit=1)[0]
        try:
            if not name:
                raise ValueError("no name after '>'")
            check_name(name, used)
            letters = alphabet.normalise(entry.letters, unknown_letters=unknown_letters)
            if len(letters) < min_length:
                raise ValueError(f"{len(letters)} nt, at least {min_length} are needed")
        except ValueError as error:
            yield NoRecord(_label(name, number), str(error))
            continue
        used.add(name)
        yield SequenceRecord(name, letters)


def _entries(text_lines: Iterable[str], file: str) -> Iterator[_Entry]:
    """Divide the lines of a FASTA file into its records.

    Raises:
      ValueError: for a line before the first record, or a record that is too long.
    """
    title: str | None = None
    lines: list[str] = []
    length = 0
    for number, line in enumerate(text_lines, 1):
        # Blanks before ">" are ignored: ">" is not a letter of a sequence.
        line = line.strip(" \t\r")
        if line.startswith(">"):
            if title is not None:
                yield _Entry(title, "".join(lines))
            title, lines, length = line[1:], [], 0
        elif title is not None:
            lines.append(line.replace(" ", "").replace("\t", ""))
            length += len(lines[-1])
            if length > _MAX_LETTERS:
                raise ValueError(
                    f"{file}: line {number}: a record of more than {_MAX_LETTERS:,} "
                    "letters; divide it"
                )
        elif line:
            raise ValueError(
                f"{file}: not a FASTA file: line {number} ({line[:_SHOWN]!r}) stands "
                "before the first record, which begins with '>'"
            )
    if title is not None:
        yield _Entry(title, "".join(lines))


def check_name(name: str, used: Container[str] = ()) -> None:
    """Check that a record of a FASTA file can have a name.

    Args:
      name: the name.
      used: names of the records before it.

    Raises:
      ValueError: if it is empty, holds a space or a control character, or is used.
    """
    if not name:
        raise ValueError("no name")
    if " " in name:
        raise ValueError(f"a space in the name {name!r}; replace it, such as by _")
    if any(unicodedata.category(character) == "Cc" for character in name):
        raise ValueError("a control character in the name")
    if name in used:
        raise ValueError("a second record of that name")


def _label(name: str, number: int) -> str:
    """Return the name of a bad record in messages."""
    if not name.isprintable():
        name = repr(name)
    return name[:_SHOWN] or f"record {number}"


def read_once(path: Source, bad_records: BadRecords) -> Content:
    """Read a FASTA file once, for several readers; leave out bad records if requested.

    Args:
      path: as for `read_fasta`.
      bad_records: likewise; if they are refused, the readers do so.

    Raises:
      ValueError: as `read_fasta` does, if bad records are left out.
    """
    content = read_content(path)
    if bad_records.choice == REFUSE:
        return content
    before = len(bad_records.skipped)
    records = read_fasta(content, bad_records=bad_records)
    if len(bad_records.skipped) == before:
        return content
    return Content(content.name, _to_text(records).encode())


def write_fasta(
    path: str | os.PathLike[str], records: Sequence[SequenceRecord]
) -> None:
    """Write records as FASTA, whole or not at all.

    Args:
      path: the file to write; an existing one is replaced.
      records: to write, with one title line and one sequence line each.
    """
    with atomic_write(pathlib.Path(path)) as unfinished:
        unfinished.write_text(_to_text(records), encoding="utf-8")


def _to_text(records: Sequence[SequenceRecord]) -> str:
    return "".join(f">{record.name}\n{record.sequence}\n" for record in records)
