"""Train one run from its config, in its workdir."""

import pathlib

from ml_collections import ConfigDict

from mirjax import cli
from mirjax.training import workdir
from mirjax.training.loop import Folders, Loop
from mirjax.training.programs import SingleRun
from mirjax.training.task import make_task
from mirjax.training.task_data import pin_data
from mirjax.training.workdir_lock import lock_workdir


def train(config: ConfigDict, folder: pathlib.Path) -> None:
    """Train what a config describes, from the last checkpoint if there is one.

    Args:
      config: see configs/base.py.
      folder: the run's workdir.

    Raises:
      ValueError: for a wrong config, data that do not fit the model, or a folder that
        cannot be used; before the device is touched.
      FloatingPointError: if a parameter, loss or validation metric is not finite.
      TrainingStopped: after a signal to stop, once everything is saved.
    """
    workdir.check_config(config)
    config = pin_data(config)
    task = make_task(config)
    with (
        lock_workdir(folder),
        cli.progress(task.steps.total, "training steps") as report,
    ):
        workdir.check_workdir(folder, config)
        workdir.write_skipped(folder, task.data.skipped)
        done = 0

        def advance(step: int, metrics: object) -> None:
            nonlocal done
            report(step - done)
            done = step

        Loop(SingleRun(task), Folders([folder], folder), report=advance).run()
