"""Restore the last checkpoint, and write lost model files again."""

import dataclasses
import pathlib
from collections.abc import Sequence

from absl import logging

from mirjax.models.trained import FILE_NAME as MODEL_FILE
from mirjax.training.agreement import from_process_0
from mirjax.training.checkpoint import Checkpoints
from mirjax.training.checkpoint_hashes import FOLDER
from mirjax.training.metric_writer import FILE_NAME as METRICS_FILE
from mirjax.training.metric_writer import read_metrics
from mirjax.training.programs import Program
from mirjax.training.progress import RunProgress
from mirjax.training.workdir import export_model


@dataclasses.dataclass(frozen=True)
class Folders:
    """The folders of a program's runs.

    Attributes:
      runs: one folder for each run, with its metrics and its exported model.
      checkpoints: of all runs together; for one run its own folder.
    """

    runs: Sequence[pathlib.Path]
    checkpoints: pathlib.Path


def restore(
    program: Program, folders: Folders, saved: Checkpoints
) -> list[RunProgress]:
    """Put the last checkpoint's state into a program, if there is a checkpoint.

    Exported model files that are missing are written again.

    Args:
      program: the program; its state is replaced.
      folders: of its runs.
      saved: the checkpoints.

    Returns:
      The progress of each run.

    Raises:
      ValueError: if a checkpoint cannot be restored, is beyond the last step, or is
        lost.
    """
    steps = from_process_0(saved.steps)
    if not steps:
        from_process_0(lambda: _check_nothing_lost(folders))
        return [RunProgress() for _ in program.tasks]
    done, counts = max(steps), program.tasks[0].steps
    if done > counts.total:
        raise ValueError(
            f"--workdir: {folders.checkpoints} has already done "
            f"{done / counts.per_epoch:.6g} epochs ({done} steps), more than config."
            f"train.num_epochs={program.tasks[0].train.num_epochs:.6g} ({counts.total} "
            "steps); give at least as many, or choose another folder"
        )
    logging.info("Resuming from the checkpoint of step %d", done)
    program.state, progress = saved.restore(done, program.abstract_state)
    runs = [RunProgress.from_json(text) for text in progress["runs"]]
    exported = from_process_0(
        lambda: [(folder / MODEL_FILE).exists() for folder in folders.runs]
    )
    for number, run in enumerate(runs):
        if run.best is not None and not exported[number]:
            runs[number] = _export_again(program, folders, saved, number, run)
    return runs


def _check_nothing_lost(folders: Folders) -> None:
    """Raise a ValueError if runs have metrics but their checkpoints are lost."""
    for folder in folders.runs:
        evaluated = [
            row["step"]
            for row in read_metrics(folder)
            if any(name.startswith("val/") for name in row)
        ]
        # A kill before the first checkpoint is complete leaves one evaluation.
        if len(evaluated) > 1:
            raise ValueError(
                f"--workdir: {folder / METRICS_FILE} reaches step {evaluated[-1]}, but "
                f"no checkpoint is left in {folders.checkpoints / FOLDER}; put the "
                "checkpoints back, choose another folder, or move "
                f"{METRICS_FILE} away to train again"
            )


def _export_again(
    program: Program,
    folders: Folders,
    saved: Checkpoints,
    number: int,
    run: RunProgress,
) -> RunProgress:
    """Write the model file of one run from its best or its last checkpoint.

    Returns:
      The run's progress; without a best step if the checkpoint of that step is lost,
      too, so that the next evaluation exports the model.
    """
    task, folder = program.tasks[number], folders.runs[number]
    step = program.step()
    wanted = run.best_step if task.train.export == "best" else step
    is_evaluation = step % task.steps.per_evaluation == 0 or step == task.steps.total
    if task.train.export == "last" and not (is_evaluation or run.ended):
        return run  # the next evaluation exports it
    path = folder / MODEL_FILE
    if wanted != step and wanted not in saved.steps():
        problem = f"{path} is lost, and so is the checkpoint of its step {wanted}"
        if run.ended or step == task.steps.total:
            raise ValueError(
                f"{problem}; put the file back, or choose another --workdir"
            )
        logging.warning("%s: the best step is now chosen from %d on", problem, step)
        return dataclasses.replace(run, best=None, best_step=step, best_metrics={})
    last = program.state
    if wanted != step:
        program.state, _ = saved.restore(wanted, program.abstract_state)
    export_model(folder, task, wanted, program.eval_params(number))
    program.state = last
    logging.info("%s was missing: written from the checkpoint of step %d", path, wanted)
    return run
