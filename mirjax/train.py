"""Train a model.

    python -m mirjax.train --config=configs/seq2seq.py --workdir=W

W receives metrics.jsonl, TensorBoard events, checkpoints and the exported model. The
same command continues a run that was stopped or killed from its last checkpoint;
--config may then be left out.

SIGTERM, SIGHUP and SIGINT (Ctrl-C) save the run first; a second signal stops at once.
Exit codes: 0 when all is trained, 1 after an error, 130 after SIGINT, 143 after SIGTERM
or SIGHUP.

Several processes train one run together, each on its own devices and a slice of every
batch, if each runs the command with

    --coordinator=HOST:PORT --num_processes=N --process_id=0 (… N - 1)

and --workdir names a folder that all of them can access. scripts/launch starts them. If
one of them ends, the others end, too; the same commands continue the run.
"""

import json
import os
import pathlib
from typing import TYPE_CHECKING

from absl import flags, logging

from mirjax import cli, config_files
from mirjax.training import process_options
from mirjax.training.renamed_keys import describe_replacement

if TYPE_CHECKING:
    from ml_collections import ConfigDict

_PROFILED_STEPS = 10  # without a number


def define_flags(flag_values: flags.FlagValues) -> None:
    """Define the command's flags."""
    config_files.define_config_flag(
        flag_values,
        "Config and variant, by name or by path: seq2seq:tuned, or "
        "configs/seq2seq.py:tuned. Single keys are set as in "
        "--config.train.num_epochs=5. Without it, the run in --workdir is continued.",
        describe_replacement,
    )
    flags.DEFINE_string(
        "workdir",
        None,
        "Folder of the run, made if missing. A run found there is continued.",
        flag_values=flag_values,
    )
    flags.mark_flag_as_required("workdir", flag_values)
    flags.DEFINE_string(
        "coordinator",
        None,
        "Where several processes train one run: HOST:PORT of process 0, any free port; "
        "or auto, on a TPU slice. Under Slurm it is not needed.",
        flag_values=flag_values,
    )
    flags.DEFINE_integer(
        "num_processes",
        None,
        "Number of processes, with --coordinator.",
        flag_values=flag_values,
    )
    flags.DEFINE_integer(
        "process_id",
        None,
        "Of this process, 0 to num_processes - 1, with --coordinator.",
        flag_values=flag_values,
    )
    flags.DEFINE_flag(
        flags.Flag(
            _StepsParser(),
            flags.ArgumentSerializer(),
            "profile",
            0,
            "Trace so many training steps into the folder profile of the workdir, "
            f"{_PROFILED_STEPS} if no number is given, and print where the time goes: "
            "phases of the run, and the heaviest operations of the steps. Training "
            "goes on as without it.",
            boolean=True,
        ),
        flag_values,
    )


class _StepsParser(flags.ArgumentParser):
    """Parses --profile: a number of steps, or none for the default."""

    syntactic_help = "a whole number of at least 1, or nothing"

    def parse(self, argument: str | int) -> int:
        """Return the number of steps; 0 for --noprofile."""
        text = str(argument)
        if text in ("true", "false"):
            return _PROFILED_STEPS if text == "true" else 0
        if not text.isascii() or not text.isdigit():
            raise ValueError(f"give a number of steps, not {text!r}")
        return int(text)


def train(config: "ConfigDict", folder: pathlib.Path, profiled_steps: int = 0) -> None:
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
    from mirjax.training import run

    run.train(config, folder, profiled_steps)


def _config_of(folder: pathlib.Path) -> "ConfigDict":
    """Return the config of the run in a workdir, for a command without --config."""
    from ml_collections import ConfigDict

    from mirjax.training.workdir import CONFIG_FILE

    path = folder / CONFIG_FILE
    try:
        return ConfigDict(json.loads(path.read_text())).lock()
    except FileNotFoundError:
        raise ValueError(
            f"--config: none is given, and {folder} holds no run to continue; name "
            "one, as in --config=seq2seq"
        ) from None
    except (OSError, ValueError, TypeError) as error:
        raise ValueError(f"{path} cannot be read: {error}; give --config") from error


def main(flag_values: flags.FlagValues) -> None:
    """Run the command."""
    if not flag_values.workdir.strip():
        raise ValueError("--workdir: it is empty; name a folder")
    processes = process_options.choose(
        flag_values.coordinator,
        flag_values.process_id,
        flag_values.num_processes,
        os.environ,
    )
    from mirjax import xla
    from mirjax.training.distributed import connected
    from mirjax.training.stop_signal import TrainingStopped

    xla.use_enough_threads()
    xla.use_compilation_cache()
    folder = pathlib.Path(flag_values.workdir)
    try:
        with connected(processes):
            config = flag_values.config or _config_of(folder)
            train(config, folder, flag_values.profile)
    except TrainingStopped as stopped:
        logging.info("%s; run the same command to continue", stopped)
        raise SystemExit(stopped.exit_code) from None
    logging.info("Done: %s", folder)


if __name__ == "__main__":
    cli.run(main, define_flags)
