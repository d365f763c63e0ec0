"""Run the whole study again, from raw data to a report.

    python -m mirjax.study --workdir=W

Each experiment, T1 to T9, writes its metrics to W/results, and all of them are rendered
to W/report.html, one page that needs no network. Trained models and measurements are
stored in W/stages and reused unless their inputs or their code change: the same command
continues a study that was stopped or killed.

The whole study takes about half a day on 2 CPU cores. It needs the datasets
chakraborty2019, mitar2021 and hejret2023, NCBI BLAST+, and ViennaRNA (pip install
'mirjax[fold]'). --quick runs all of it on reduced data in a few minutes; every table is
marked.

SIGTERM, SIGHUP and SIGINT (Ctrl-C) save the training that runs first. Exit codes: 0
when all is done, 1 after an error, 130 after SIGINT, 143 after SIGTERM or SIGHUP.
"""

# Only light modules are imported here, so that --help and errors in flags are fast.
import pathlib

from absl import flags, logging

from mirjax import cli
from mirjax.studies.names import EXPERIMENT_NAMES

REPORT_FILE = "report.html"
COMPILED_FOLDER = "compiled"


def define_flags(flag_values: flags.FlagValues) -> None:
    """Define the command's flags."""
    flags.DEFINE_string(
        "workdir",
        None,
        "Folder of the study, made if missing. A study found there is continued.",
        flag_values=flag_values,
    )
    flags.DEFINE_list(
        "only",
        [],
        f"Experiments to run, of {','.join(EXPERIMENT_NAMES)}. Default: all.",
        flag_values=flag_values,
    )
    flags.DEFINE_boolean(
        "quick",
        False,
        "Run all experiments on reduced data with small models, in minutes: this shows "
        "that the program runs, not what the models can do.",
        flag_values=flag_values,
    )
    flags.mark_flag_as_required("workdir", flag_values)


def main(flag_values: flags.FlagValues) -> None:
    """Run the command."""
    if not flag_values.workdir.strip():
        raise ValueError("--workdir: it is empty; name a folder")
    workdir, names = pathlib.Path(flag_values.workdir), flag_values.only
    if unknown := [name for name in names if name not in EXPERIMENT_NAMES]:
        known = ", ".join(EXPERIMENT_NAMES)
        raise ValueError(f"--only: {unknown[0]!r} is not one of {known}")

    import jax

    from mirjax.blast.programs import find_blast
    from mirjax.inference.folding import load_viennarna
    from mirjax.studies.settings import FULL, QUICK
    from mirjax.studies.study import RESULTS_FOLDER, run_study
    from mirjax.training.stop_signal import TrainingStopped

    find_blast()
    load_viennarna("mirjax.study")
    # Programs are compiled once for all seeds and runs.
    jax.config.update("jax_compilation_cache_dir", str(workdir / COMPILED_FOLDER))
    try:
        run_study(QUICK if flag_values.quick else FULL, workdir, names)
    except TrainingStopped as stopped:
        logging.info("%s; run the same command to continue", stopped)
        raise SystemExit(stopped.exit_code) from None

    from mirjax.reporting.study_report import write_report

    write_report(workdir / RESULTS_FOLDER, workdir / REPORT_FILE)
    print(workdir / REPORT_FILE)


if __name__ == "__main__":
    cli.run(main, define_flags)
