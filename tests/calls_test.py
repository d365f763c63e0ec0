"""Tests of mirjax.training.calls: memory, and when they are compiled."""

import jax
import pytest
from small_runs import encoded, labelled_pairs, small_classifier

from mirjax.training.calls import next_lengths, next_stop
from mirjax.training.options import StepCounts
from mirjax.training.programs import SingleRun, VmappedRuns
from mirjax.training.task import make_task
from mirjax.training.task_rows import TaskData


@pytest.fixture
def compiling():
    """The names of the functions that have been compiled."""
    names = []

    def note(event, seconds, fun_name="", **_):
        if event == "/jax/core/compile/backend_compile_duration":
            names.append(fun_name)

    jax.monitoring.register_event_duration_secs_listener(note)
    yield names
    jax.monitoring.unregister_event_duration_listener(note)


@pytest.mark.slow
@pytest.mark.parametrize("runs", [1, 2])
def test_calls_are_compiled_ahead_and_take_the_memory_of_the_state(
    runs, monkeypatch, compiling
):
    (device, *_) = jax.devices()
    monkeypatch.setattr(jax, "devices", lambda: [device])
    config = small_classifier()
    config.model.update({"conv_features": 4, "lstm_features": 3})
    rows = encoded(labelled_pairs(64))
    task = make_task(config, TaskData(rows, rows))
    program = SingleRun(task) if runs == 1 else VmappedRuns([task] * runs)
    program.compile([1])
    steps, evaluation = (name for name in compiling if "run_" in name or "eval" in name)
    compiling.clear()
    before = jax.tree.leaves(program.state)
    values = () if runs == 1 else (program._values,)
    compiled = program.calls.compile(1, *values, program.state, program.data.rows)
    donated = compiled.memory_analysis().alias_size_in_bytes
    assert donated >= sum(leaf.nbytes for leaf in before)
    program.advance(1)
    program.evaluate()
    assert all(leaf.is_deleted() for leaf in jax.tree.leaves(before))
    assert not {steps, evaluation} & set(compiling)


@pytest.mark.parametrize(("epoch", "evaluation"), [(10, 10), (10, 7), (13, 26)])
@pytest.mark.parametrize("first", [0, 9, 45])
def test_the_lengths_are_those_of_the_calls_to_come(first, epoch, evaluation):
    counts = StepCounts(epoch, 50, evaluation, patience=0, warmup=0, per_call=3)
    stops = [first]
    while stops[-1] < min(50, first + max(epoch, evaluation)):
        stops.append(next_stop(stops[-1], counts))
    lengths = {end - start for start, end in zip(stops, stops[1:], strict=False)}
    assert next_lengths(first, counts) == sorted(lengths)
    assert next_lengths(50, counts) == []
