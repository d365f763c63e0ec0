"""Tests of finding and running the programs of BLAST+."""

import os
import time

import pytest
from blast_tools import fake_program

from mirjax.blast.programs import BlastError, find_blast, run


def test_missing_blast_says_how_to_install_it(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BlastError, match="apt-get install ncbi-blast") as info:
        find_blast()
    assert "conda install" in str(info.value)
    assert "brew install" in str(info.value)
    assert "\n" not in str(info.value)


def test_version_is_checked(tmp_path, monkeypatch):
    assert find_blast().version >= (2, 6, 0)
    fake_program(monkeypatch, tmp_path, "blastn", "", version="2.10.1+")
    assert find_blast().version == (2, 10, 1)
    fake_program(monkeypatch, tmp_path, "blastn", "", version="2.5.0+")
    with pytest.raises(BlastError, match=r"version 2\.5\.0, at least 2\.6\.0"):
        find_blast()
    fake_program(monkeypatch, tmp_path, "blastn", "", version="unknown")
    with pytest.raises(BlastError, match="names no version"):
        find_blast()


def test_output_folder_and_variables(tmp_path):
    command = ["sh", "-c", 'printf "%s\\n%s" "$PWD" "$LETTERS"']
    output = run(command, timeout_s=60, folder=tmp_path, variables={"LETTERS": "µ\xff"})
    assert output == f"{tmp_path}\nµ\xff"
    assert run(["printf", r"\377"], timeout_s=60) == "\N{REPLACEMENT CHARACTER}"


def test_a_program_that_does_not_start_is_named(tmp_path):
    with pytest.raises(BlastError, match=r"nothing does not run: no such program"):
        run([str(tmp_path / "nothing")], timeout_s=60)


def test_the_last_message_of_a_failure_is_quoted():
    script = "echo first >&2; echo 'engine error: bad' >&2; echo >&2; exit 3"
    with pytest.raises(BlastError, match=r"sh failed \(3\): engine error: bad$"):
        run(["sh", "-c", script], timeout_s=60)
    with pytest.raises(BlastError, match=r"sh failed \(4\): it printed no message"):
        run(["sh", "-c", "exit 4"], timeout_s=60)


def test_many_messages_do_not_block_the_program():
    script = "yes message | head -n 200000 >&2; echo done"
    assert run(["sh", "-c", script], timeout_s=60) == "done\n"


@pytest.mark.parametrize(
    "script", ["exec sleep 60", "while true; do echo row; sleep 0.1; done"]
)
def test_a_slow_program_is_stopped(tmp_path, script):
    pid_file = tmp_path / "pid"
    started = time.monotonic()
    with pytest.raises(BlastError, match=r"longer than 0\.5 s .*raise the time limit"):
        run(["sh", "-c", f"echo $$ > '{pid_file}'; {script}"], timeout_s=0.5)
    assert time.monotonic() - started < 20
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid_file.read_text()), 0)
