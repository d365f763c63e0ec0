"""Duplexes as text: compact pairing strings, and three-line drawings.

A pairing string is ViennaRNA's notation of a duplex: the letters of the site, `&`, and
all letters of the miRNA, both 5'→3'. An opening bracket is a letter of the site that
pairs, Watson-Crick or wobble, with the letter of the matching closing bracket; a dot is
an unpaired letter. At ACUACCUC, letters 2-8 of let-7a pair with all letters of the site
but the first:

    .(((((((&.)))))))..............

In a drawing the target runs 5'→3', the miRNA below it 3'→5'. A bar is a Watson-Crick
pair, a colon a wobble. Two opposite letters that do not pair have a space between them;
an unpaired letter with none opposite faces a dash.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Bool, Int64, UInt8

from mirjax.sequences import alphabet
from mirjax.sequences.pairing import PARTNERS, WATSON_CRICK, WOBBLE, WOBBLE_PARTNERS
from mirjax.sequences.records import SequenceRecord

_FORM = re.compile(r"([(.]*)&([).]*)")
_BAR, _COLON, _BLANK, _GAP = "|", ":", " ", "-"


def pairing_strings(
    mirnas: UInt8[np.ndarray, "sites letters"],
    segments: UInt8[np.ndarray, "sites columns"],
    partners: Int64[np.ndarray, "sites letters"],
) -> tuple[Int64[np.ndarray, " sites"], list[str]]:
    """Return the first column of each duplex, and its pairing string.

    Args:
      mirnas: tokens, 5'→3', padded on the right.
      segments: tokens of the transcript, 5'→3', each up to the end of its site.
      partners: column opposite each letter of the miRNA, or -1; from `alignment.paths`.
    """
    columns = segments.shape[1]
    rows, letters = np.nonzero(partners >= 0)
    facing = partners[rows, letters]
    pairs = _PAIRS[mirnas[rows, letters], segments[rows, facing]]
    rows, letters, facing = rows[pairs], letters[pairs], facing[pairs]
    starts = np.full(len(mirnas), columns)
    np.minimum.at(starts, rows, facing)
    site = np.full(segments.shape, ord("."), np.uint8)
    site[rows, facing] = ord("(")
    guide = np.full(mirnas.shape, ord("."), np.uint8)
    guide[rows, letters] = ord(")")
    lengths = (mirnas != alphabet.PAD).sum(axis=1)
    strings = [
        f"{one[start:].tobytes().decode()}&{other[:length].tobytes().decode()}"
        for one, other, start, length in zip(site, guide, starts, lengths, strict=True)
    ]
    return starts, strings


def _pair_table() -> Bool[np.ndarray, "256 256"]:
    table = np.zeros((256, 256), bool)
    for one, other in alphabet.encode([*WATSON_CRICK, *WOBBLE], 2):
        table[one, other] = True
    return table


_PAIRS = _pair_table()


def draw(site: str, mirna: str, pairing: str, after: str = "") -> tuple[str, str, str]:
    """Draw a duplex.

    >>> draw("ACUACCUC", "UGAGGUAGU", ".(((((((&.))))))).", "A")[1]
    '    |||||||    '

    Args:
      site: letters of the site, 5'→3'.
      mirna: letters of the miRNA, 5'→3'.
      pairing: its pairing string.
      after: letters that follow the site, 5'→3', drawn opposite the miRNA's first
        letters.

    Returns:
      Three lines of one length: target, pairs, miRNA.

    Raises:
      ValueError: for a string that does not fit the site and the miRNA.
    """
    match = _FORM.fullmatch(pairing)
    sizes = [len(part) for part in match.groups()] if match else []
    if not match or sizes != [len(site), len(mirna)]:
        raise ValueError(
            f"{pairing}: not a pairing string of {len(site)} and {len(mirna)} letters"
        )
    above = [place for place, sign in enumerate(match[1]) if sign == "("]
    below = [place for place, sign in enumerate(match[2][::-1]) if sign == ")"]
    if len(above) != len(below):
        raise ValueError(f"{pairing}: {len(above)} brackets open, {len(below)} close")
    guide = mirna[::-1]
    lines = ["", "", ""]
    for (a, b), (c, d) in zip(
        zip([-1, *above], [*above, len(site)], strict=True),
        zip([-1, *below], [*below, len(guide)], strict=True),
        strict=True,
    ):
        loop = site[a + 1 : b], guide[c + 1 : d]
        if b == len(site):
            loop = loop[0] + after[: len(loop[1]) - len(loop[0])], loop[1]
        _add_loop(lines, *loop, at_start=a < 0, at_end=b == len(site))
        if b < len(site) and d < len(guide):
            lines[0] += site[b]
            lines[1] += _sign(site[b], guide[d])
            lines[2] += guide[d]
    top, middle, bottom = lines
    return f"5' {top} 3'", f"   {middle}   ", f"3' {bottom} 5'"


def _add_loop(
    lines: list[str], above: str, below: str, *, at_start: bool, at_end: bool
) -> None:
    """Add letters that do not pair, facing one another as far as they can."""
    size = max(len(above), len(below))
    blank = _BLANK if at_start or at_end else _GAP
    for line, letters in ((0, above), (2, below)):
        missing = blank * (size - len(letters))
        lines[line] += missing + letters if at_start else letters + missing
    lines[1] += _BLANK * size


def _sign(one: str, other: str) -> str:
    if PARTNERS.get(one) == other:
        return _BAR
    if WOBBLE_PARTNERS.get(one) == other:
        return _COLON
    raise ValueError(
        f"{one} and {other} are paired, but neither a Watson-Crick pair nor a wobble"
    )


def drawings(
    tables: Iterable[pa.Table],
    transcripts: Iterable[SequenceRecord],
    mirnas: Mapping[str, str],
) -> Iterator[str]:
    """Draw every site of a table, reading the transcripts once in step with it.

    Args:
      tables: tables of sites, in the order of the transcripts.
      transcripts: of the search, 5'→3'.
      mirnas: sequence of each, 5'→3', by name.

    Yields:
      For each site a heading, with its type, score and p-value, and the three lines.

    Raises:
      ValueError: for a site of a transcript that does not follow in `transcripts`, or
        of a miRNA that is not in `mirnas`.
    """
    rest = iter(transcripts)
    current: SequenceRecord | None = None
    for table in tables:
        for row in table.to_pylist():
            while current is None or current.name != row["target"]:
                current = next(rest, None)
                if current is None:
                    raise ValueError(
                        f"site of {row['target']}: no such transcript follows; draw "
                        "with the transcripts of the search, in their order"
                    )
            if row["mirna"] not in mirnas:
                raise ValueError(f"site of {row['mirna']}: no such miRNA was given")
            yield _drawing(row, current.sequence, mirnas[row["mirna"]])


def _drawing(row: Mapping[str, Any], transcript: str, mirna: str) -> str:
    """Return the heading and the lines of one site, and an empty line."""
    start, end = row["start"], row["end"]
    after = transcript[end : end + len(mirna)]
    lines = draw(transcript[start:end], mirna, row["duplex"], after)
    values = [row["site_type"], f"score {row['score']:.6g}"]
    if row["pvalue"] is not None:
        values.append(f"p {row['pvalue']:.3g}")
    heading = f"{row['mirna']} {row['target']}:{start}-{end} {', '.join(values)}"
    return "\n".join([heading, *(line.rstrip() for line in lines), "", ""])
