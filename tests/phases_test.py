"""Tests of mirjax.training.phases, with a clock of their own."""

import pytest

from mirjax.training import phases


@pytest.fixture
def clock(monkeypatch):
    """Return a function that lets seconds pass."""
    now = [100.0]

    def wait(seconds):
        now[0] += seconds

    monkeypatch.setattr(phases.time, "perf_counter", lambda: now[0])
    return wait


def test_each_second_counts_in_one_phase(clock):
    timed = phases.Phases()
    clock(1.0)
    with timed.phase("evaluation"):
        clock(2.0)
        with timed.phase("checkpoints"):
            clock(4.0)
        clock(8.0)
    with timed.phase("checkpoints"):
        clock(16.0)
    clock(32.0)
    expected = {phases.OTHER: 33.0, "evaluation": 10.0, "checkpoints": 20.0}
    assert timed.seconds() == expected
    clock(64.0)
    assert sum(timed.seconds().values()) == 127.0


def test_a_phase_ends_with_an_error_and_seconds_can_be_forgotten(clock):
    timed = phases.Phases()
    with pytest.raises(KeyError), timed.phase("evaluation"):
        clock(1.0)
        raise KeyError
    clock(2.0)
    assert timed.seconds() == {"evaluation": 1.0, phases.OTHER: 2.0}
    timed.restart()
    clock(3.0)
    assert timed.seconds() == {phases.OTHER: 3.0}


def test_the_table_orders_phases_and_their_shares_add_up():
    table = phases.phase_table({"short": 1.0, "long": 3.0, "none": 0.0})
    words = [line.split() for line in table.splitlines()]
    assert [(first, last) for first, *_, last in words] == [
        ("long", "75.0%"),
        ("short", "25.0%"),
        ("none", "0.0%"),
    ]
