"""Tests of scripts/fuzz.py: what counts as a failure, and what is kept of it."""

import pathlib
import subprocess
import sys

import pytest

SCRIPTS = pathlib.Path(__file__).parents[1] / "scripts"


@pytest.fixture
def fuzz(monkeypatch):
    monkeypatch.syspath_prepend(str(SCRIPTS))
    import fuzz

    return fuzz


def test_cases_are_determined_by_kind_seed_and_number(fuzz):
    make = fuzz.fuzz_inputs.make_input
    for kind in ("fasta", "tables", "blast_rows", "npz", "h5"):
        inputs = [make(kind, 0, number) for number in range(20)]
        assert inputs == [make(kind, 0, number) for number in range(20)]
        assert len(set(inputs)) > 10
        assert inputs != [make(kind, 1, number) for number in range(20)]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (None, "read"),
        (ValueError("case.txt: damaged"), "refused"),
        (ValueError("damaged"), "no line that names the file: damaged"),
        (ValueError("case.txt:\ndamaged"), "no line that names the file"),
        (UnicodeDecodeError("utf-8", b"", 0, 1, "case.txt"), "Traceback"),
        (KeyError("case.txt"), "Traceback"),
        (MemoryError(), "Traceback"),
    ],
)
def test_only_a_result_or_one_line_that_names_the_file_will_do(fuzz, error, expected):
    def read(path):
        if error:
            raise error

    assert fuzz.outcome(read, pathlib.Path("case.txt")).startswith(expected)


def test_a_failure_is_stored_and_the_other_cases_are_run(fuzz, monkeypatch, tmp_path):
    started = []

    def run_worker(command, folder):
        (first,) = (int(x[8:]) for x in command if x.startswith("--first="))
        started.append(first)
        (folder / fuzz._COUNTS).write_text('{"read": 2, "refused": 1}')
        if first == 10:
            (folder / "case.npz").write_bytes(b"wrong")
            (folder / "number").write_text("13")
            return "exit code 1\nKeyError"
        return ""

    monkeypatch.setattr(fuzz, "_run_worker", run_worker)
    counts = fuzz.run_batch("npz", 0, 10, 10, tmp_path / "out")
    assert started == [10, 14]
    assert counts == {"read": 4, "refused": 2, "failed": 1}
    assert (tmp_path / "out" / "npz-0-13.npz").read_bytes() == b"wrong"
    assert "KeyError" in (tmp_path / "out" / "npz-0-13.log").read_text()


def test_the_script_counts_outcomes(tmp_path):
    command = [sys.executable, SCRIPTS / "fuzz.py", "--cases=30", "--only=blast_rows"]
    found = subprocess.run(
        [*command, f"--out={tmp_path / 'out'}"], capture_output=True, text=True
    )
    assert (found.returncode, found.stderr) == (0, "")
    kind, read, refused, failed = found.stdout.splitlines()[1].split()
    assert (kind, failed) == ("blast_rows", "0")
    assert int(read) + int(refused) == 30
    assert not (tmp_path / "out").exists()
