"""The models, and the factory that makes one from a config."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from ml_collections import ConfigDict

from mirjax.models.duplex import Duplex
from mirjax.models.mirbind2 import MirBind2
from mirjax.models.mitar import Mitar
from mirjax.models.seq2seq import Seq2Seq
from mirjax.models.transformer import Transformer
from mirjax.spelling import suggest

MODELS: dict[str, type[Duplex | MirBind2 | Mitar | Seq2Seq | Transformer]] = {
    "duplex": Duplex,
    "mirbind2": MirBind2,
    "mitar": Mitar,
    "seq2seq": Seq2Seq,
    "transformer": Transformer,
}
"""Models by their names in configs."""


def make_model(
    config: Mapping[str, Any] | ConfigDict,
) -> Duplex | MirBind2 | Mitar | Seq2Seq | Transformer:
    """Make the module that `config.model` describes.

    Args:
      config: `name`, one of MODELS, and arguments of that class.

    Returns:
      The module, without parameters: a `Classifier` or a `Generator`; see
      `mirjax.models.interfaces`.

    Raises:
      ValueError: for an unknown name or argument; the message lists the known ones.
    """
    arguments = dict(config)
    name = arguments.pop("name", None)
    if name not in MODELS:
        raise ValueError(f"config.model.name: {name!r} is not one of {sorted(MODELS)}")
    known = {
        field.name
        for field in dataclasses.fields(MODELS[name])
        if field.name not in ("parent", "name")
    }
    unknown = sorted(set(arguments) - known)
    if unknown:
        raise ValueError(
            f"config.model: unknown key {unknown[0]!r}; {name} takes {sorted(known)}"
            + suggest(unknown[0], known)
        )
    return MODELS[name](**arguments)
