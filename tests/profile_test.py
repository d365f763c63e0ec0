"""Profiles of runs: what is traced and shown, and that training is not changed."""

import re

import chex
import jax
import jax.numpy as jnp
import pytest
from small_runs import random_rows, small_config

from mirjax.training.compiled_calls import CompiledCalls
from mirjax.training.heavy_ops import heavy_ops, heavy_table
from mirjax.training.loop import Folders, Loop
from mirjax.training.profile import Profile
from mirjax.training.programs import SingleRun
from mirjax.training.task import make_task
from mirjax.training.task_rows import TaskData


@pytest.fixture(autouse=True)
def one_device(monkeypatch):
    """Eight virtual devices on two cores are slow."""
    (device, *_) = jax.devices()
    monkeypatch.setattr(jax, "devices", lambda: [device])


def train(folder, steps, report=lambda step, metrics: None, **train):
    """Train 12 steps in calls of 3; return the program and what is shown."""
    folder.mkdir()
    data = TaskData(random_rows(40), random_rows(21, seed=1))
    task = make_task(small_config(num_epochs=4.0, **train), data)
    program, shown = SingleRun(task), []
    loop = Loop(
        program,
        Folders([folder], folder),
        report=report,
        profile=Profile(folder / "profile", steps, shown.append),
    )
    try:
        loop.run()
    except KeyError as error:
        shown.append(repr(error))
    return program, shown


@pytest.mark.slow
def test_a_profile_shows_operations_and_phases_and_changes_nothing(tmp_path):
    plain, nothing = train(tmp_path / "plain", 0)
    assert nothing == [] and not (tmp_path / "plain/profile").exists()
    profiled, (operations, phases) = train(tmp_path / "profiled", 2)
    chex.assert_trees_all_equal(plain.state, profiled.state)
    assert len(list((tmp_path / "profiled/profile").rglob("*.xplane.pb"))) == 1
    # The first call is not traced.
    title, *lines = operations.splitlines()
    assert "of steps 3 to 6" in title and str(tmp_path / "profiled/profile") in title
    assert any("lstm" in line and "dot_general" in line for line in lines)
    shares = [float(line.split("%")[0]) for line in lines]
    assert shares == sorted(shares, reverse=True) and 10 < sum(shares) <= 100.1
    # The evaluation that ends after the trace is in the table.
    title, *lines = phases.splitlines()
    assert title.endswith("to step 6:")
    names = {re.split(r"  +", line)[0] for line in lines}
    expected = {"training steps", "evaluation", "checkpoints", "other work of the host"}
    assert names == expected
    total = float(title.split()[1])
    seconds = [float(re.search(r"([\d.]+) s ", line)[1]) for line in lines]
    assert sum(seconds) == pytest.approx(total, abs=0.1)


@pytest.mark.slow
def test_a_trace_ends_with_its_evaluation_or_its_run(tmp_path):
    _, (operations, phases) = train(tmp_path / "long", 100)
    assert "of steps 3 to 6" in operations and "to step 6:" in phases

    def fail(step, metrics):
        raise KeyError(step)

    whole = {"eval_every_epochs": 4.0}
    _, shown = train(tmp_path / "failed", 6, report=fail, **whole)
    assert shown == ["KeyError(3)"]
    with jax.profiler.trace(tmp_path / "another"):  # refused if one were running
        pass


def test_operations_add_up_under_what_they_were_compiled_from(tmp_path):
    def run(x, count):
        with jax.named_scope("powers"):
            return jax.lax.scan(lambda y, _: (y @ x, None), x, length=count)[0]

    calls, x = CompiledCalls(jax.jit(run, static_argnums=1)), jnp.ones((256, 256))
    jax.block_until_ready(calls(7, x))
    with jax.profiler.trace(tmp_path):
        jax.block_until_ready(calls(7, x))
    assert calls.flops_per_step == 2 * 256**3
    ops = heavy_ops(tmp_path, calls.sources())
    assert sum(op.share for op in ops) == pytest.approx(1.0)
    heaviest = ops[0]
    assert "powers" in heaviest.source and heaviest.source.endswith("dot_general")
    assert "while" not in heaviest.source
    assert heaviest.calls == 7
    assert heavy_table(ops, limit=1).count("\n") == 0
