"""Tests of mirjax.training.grid."""

import itertools

import pytest
from ml_collections import ConfigDict

from mirjax.configs import mitar
from mirjax.configs.sweeps import mitar as mitar_sweeps
from mirjax.training import grid
from mirjax.training.calls import TRACED

BASE = mitar.get_config("simulated")
GRID = ConfigDict(
    {
        "train": {"batch_size": (8, 16)},
        "optimizer": {"learning_rate": (0.1, 0.01, 0.001)},
        "seed": (3, 4),
    }
)


def sweep_of(axes, epochs=2, patience=0):
    parts = {"base": BASE, "grid": axes, "epochs": epochs, "patience": patience}
    return ConfigDict(parts)


def test_there_is_a_run_for_every_combination():
    runs = grid.expand(sweep_of(GRID))
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
    runs = grid.expand(sweep_of(GRID))
    groups = grid.groups(runs, together)
    assert sorted(run.name for group in groups for run in group) == sorted(
        run.name for run in runs
    )
    assert {len(group) for group in groups} == {1: {1}, 4: {4, 2}, 100: {6}}[together]
    for group in groups:
        for run in group:
            changed = {k for k in run.values if run.values[k] != group[0].values[k]}
            assert changed <= set(TRACED)


def test_every_run_trains_for_the_epochs_of_the_sweep():
    for run in grid.expand(sweep_of(GRID, epochs=7, patience=3)):
        train = run.config.train
        assert (train.num_epochs, train.patience_epochs) == (7.0, 3.0)
        assert train.eval_every_epochs == 1.0


def test_the_published_grid_has_150_runs():
    config = mitar_sweeps.get_config("published")
    assert len(grid.expand(config)) == 150
    for variant in mitar_sweeps.VARIANTS:
        config = mitar_sweeps.get_config(variant)
        assert len(grid.expand(config)) > 1


@pytest.mark.parametrize(
    ("axes", "message"),
    [
        (
            {"train": {"batch": (1,)}},
            "no key train.batch; did you mean train.batch_size",
        ),
        ({"train": {"num_steps": (1,)}}, "by config.train.num_epochs"),
        ({"train": {"batch_size": (0, 8)}}, "batch_size=0: at least 1"),
        ({"train": {"batch_size": ("8",)}}, "batch_size"),
        ({"train": {"batch_size": 8}}, "batch_size=8 is not a tuple"),
        ({"model": {"dropout": ()}}, "is not a tuple"),
        ({"seed": (1, 2, 1)}, "names a value twice"),
        ({"model": {"dropout": (1.5,)}}, "dropout=1.5"),
        ({"optimizer": {"name": ("sgd",)}}, "name='sgd'"),
        ({"data": {"name": ("mitar2021/deepmirtar",)}}, "cannot name a folder"),
    ],
)
def test_a_grid_that_cannot_be_trained_is_refused(axes, message):
    with pytest.raises(ValueError, match=message):
        grid.expand(sweep_of(ConfigDict(axes)))
