"""Train a model under several settings, and rank the runs.

    python -m mirjax.sweep --config=configs/sweeps/mitar.py --workdir=W

Each run has its own folder under W/runs, with its metrics and its exported model, and
W/runs.tsv ranks the runs, one row per run. They are ranked by validation rows only:
test rows are never used. Runs that differ only in learning rate, dropout rate or seed
are trained together. The same command continues a sweep that was stopped or killed, and
trains values that were added to the grid.

SIGTERM, SIGHUP and SIGINT (Ctrl-C) save the runs first; a second signal stops at once.
Exit codes: 0 when all is trained, 1 after an error, 130 after SIGINT, 143 after SIGTERM
or SIGHUP.
"""

import pathlib
import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from absl import flags, logging

from mirjax import cli, config_files
from mirjax.training.renamed_keys import describe_replacement

if TYPE_CHECKING:
    from ml_collections import ConfigDict

    from mirjax.training.sweeps import Sweep

TABLE_FILE = "runs.tsv"


def define_flags(flag_values: flags.FlagValues) -> None:
    """Define the command's flags."""
    config_files.define_config_flag(
        flag_values,
        "Sweep and variant, by name or by path: sweeps/mitar:reduced, or "
        "configs/sweeps/mitar.py:reduced. Single keys are set as in --config.epochs=5 "
        "or --config.base.train.batch_size=64.",
        _describe_replacement,
    )
    flags.DEFINE_string(
        "workdir",
        None,
        "Folder of the sweep, made if missing. A sweep found there is continued.",
        flag_values=flag_values,
    )
    flags.DEFINE_integer(
        "together",
        4,
        "train up to this many runs as one program, if they differ only in learning "
        "rate, dropout rate or seed; 1: one after another",
        lower_bound=1,
        flag_values=flag_values,
    )
    flags.mark_flags_as_required(["config", "workdir"], flag_values)


def _describe_replacement(key: str) -> str:
    """Describe the replacement of a sweep's key; section base is a training config."""
    replacement = describe_replacement(key.removeprefix("base."))
    return replacement.replace("config.", "config.base.")


def sweep(config: "ConfigDict", folder: pathlib.Path, together: int) -> None:
    """Train the runs of a sweep that are not finished, and rank all runs.

    Args:
      config: see configs/sweeps/mitar.py.
      folder: the sweep's workdir.
      together: highest number of runs trained as one program.

    Raises:
      ValueError: for a wrong config, data that do not fit the model, or a folder that
        holds another sweep; before anything is trained.
      TrainingStopped: after a signal to stop, once everything is saved.
    """
    from mirjax.training.sweeps import Sweep
    from mirjax.training.workdir_lock import lock_workdir

    with lock_workdir(folder):
        whole = Sweep(config, folder)
        _write_table(whole, whole.train(together))


def _write_table(whole: "Sweep", ranked: Sequence[Mapping[str, Any]]) -> None:
    """Write the ranked runs to the table file, and print them."""
    from mirjax.files import atomic_write
    from mirjax.reporting import table
    from mirjax.training.sweeps import RUNS_FOLDER

    base, folder = whole.config.base, whole.folder
    first = next(iter(whole.runs.values()))
    keys = [*first.values, base.train.best_metric, "epoch", "status"]
    with atomic_write(folder / TABLE_FILE) as unfinished:
        lines = [["rank", *keys, "folder"]] + [
            [str(rank), *_texts(result, keys, str), f"{RUNS_FOLDER}/{result['run']}"]
            for rank, result in enumerate(ranked, 1)
        ]
        unfinished.write_text("".join("\t".join(line) + "\n" for line in lines))
    table.print_rows(
        ["rank", *keys],
        [
            [str(rank), *_texts(result, keys, "{:.4g}".format)]
            for rank, result in enumerate(ranked, 1)
        ],
        title=f"{folder}: {len(ranked)} runs",
    )
    best = folder / RUNS_FOLDER / ranked[0]["run"]
    print(
        f"ranked by {base.train.best_metric} in {folder / TABLE_FILE}; test the best "
        f"one:\n  python -m mirjax.evaluate --model='{best}' "
        f"--data={shlex.quote(base.data.name)}"
    )


def _texts(
    result: Mapping[str, Any], keys: Sequence[str], number: Callable[[float], str]
) -> list[str]:
    """Format a result's values; a missing value is the empty string."""
    values = [result[key] for key in keys]
    return [
        number(value)
        if isinstance(value, float)
        else ""
        if value is None
        else str(value)
        for value in values
    ]


def main(flag_values: flags.FlagValues) -> None:
    """Run the command."""
    if not flag_values.workdir.strip():
        raise ValueError("--workdir: it is empty; name a folder")
    from mirjax import xla
    from mirjax.training.stop_signal import TrainingStopped

    xla.use_enough_threads()
    xla.use_compilation_cache()
    folder = pathlib.Path(flag_values.workdir)
    try:
        sweep(flag_values.config, folder, flag_values.together)
    except TrainingStopped as stopped:
        logging.info("%s; run the same command to continue", stopped)
        raise SystemExit(stopped.exit_code) from None


if __name__ == "__main__":
    cli.run(main, define_flags)
