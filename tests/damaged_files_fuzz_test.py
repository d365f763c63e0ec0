"""Damaged BLAST rows, BLAST tables and model files: read, or refused in one line."""

import pathlib

import hypothesis
import pytest
from hypothesis import strategies

from mirjax.models import loading

SCRIPTS = pathlib.Path(__file__).parents[1] / "scripts"

# Bytes in place of others, at a fraction of the file's length.
_edits = strategies.lists(
    strategies.tuples(
        strategies.floats(0, 1),
        strategies.integers(0, 8),
        strategies.binary(max_size=8),
    ),
    min_size=1,
    max_size=4,
)
_kept = strategies.just(1.0) | strategies.floats(0, 1)  # fraction before a cut


@pytest.fixture(scope="module")
def fuzz():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(SCRIPTS))
        import fuzz

        yield fuzz


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz")


def check(max_examples):
    """Draw so many cases, the same ones each time."""
    settings = hypothesis.settings(
        max_examples=max_examples, derandomize=True, deadline=None, database=None
    )
    return lambda test: settings(hypothesis.given(edits=_edits, kept=_kept)(test))


def damaged(content, edits, kept):
    """Apply edits to a file's content, and cut it."""
    changed = bytearray(content)
    for place, length, replacement in edits:
        start = int(place * len(changed))
        changed[start : start + length] = replacement
    return bytes(changed[: round(kept * len(changed))])


def assert_read_or_refused(fuzz, read, path, content):
    path.write_bytes(content)
    assert fuzz.outcome(read, path) in (fuzz.READ, fuzz.REFUSED)


@check(200)
def test_blast_rows(fuzz, folder, edits, kept):
    row = fuzz.fuzz_inputs._ROWS[0]
    read = fuzz.make_reader("blast_rows")
    content = damaged(row, edits, kept)
    assert_read_or_refused(fuzz, read, folder / "row.txt", content)


@check(200)
def test_blast_tables(fuzz, folder, edits, kept):
    (table,) = fuzz.fuzz_inputs._BLAST_TABLES
    read = fuzz.make_reader("blast_tables")
    content = damaged(table, edits, kept)
    assert_read_or_refused(fuzz, read, folder / "table.txt", content)


@check(100)
def test_models(fuzz, folder, edits, kept):
    content = damaged(fuzz.fuzz_inputs.classifier(), edits, kept)
    assert_read_or_refused(fuzz, loading.load_model, folder / "model.npz", content)


@pytest.mark.slow
@check(12)
def test_keras_files(fuzz, folder, edits, kept):
    content = damaged(fuzz.fuzz_inputs._KERAS_FILE.read_bytes(), edits, kept)
    assert_read_or_refused(fuzz, loading.load_model, folder / "model.h5", content)


def test_whole_files_are_read(fuzz, folder):
    inputs = fuzz.fuzz_inputs
    for name, content, read in (
        ("row.txt", inputs._ROWS[0], fuzz.make_reader("blast_rows")),
        ("table.txt", inputs._BLAST_TABLES[0], fuzz.make_reader("blast_tables")),
        ("model.npz", inputs.classifier(), loading.load_model),
        ("model.h5", inputs._KERAS_FILE.read_bytes(), loading.load_model),
    ):
        path = folder / name
        path.write_bytes(content)
        assert fuzz.outcome(read, path) == fuzz.READ
