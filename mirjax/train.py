"""Train a model.

    python -m mirjax.train --config=configs/seq2seq.py --workdir=W

W receives metrics.jsonl, TensorBoard events, checkpoints and the exported model. The
same command goes on where a stopped or killed run left off.
"""

import pathlib
import sys

from absl import flags, logging
from ml_collections import ConfigDict, config_flags
from rich import progress as rich_progress

from mirjax import cli
from mirjax.training import loop, workdir
from mirjax.training.stop_signal import TrainingStopped
from mirjax.training.task import make_task


def define_flags(flag_values: flags.FlagValues) -> None:
    """Define the command's flags."""
    config_flags.DEFINE_config_file(
        "config",
        None,
        "Config file and variant, such as configs/seq2seq.py:tuned. One key can be "
        "set from the command line, as in --config.train.num_steps=100.",
        flag_values=flag_values,
    )
    flags.DEFINE_string(
        "workdir",
        None,
        "Folder of the run, made if missing. A run found there goes on.",
        flag_values=flag_values,
    )
    flags.mark_flags_as_required(["config", "workdir"], flag_values)


def train(config: ConfigDict, folder: pathlib.Path) -> None:
    """Train what a config describes, from the last checkpoint where there is one.

    Args:
      config: see configs/base.py.
      folder: the run's.

    Raises:
      ValueError: for a wrong config, data that does not fit the model, or a folder
        that cannot be used; before the device is touched.
      TrainingStopped: on SIGTERM, once everything is saved.
    """
    workdir.check_config(config)
    prepared = make_task(config)
    workdir.check_workdir(folder, config)
    trainer = loop.Trainer(config, folder, prepared)
    with _progress_bar(config.train.num_steps) as report:
        trainer.run(report)


class _progress_bar:  # noqa: N801  (used like a function)
    """A progress bar on a terminal; nothing elsewhere, where log lines suffice."""

    def __init__(self, total: int):
        self._bar = rich_progress.Progress(
            rich_progress.TextColumn("step {task.completed}/{task.total}"),
            rich_progress.BarColumn(),
            rich_progress.TextColumn("loss {task.fields[loss]:.4f}"),
            rich_progress.TimeElapsedColumn(),
            rich_progress.TimeRemainingColumn(),
            disable=not sys.stderr.isatty(),
        )
        self._task = self._bar.add_task("train", total=total, loss=float("nan"))

    def __enter__(self) -> loop.ProgressHook:
        self._bar.start()
        return lambda step, figures: self._bar.update(
            self._task, completed=step, loss=figures["loss"]
        )

    def __exit__(self, *exception: object) -> None:
        self._bar.stop()


def main(flag_values: flags.FlagValues) -> None:
    """Run the command."""
    folder = pathlib.Path(flag_values.workdir)
    try:
        train(flag_values.config, folder)
    except TrainingStopped as stopped:
        logging.info("%s; run the same command to go on", stopped)
        return
    logging.info("Done: %s", folder)


if __name__ == "__main__":
    cli.run(main, define_flags)
