"""Tests of scripts/fuzz.py: what counts as a failure, and what is kept of it."""

import pathlib
import random
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
    for kind in fuzz._SHARES:
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


@pytest.mark.parametrize(
    ("code", "said", "problem"),
    [
        (0, "I1126 a log line\n", None),
        (1, "error: --rows=-1\n", ValueError),
        (1, "a log line\nerror: --rows=-1\n", ValueError),
        (1, "", RuntimeError),
        (1, "error: one\nerror: two\n", RuntimeError),
        (0, "error: one\n", RuntimeError),
        (2, "error: one\n", RuntimeError),
        (-14, "", RuntimeError),
        (1, "Traceback (most recent call last):\nerror: one\n", RuntimeError),
    ],
)
def test_a_command_succeeds_or_prints_one_error(fuzz, tmp_path, code, said, problem):
    case = tmp_path / "case.txt"
    case.write_text('["train"]')
    judge = fuzz.fuzz_inputs.fuzz_commands.judge
    if problem is None:
        judge(case, code, said)
        return
    with pytest.raises(problem, match=r"case\.txt|train"):
        judge(case, code, said)


def test_values_of_numbers_are_mostly_numbers(fuzz):
    commands = fuzz.fuzz_inputs.fuzz_commands
    kinds = {name: commands.flag_kinds(name) for name in commands.COMMANDS}
    assert kinds["evaluate"]["threshold"] and not kinds["evaluate"]["data"]
    assert kinds["train"]["config.train.batch_size"]
    assert not kinds["sweep"]["config.base.data.name"]
    lines = [
        commands.make_command_line(random.Random(seed), kinds) for seed in range(2000)
    ]
    words = [word for line in lines for word in line if "beam_width=" in word]
    values = [word.partition("=")[2] for word in words]
    numbers = [value for value in values if value in commands.NUMBERS]
    assert 0.6 < len(numbers) / len(values) < 1
    used = {word.partition("=")[0] for line in lines for word in line[1:]}
    for name in commands.COMMANDS:
        missing = {f"--{flag}" for flag in kinds[name]} - used
        assert len(missing) < 0.1 * len(kinds[name]), missing


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


@pytest.mark.slow
@pytest.mark.parametrize("only", ["blast_rows", "blast_tables", "commands"])
def test_the_script_counts_outcomes(tmp_path, only):
    command = [sys.executable, SCRIPTS / "fuzz.py", "--cases=30", f"--only={only}"]
    found = subprocess.run(
        [*command, f"--out={tmp_path / 'out'}"], capture_output=True, text=True
    )
    assert (found.returncode, found.stderr) == (0, "")
    kind, read, refused, failed = found.stdout.splitlines()[1].split()
    assert (kind, failed) == (only, "0")
    assert int(read) + int(refused) == 30
    assert not (tmp_path / "out").exists()
