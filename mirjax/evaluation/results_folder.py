"""The folder of an evaluation's results: one for each model, dataset and split."""

import itertools
import json
import pathlib
from collections.abc import Mapping
from typing import Any

from mirjax.evaluation.evaluation_set import Source
from mirjax.files import atomic_write

FILE_NAME = "metrics.json"
_PARENT = "evaluation"  # in a model's folder


def results_folder(
    out: str | None, model: pathlib.Path, source: Source
) -> pathlib.Path:
    """Return the folder to write results to.

    Args:
      out: the folder that the user names, if any.
      model: the model's file or folder.
      source: the rows that it is evaluated on.

    Returns:
      `out`; or in the model's folder evaluation/NAME-SPLIT, where NAME is that of the
      dataset, or of the file without its suffixes. If this folder has the results of
      another file of that name: evaluation/NAME-SPLIT-2, and so on.

    Raises:
      ValueError: if `out` is missing and the model is not a folder.
    """
    if out:
        return pathlib.Path(out)
    if not model.is_dir():
        raise ValueError(
            f"--model={model} is not the folder of a run: name the folder for the "
            "results by --out=FOLDER"
        )
    name = source.data.replace("/", "-")
    if source.path:
        name = pathlib.Path(source.path).name.partition(".")[0]
    first = model / _PARENT / f"{name}-{source.part}"
    folder = first
    for number in itertools.count(2):
        if _is_free(folder / FILE_NAME, source):
            break
        folder = first.with_name(f"{first.name}-{number}")
    return folder


def write_metrics(content: Mapping[str, Any], folder: pathlib.Path) -> pathlib.Path:
    """Write metrics as JSON, and return the file."""
    path = folder / FILE_NAME
    with atomic_write(path) as unfinished:
        unfinished.write_text(json.dumps(content, indent=2) + "\n")
    return path


def _is_free(metrics: pathlib.Path, source: Source) -> bool:
    """Return whether a file holds no results of other data."""
    try:
        found = json.loads(metrics.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # no file, or not one of an evaluation
        return True
    return (found.get("data_path") or found.get("data")) == (source.path or source.data)
