"""Train one run from its config, in its workdir."""

import contextlib
import pathlib
from collections.abc import Callable

import jax
import numpy as np
from ml_collections import ConfigDict

from mirjax import cli
from mirjax.training import agreement, workdir
from mirjax.training.loop import Folders, Loop
from mirjax.training.profile import FOLDER, Profile
from mirjax.training.programs import SingleRun
from mirjax.training.task import Task, make_task
from mirjax.training.task_data import pin_config
from mirjax.training.workdir_lock import lock_workdir


def train(config: ConfigDict, folder: pathlib.Path, profiled_steps: int = 0) -> None:
    """Train the run of a config, from its last checkpoint if there is one.

    Args:
      config: see configs/base.py.
      folder: the run's workdir.
      profiled_steps: approximate number of training steps to trace; 0: no profile.

    Raises:
      ValueError: for a wrong config, data that do not fit the model, or a folder that
        cannot be used; before the device is touched.
      FloatingPointError: if a parameter, loss or validation metric is not finite.
      TrainingStopped: after a signal to stop, once everything is saved.
    """
    workdir.check_config(config)
    config = pin_config(config)
    task = make_task(config)
    agreement.check_same("config", config.to_json(sort_keys=True).encode())
    agreement.check_same("training data", _content(task))
    agreement.open_connections()

    def prepare() -> None:
        workdir.check_workdir(folder, config)
        workdir.write_skipped(folder, task.data.skipped)

    with lock_workdir(folder), _progress(task) as report:
        agreement.from_process_0(prepare)
        done = 0

        def advance(step: int, metrics: object) -> None:
            nonlocal done
            report(step - done)
            done = step

        steps = profiled_steps if jax.process_index() == 0 else 0
        Loop(
            SingleRun(task),
            Folders([folder], folder),
            report=advance,
            profile=Profile(folder / FOLDER, steps),
        ).run()


def _content(task: Task) -> bytes:
    """Return the rows of a task as bytes."""
    rows = jax.tree.leaves((task.data.train, task.data.held_out))
    return b"".join(np.ascontiguousarray(column).tobytes() for column in rows)


def _progress(task: Task) -> contextlib.AbstractContextManager[Callable[[int], None]]:
    """Show the steps of a run, once for all of its processes."""
    if jax.process_index() != 0:
        return contextlib.nullcontext(lambda steps: None)
    return cli.progress(task.steps.total, "training steps")
