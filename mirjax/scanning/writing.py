"""Scan transcripts slice by slice, and write the table as it goes."""

import contextlib
import io
from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc

from mirjax.scanning.slices import SliceScanner
from mirjax.scanning.transcripts import Transcripts

_DECIMALS = 6  # of a score

# Takes the number of letters and a description; gives a function that is called with
# the number of letters done since its previous call.
Progress = Callable[
    [int, str], contextlib.AbstractContextManager[Callable[[int], None]]
]


def write_table(
    file: io.BufferedIOBase,
    scanner: SliceScanner,
    transcripts: Transcripts,
    progress: Progress,
) -> int:
    """Write the sites of transcripts as a tab-separated table, under a header.

    Args:
      file: what to write to.
      scanner: scans a slice.
      transcripts: what to scan, in memory of one slice at a time.
      progress: shows how many letters are scanned.

    Returns:
      The number of rows.
    """
    rows = 0
    with progress(transcripts.num_letters, "scanning letters") as report:
        for part in transcripts.slices():
            table = scanner(part)
            file.write(_to_tsv(table, header=part.number == 0))
            rows += table.num_rows
            report(sum(len(record.sequence) for record in part.records))
    return rows


def _to_tsv(table: pa.Table, header: bool) -> bytes:
    """Return a table as tab-separated text."""
    columns = []
    for column in table.combine_chunks().columns:
        if pa.types.is_floating(column.type):
            column = pc.round(column.cast(pa.float64()), _DECIMALS)
        columns.append(column.cast(pa.string()))
    first = "\t".join(table.column_names) + "\n" if header else ""
    lines = pc.binary_join_element_wise(*columns, "\t").to_pylist()
    return (first + "".join(f"{line}\n" for line in lines)).encode()
