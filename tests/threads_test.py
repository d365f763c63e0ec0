"""Work in threads: order, errors, and how far it runs ahead."""

import concurrent.futures
import threading
import time

import pytest

from mirjax.scanning import threads


@pytest.fixture(params=[1, 3])
def cores(request, monkeypatch):
    monkeypatch.setattr(threads, "available_cores", lambda: request.param)
    return request.param


def test_results_are_in_the_order_of_the_items(cores):
    def square(number):
        time.sleep(0.01 * (number % 3 == 0))  # later ones overtake
        return number**2

    found = list(threads.in_order(square, range(20)))
    assert found == [(number, number**2) for number in range(20)]
    assert list(threads.in_order(square, [])) == []


def test_several_items_run_at_a_time(monkeypatch):
    """Each waits for the others: one after the other, they would wait for ever."""
    monkeypatch.setattr(threads, "available_cores", lambda: 3)
    together = threading.Barrier(3, timeout=60)
    found = threads.in_order(lambda _: together.wait(), range(3))
    assert sorted(place for _, place in found) == [0, 1, 2]


def test_the_first_error_is_raised_and_nothing_new_begins(cores):
    begun = []

    def refuse(number):
        begun.append(number)
        if number in (2, 3):
            raise ValueError(f"item {number}")
        return number

    results = threads.in_order(refuse, range(1000))
    assert [next(results), next(results)] == [(0, 0), (1, 1)]
    with pytest.raises(ValueError, match="item 2"):
        next(results)
    assert len(begun) < 20
    with pytest.raises(StopIteration):
        next(results)


def test_items_are_taken_as_results_are_asked_for(cores):
    taken = []

    def items():
        for number in range(100):
            taken.append(number)
            yield number

    results = threads.in_order(lambda number: number, items())
    for number in range(10):
        assert next(results) == (number, number)
        assert len(taken) <= number + 3 + cores
    results.close()


def test_what_has_begun_ends_when_its_result_is_not_wanted(monkeypatch):
    monkeypatch.setattr(threads, "available_cores", lambda: 2)
    begun = threading.Barrier(4, timeout=60)  # three items and this thread
    stopped = []

    def work(number):
        if number == 0:
            return
        begun.wait()
        try:
            for _ in range(6000):
                threads.check_stop()
                time.sleep(0.01)
        except concurrent.futures.CancelledError:
            stopped.append(number)
            raise

    results = threads.in_order(work, range(4))
    assert next(results) == (0, None)
    begun.wait()
    results.close()
    assert sorted(stopped) == [1, 2, 3]


def test_nothing_is_stopped_outside_of_such_threads():
    threads.check_stop()
    assert list(threads.in_order(lambda _: threads.check_stop(), range(9)))
    threads.check_stop()
