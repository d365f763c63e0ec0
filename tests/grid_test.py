"""Tests of mirjax.training.grid."""

import itertools

import pytest
from ml_collections import ConfigDict

from configs import mitar
from configs.sweeps import mitar as mitar_sweeps
from mirjax.training import grid
from mirjax.training.vmapped_runs import TRACED

BASE = mitar.get_config("simulated")
GRID = ConfigDict(
    {
        "train": {"batch_size": (8, 16)},
        "optimizer": {"learning_rate": (0.1, 0.01, 0.001)},
        "seed": (3, 4),
    }
)


def test_there_is_a_run_for_every_combination():
    runs = grid.expand(BASE, GRID)
    found = {
        (
            run.config.train.batch_size,
            run.config.optimizer.learning_rate,
            run.config.seed,
        )
        for run in runs
    }
    assert len(runs) == len({run.name for run in runs}) == 12
    assert found == set(itertools.product((8, 16), (0.1, 0.01, 0.001), (3, 4)))
    for run in runs:
        assert run.config.model == BASE.model
        assert run.name == ",".join(f"{k}={v}" for k, v in run.values.items())


@pytest.mark.parametrize("together", [1, 4, 100])
def test_runs_of_a_group_differ_in_traced_numbers_alone(together):
    runs = grid.expand(BASE, GRID)
    groups = grid.groups(runs, together)
    assert sorted(run.name for group in groups for run in group) == sorted(
        run.name for run in runs
    )
    assert {len(group) for group in groups} == {1: {1}, 4: {4, 2}, 100: {6}}[together]
    for group in groups:
        for run in group:
            changed = {k for k in run.values if run.values[k] != group[0].values[k]}
            assert changed <= set(TRACED)


def test_a_run_of_epochs_sees_as_many_rows_whatever_its_batch():
    for batch_size, steps in ((100, 178), (30, 592), (64, 278)):
        config = BASE.copy_and_resolve_references()
        config.train.batch_size = batch_size
        config.steps_per_call = 16
        found = grid.in_epochs(config, 17_740, epochs=20, patience=3)
        assert found.train.eval_every == steps
        assert found.train.num_steps == 20 * steps
        assert found.train.patience == 3 * steps
        assert found.steps_per_call in (16, *(n for n in range(16) if n > 7))
        assert steps % found.steps_per_call == 0 or found.steps_per_call == 16


def test_the_published_grid_has_150_runs():
    config = mitar_sweeps.get_config("published")
    assert len(grid.expand(config.base, config.grid)) == 150
    for variant in mitar_sweeps.VARIANTS:
        config = mitar_sweeps.get_config(variant)
        assert len(grid.expand(config.base, config.grid)) > 1


@pytest.mark.parametrize(
    ("axes", "message"),
    [
        ({"train": {"batch": (1,)}}, "batch"),
        ({"train": {"batch_size": (0, 8)}}, "batch_size=0 must be at least 1"),
        ({"train": {"batch_size": ("8",)}}, "batch_size"),
        ({"train": {"batch_size": 8}}, "batch_size=8 is no tuple"),
        ({"model": {"dropout": ()}}, "is no tuple"),
        ({"seed": (1, 2, 1)}, "names a value twice"),
        ({"model": {"dropout": (1.5,)}}, "dropout=1.5"),
        ({"optimizer": {"name": ("sgd",)}}, "name='sgd'"),
        ({"data": {"name": ("mitar2021/deepmirtar",)}}, "cannot name a folder"),
    ],
)
def test_a_grid_that_cannot_be_trained_is_refused(axes, message):
    with pytest.raises(ValueError, match=message):
        grid.expand(BASE, ConfigDict(axes))
