"""Tables of random text: every row is read, or the file is refused."""

import csv
import io

import hypothesis
import pytest
from hypothesis import strategies

from mirjax.datasets import formats, readers

_HEADERS = ("mirna,target", "mirna,target,label", "mirna\ttarget\tlabel", "")
_PIECES = (
    *("AC,GU\n", "AC,GU,1\n", "AC\tGU\t0\n", "m\tAC\tg\tGU\t1\n", "\n", "\r\n", ",,\n"),
    *(
        '"',
        "\t",
        ",",
        " ",
        "N",
        "-",
        "\0",
        "\r",
        "\u00a0",
        "\u2028",
        "é",
        '"AC","GU"\n',
    ),
)
_rows = strategies.lists(strategies.sampled_from(_PIECES), max_size=12).map("".join)
_sequence = strategies.text("ACGTUacgtu", min_size=1, max_size=8)
_cell = strategies.text(strategies.characters(exclude_categories=("Cc", "Cs")))
_settings = hypothesis.settings(
    max_examples=300, derandomize=True, deadline=None, database=None
)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz") / "table"


@pytest.mark.slow
@_settings
@hypothesis.given(
    header=strategies.sampled_from(_HEADERS),
    rows=_rows,
    data_format=strategies.sampled_from(("", "", *formats.FORMATS)),
)
def test_random_rows_are_read_whole_or_refused(path, header, rows, data_format):
    path.write_bytes(f"{header}\n{rows}".encode())
    try:
        pairs = readers.read_pairs(path, data_format)
    except ValueError as error:
        assert str(error).startswith(str(path))
        return
    lines = rows.replace("\r\n", "\n").split("\n")
    assert len(pairs) == sum(bool(line.strip()) for line in lines)
    assert set("".join([*pairs.mirnas, *pairs.targets])) <= set("ACGU")


@pytest.mark.slow
@_settings
@hypothesis.given(
    rows=strategies.lists(
        strategies.tuples(_sequence, _sequence, strategies.sampled_from("01"), _cell),
        min_size=1,
    ),
    delimiter=strategies.sampled_from(",\t"),
    end=strategies.sampled_from(("\n", "\r\n")),
)
def test_what_the_csv_module_writes_is_read(path, rows, delimiter, end):
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=delimiter, lineterminator=end)
    writer.writerows([("mirna", "target", "label", "gene"), *rows])
    path.write_bytes(stream.getvalue().encode())
    pairs = readers.read_pairs(path)
    as_rna = [
        tuple(letters.upper().replace("T", "U") for letters in row[:2]) for row in rows
    ]
    assert list(zip(pairs.mirnas, pairs.targets, strict=True)) == as_rna
    assert pairs.labels.tolist() == [int(row[2]) for row in rows]
    assert pairs.genes == [row[3].strip(" ") for row in rows]
