"""Published models by name: `published/NAME`, fetched by the registry."""

import os
import pathlib

from mirjax.datasets import registry
from mirjax.datasets.catalogue import PUBLISHED, list_published
from mirjax.spelling import suggest

PREFIX = "published/"


def find_published(name: str | os.PathLike[str]) -> pathlib.Path | None:
    """Return the file of a published model, downloaded if there is no local copy.

    Args:
      name: of a model, as users give it. `published/NAME` has precedence over a folder
        of that path: for the folder, write its whole path.

    Returns:
      The file; None if the name does not begin with "published/".

    Raises:
      ValueError: if there is no such model (the message lists the known ones), or as
        `registry.path` does.
    """
    text = os.fspath(name)
    if not text.startswith(PREFIX):
        return None
    wanted = text.removeprefix(PREFIX).rstrip("/")
    if wanted not in PUBLISHED:
        raise ValueError(
            f"{text}: there is no such published model; there are {list_published()}"
            + suggest(wanted, list(PUBLISHED))
        )
    return registry.path(PUBLISHED[wanted])
