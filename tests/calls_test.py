"""Tests of mirjax.training.calls: the memory of the compiled steps."""

import jax
import pytest
from small_runs import encoded, labelled_pairs, small_classifier

from mirjax.training.programs import SingleRun, VmappedRuns
from mirjax.training.task import make_task
from mirjax.training.task_rows import TaskData


@pytest.mark.slow
@pytest.mark.parametrize("runs", [1, 2])
def test_the_state_is_donated_to_the_compiled_steps(runs, monkeypatch):
    """The new state takes the memory of the old one."""
    (device, *_) = jax.devices()
    monkeypatch.setattr(jax, "devices", lambda: [device])
    config = small_classifier()
    config.model.update({"conv_features": 4, "lstm_features": 3})
    rows = encoded(labelled_pairs(64))
    task = make_task(config, TaskData(rows, rows))
    program = SingleRun(task) if runs == 1 else VmappedRuns([task] * runs)
    values = () if runs == 1 else (program._values,)
    lowered = program._run_steps.lower(*values, program.state, program.data.rows, 1)
    sizes = [leaf.nbytes for leaf in jax.tree.leaves(program.state)]
    donated = lowered.compile().memory_analysis().alias_size_in_bytes
    assert donated >= sum(sizes)
    before = jax.tree.leaves(program.state.params)
    program.advance(1)
    assert all(leaf.is_deleted() for leaf in before)
