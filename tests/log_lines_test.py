"""Tests of the lines that training logs."""

import re

import pytest

from mirjax.training.log_lines import clock, evaluation_line

METRICS = {
    "epoch": 4.0,
    "train/loss": 0.5,
    "train/samples_per_second": 1870.2,
    "val/loss": 0.42,
    "val/exact_match": 0.31,
    "val/blast": 0.123456,
}


def test_an_evaluation_is_one_short_line():
    line = evaluation_line(METRICS, 12.0, "val/loss", 190.0)
    expected = (
        "epoch 4/12  loss 0.50  held out 0.42, exact 31.0%  1,870 rows/s  3:10 left"
    )
    assert line == expected and len(line) <= 80
    assert evaluation_line(METRICS, 12.0, "val/loss", 0.0) == expected[:-11]


def test_the_metric_that_chooses_the_model_is_in_the_line():
    line = evaluation_line(METRICS, 12.0, "val/blast", 0.0)
    assert "held out 0.42, exact 31.0%, val/blast 0.1235  " in line
    for shown in ("val/exact_match", "train/loss"):
        assert shown not in evaluation_line(METRICS, 12.0, shown, 0.0)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0:00"), (59.6, "1:00"), (3_600, "1:00:00")]
)
def test_durations(seconds, text):
    assert clock(seconds) == text


def test_epochs_that_are_no_whole_numbers():
    line = evaluation_line(METRICS | {"epoch": 0.64}, 2.5, "val/loss", 0.0)
    assert re.match("epoch 0.64/2.5  loss", line)
