"""Train a model.

    python -m mirjax.train --config=configs/seq2seq.py --workdir=W

W receives metrics.jsonl, TensorBoard events, checkpoints and the exported model. The
same command continues a run that was stopped or killed from its last checkpoint.
"""

import pathlib
from typing import TYPE_CHECKING

from absl import flags, logging

from mirjax import cli
from mirjax.training.renamed_keys import describe_replacement

if TYPE_CHECKING:
    from ml_collections import ConfigDict


def define_flags(flag_values: flags.FlagValues) -> None:
    """Define the command's flags."""
    cli.define_config_flag(
        flag_values,
        "Config and variant, by name or by path: seq2seq:tuned, or "
        "configs/seq2seq.py:tuned. Single keys are set as in "
        "--config.train.num_epochs=5.",
        describe_replacement,
    )
    flags.DEFINE_string(
        "workdir",
        None,
        "Folder of the run, made if missing. A run found there is continued.",
        flag_values=flag_values,
    )
    flags.mark_flags_as_required(["config", "workdir"], flag_values)


def train(config: "ConfigDict", folder: pathlib.Path) -> None:
    """Train what a config describes, from the last checkpoint if there is one.

    Args:
      config: see configs/base.py.
      folder: the run's workdir.

    Raises:
      ValueError: for a wrong config, data that do not fit the model, or a folder that
        cannot be used; before the device is touched.
      FloatingPointError: if the loss is not finite.
      TrainingStopped: after SIGTERM, once everything is saved.
    """
    from mirjax.training import workdir
    from mirjax.training.loop import Folders, Loop
    from mirjax.training.programs import SingleRun
    from mirjax.training.task import make_task
    from mirjax.training.task_data import pin_data

    workdir.check_config(config)
    config = pin_data(config)
    task = make_task(config)
    workdir.check_workdir(folder, config)
    with cli.progress(task.steps.total, "training steps") as report:
        done = 0

        def advance(step: int, metrics: object) -> None:
            nonlocal done
            report(step - done)
            done = step

        Loop(SingleRun(task), Folders([folder], folder), report=advance).run()


def main(flag_values: flags.FlagValues) -> None:
    """Run the command."""
    from mirjax.training.stop_signal import TrainingStopped

    folder = pathlib.Path(flag_values.workdir)
    try:
        train(flag_values.config, folder)
    except TrainingStopped as stopped:
        logging.info("%s; run the same command to continue", stopped)
        return
    logging.info("Done: %s", folder)


if __name__ == "__main__":
    cli.run(main, define_flags)
