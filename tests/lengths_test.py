"""Tests of scripts/lengths.py."""

import sys

import numpy as np
import pytest

from mirjax.datasets import registry
from mirjax.sequences.records import Pairs
from scripts import lengths


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Run the script on five rows, one of which is negative."""
    pairs = Pairs(
        ["ACGU", "ACGU", "ACGUA", "ACGUAC", "A"],
        ["A" * 12, "C" * 12, "A" * 12, "A" * 41, "A"],
        np.array([1, 1, 1, 1, 0], np.uint8),
    )
    monkeypatch.setattr(registry, "load_pairs", {"one": pairs, "two": pairs}.get)

    def run(*names, out="lengths.png"):
        arguments = ["lengths.py", f"--out={tmp_path / out}", *names]
        monkeypatch.setattr(sys, "argv", arguments)
        lengths.main()
        return tmp_path / out

    return run


def test_a_row_for_each_dataset(run, capsys):
    assert run("two", "one").stat().st_size
    header, rule, *rows = capsys.readouterr().out.splitlines()
    cells = "| 4 | 12, 12, 41 | 3 | 4, 4.5, 6 | 3 |"
    assert rows == [f"| two {cells}", f"| one {cells}"]
    assert header.count("|") == rule.count("|") == rows[0].count("|")


def test_an_error_is_one_line(run):
    with pytest.raises(SystemExit, match="error: .*a picture ends in .png or .svg"):
        run("one", out="lengths.txt")
