"""Trained models in the package: `pretrained/NAME`, without a network."""

import os
import pathlib

from mirjax.models.trained import FILE_NAME
from mirjax.spelling import suggest

PREFIX = "pretrained/"
FOLDER = pathlib.Path(__file__).parents[1] / "pretrained"
CARD = "card.md"  # beside the model's file; card.json holds the same as data


def pretrained_names() -> list[str]:
    """Return the names of the models that the package holds, such as duplex."""
    return sorted(path.parent.name for path in FOLDER.glob(f"*/{FILE_NAME}"))


def find_pretrained(name: str | os.PathLike[str]) -> pathlib.Path | None:
    """Return the file of a model that the package holds.

    Args:
      name: of a model, as users give it. `pretrained/NAME` has precedence over a folder
        of that path: for the folder, write its whole path.

    Returns:
      The file; None if the name does not begin with "pretrained/".

    Raises:
      ValueError: if the package holds no such model; the message lists those it holds.
    """
    text = os.fspath(name)
    if not text.startswith(PREFIX):
        return None
    wanted, names = text.removeprefix(PREFIX).rstrip("/"), pretrained_names()
    if wanted not in names:
        known = ", ".join(PREFIX + each for each in names) or "none"
        raise ValueError(
            f"{text}: the package holds no such model (it holds {known})"
            + suggest(wanted, names)
            + "; a folder of this name is given by its whole path"
        )
    return FOLDER / wanted / FILE_NAME
