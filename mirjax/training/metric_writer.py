"""Write metrics to `metrics.jsonl` and TensorBoard, from process 0 only."""

import json
import pathlib
from collections.abc import Mapping
from typing import Any

import jax
import tensorboardX

from mirjax.files import atomic_write

FILE_NAME = "metrics.jsonl"


def read_metrics(workdir: pathlib.Path) -> list[dict[str, Any]]:
    """Read a run's metrics.

    A last line that a kill cut off is left out: resuming writes it again.

    Args:
      workdir: the run's folder.

    Returns:
      One dictionary a line; none if the file does not exist yet.

    Raises:
      ValueError: for a broken line anywhere else.
    """
    path = workdir / FILE_NAME
    if not path.exists():
        return []
    rows = []
    lines = path.read_text().splitlines()
    for number, line in enumerate(lines, start=1):
        try:
            rows.append(json.loads(line))
        except json.JSONDecodeError as error:
            if number == len(lines):
                break
            raise ValueError(f"{path} line {number} is not JSON: {error}") from error
    return rows


class MetricWriter:
    """Append metrics to a run's files; a context manager.

    Args:
      workdir: the run's folder.
      resume_step: keep earlier lines up to this step and drop those after it, which
        the resumed run writes again.
    """

    def __init__(self, workdir: pathlib.Path, resume_step: int = 0):
        self._file = None
        if jax.process_index() != 0:
            return
        kept = [row for row in read_metrics(workdir) if row["step"] <= resume_step]
        path = workdir / FILE_NAME
        with atomic_write(path) as unfinished:
            unfinished.write_text("".join(json.dumps(row) + "\n" for row in kept))
        self._file = path.open("a")
        self._tensorboard = tensorboardX.SummaryWriter(
            str(workdir / "tensorboard"), purge_step=resume_step + 1
        )

    def write(self, step: int, metrics: Mapping[str, float]) -> None:
        """Write one object with `step` and the metrics, and flush it."""
        if self._file is None:
            return
        self._file.write(json.dumps({"step": step, **metrics}) + "\n")
        self._file.flush()
        for name, value in metrics.items():
            self._tensorboard.add_scalar(name, value, step)

    def __enter__(self) -> "MetricWriter":
        return self

    def __exit__(self, *exception: object) -> None:
        if self._file is not None:
            self._file.close()
            self._tensorboard.close()
