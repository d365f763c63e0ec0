"""Write metrics to `metrics.jsonl` and TensorBoard, from process 0 only."""

import contextlib
import json
import pathlib
import time
from collections.abc import Mapping
from typing import Any

import jax
from tensorboardX import summary
from tensorboardX.event_file_writer import EventsWriter
from tensorboardX.proto.event_pb2 import Event, SessionLog

from mirjax.files import atomic_write
from mirjax.training.disk_errors import naming

FILE_NAME = "metrics.jsonl"
TENSORBOARD_FOLDER = "tensorboard"

_FLUSH_SECONDS = 30  # between writes of the TensorBoard events


def read_metrics(workdir: pathlib.Path) -> list[dict[str, Any]]:
    """Read a run's metrics.

    If a killed run left an incomplete last line, it is left out: the resumed run writes
      it again.

    Args:
      workdir: the run's folder.

    Returns:
      One dictionary per line; none if the file does not exist yet.

    Raises:
      ValueError: for any other line that is not valid JSON.
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


def set_metrics_aside(workdir: pathlib.Path) -> pathlib.Path:
    """Rename a run's metrics, so that it can be trained again; return the new path."""
    number = 1
    while (aside := workdir / f"metrics.{number}.jsonl").exists():
        number += 1
    if (workdir / FILE_NAME).exists():
        (workdir / FILE_NAME).rename(aside)
    return aside


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
        self._path = workdir / FILE_NAME
        with naming(self._path), atomic_write(self._path) as unfinished:
            unfinished.write_text("".join(json.dumps(row) + "\n" for row in kept))
        self._file = self._path.open("a")
        # SummaryWriter writes in a thread, and hangs once the disk is full.
        self._tensorboard_folder = workdir / TENSORBOARD_FOLDER
        self._tensorboard_folder.mkdir(exist_ok=True)
        with naming(self._tensorboard_folder):
            self._tensorboard = EventsWriter(
                str(self._tensorboard_folder / "events"), f".{resume_step}"
            )
            self._next_flush = time.monotonic()
            self._add_event(
                step=resume_step + 1, session_log=SessionLog(status=SessionLog.START)
            )

    def write(self, step: int, metrics: Mapping[str, float]) -> None:
        """Write one object with `step` and the metrics, and flush it.

        Raises:
          OSError: if the disk is full.
        """
        if self._file is None:
            return
        with naming(self._path):
            self._file.write(json.dumps({"step": step, **metrics}) + "\n")
            self._file.flush()
        with naming(self._tensorboard_folder):
            for name, value in metrics.items():
                self._add_event(step=step, summary=summary.scalar(name, value))
            if time.monotonic() > self._next_flush:
                self._tensorboard.flush()  # slow: it waits for the disk
                self._next_flush = time.monotonic() + _FLUSH_SECONDS

    def _add_event(self, **content: Any) -> None:
        self._tensorboard.write_event(Event(wall_time=time.time(), **content))

    def __enter__(self) -> "MetricWriter":
        return self

    def __exit__(self, *exception: object) -> None:
        if self._file is not None:
            with contextlib.suppress(OSError):  # raised when it was written
                self._file.close()
            with contextlib.suppress(OSError):
                self._tensorboard.close()
