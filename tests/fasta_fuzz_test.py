"""FASTA files of random bytes: every record is read, or the file is refused."""

import gzip

import hypothesis
import pytest
from hypothesis import strategies

from mirjax.sequences import fasta

_PIECES = (
    *(b">", b">a", b">b", b" ", b"\t", b"\n", b"\r", b"\r\n", b"\n>", b"\n >c x\n"),
    *(b"ACGU", b"acgt", b"N", b"-", b";", b"\0", b"\x1b", b"\x0c", b"\xef\xbb\xbf"),
    *(
        b"\xff",
        b"\xff\xfe",
        b"\x1f\x8b",
        "\u00a0\u2028\u00e9\u0131\u017f\u0085".encode(),
    ),
)
_content = strategies.one_of(
    strategies.binary(max_size=60),
    strategies.lists(strategies.sampled_from(_PIECES), max_size=20).map(b"".join),
    strategies.lists(strategies.sampled_from(_PIECES[:12]), max_size=20).map(b"".join),
)
_name = strategies.text(
    strategies.characters(exclude_categories=("Cc", "Cs"), exclude_characters=" "),
    min_size=1,
)
_record = strategies.tuples(_name, strategies.text("ACGTUacgtu", min_size=1))
_settings = hypothesis.settings(
    max_examples=300, derandomize=True, deadline=None, database=None
)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz") / "file.fa"


def _as_rna(text):
    return "".join(text.split()).upper().replace("T", "U")


@_settings
@hypothesis.given(content=_content)
def test_random_bytes_are_read_whole_or_refused(path, content):
    path.write_bytes(content)
    try:
        records = fasta.read_fasta(path)
    except ValueError as error:
        assert str(error).startswith(str(path))
        return
    if content.startswith(b"\x1f\x8b"):
        content = gzip.decompress(content)
    text = content.decode("utf-8-sig").replace("\r\n", "\n")
    lines = (text if "\n" in text else text.replace("\r", "\n")).split("\n")
    titles = [line.strip()[1:] for line in lines if line.strip().startswith(">")]
    assert len(records) == len(titles) > 0
    for record, title in zip(records, titles, strict=True):
        assert title.lstrip().startswith(record.name)
    assert len({record.name for record in records}) == len(records)
    letters = "".join(line for line in lines if not line.strip().startswith(">"))
    assert "".join(record.sequence for record in records) == _as_rna(letters)
    assert all(record.sequence for record in records)


@_settings
@hypothesis.given(
    records=strategies.lists(_record, min_size=1, unique_by=lambda record: record[0]),
    end=strategies.sampled_from(("\n", "\r\n", "\n\n", " \n\t")),
    width=strategies.integers(1, 9),
    description=strategies.sampled_from(("", " ", "\tnote", " a note\u00a0> b")),
    packed=strategies.booleans(),
)
def test_any_layout_of_records_is_read(path, records, end, width, description, packed):
    text = ""
    for name, letters in records:
        lines = [letters[i : i + width] for i in range(0, len(letters), width)]
        text += end.join([f">{name}{description}", *lines, ""])
    content = text.encode()
    path.write_bytes(gzip.compress(content) if packed else content)
    found = [(record.name, record.sequence) for record in fasta.read_fasta(path)]
    assert found == [(name, _as_rna(letters)) for name, letters in records]
