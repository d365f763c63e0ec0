"""The file of a repression model: its head, and one for each left-out miRNA."""

import dataclasses
import json
import math
import pathlib
from collections.abc import Mapping
from typing import Any

from mirjax.files import atomic_write
from mirjax.inputs import Source, input_name, read_text
from mirjax.scanning.repression import features
from mirjax.scanning.repression.head import RepressionHead
from mirjax.scanning.repression.seed_sites import TYPES
from mirjax.sequences.pairing import SEED

FORMAT = "mirjax repression model 1"
PRETRAINED = "pretrained/repression"  # the model that comes with the package

_FOLDER = pathlib.Path(__file__).parents[2] / "pretrained" / "repression"
_LARGEST = 1e6  # of a parameter; a file with larger ones is damaged


@dataclasses.dataclass(frozen=True)
class RepressionModel:
    """A trained model.

    Attributes:
      head: trained on all miRNAs.
      folds: seed (letters 2-8) of a miRNA in the training data → a head that was
        trained without that miRNA.
      trained_on: the experiments.
    """

    head: RepressionHead
    folds: Mapping[str, RepressionHead] = dataclasses.field(default_factory=dict)
    trained_on: tuple[str, ...] = ()

    def held_out(self, mirna: str) -> RepressionHead:
        """Return the head that was trained on no miRNA with this seed.

        Args:
          mirna: its sequence, 5'→3', RNA letters.
        """
        return self.folds.get(mirna[SEED], self.head)


def find_model(name: str) -> pathlib.Path:
    """Return the file of a model.

    Args:
      name: a path; `PRETRAINED`, trained on all experiments; or `PRETRAINED` followed
        by /hela, trained on HeLa only.
    """
    if name == PRETRAINED:
        return _FOLDER / "model.json"
    if name == f"{PRETRAINED}/hela":
        return _FOLDER / "hela.json"
    return pathlib.Path(name)


def write_model(path: pathlib.Path, model: RepressionModel) -> None:
    """Write a model; the file appears whole or not at all."""
    content = {"format": FORMAT, "types": TYPES, **dataclasses.asdict(model)}
    with atomic_write(path) as unfinished:
        unfinished.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def read_model(source: Source) -> RepressionModel:
    """Read a model.

    Raises:
      ValueError: if the file is not of this format, or a parameter is missing, is not a
        finite number, or belongs to an unknown feature.
    """
    name = input_name(source)
    try:
        content = json.loads(read_text(source))
    except (json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"{name}: not a repression model: {error}") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise ValueError(f"{name}: not a repression model of the format {FORMAT!r}")
    try:
        if tuple(content["types"]) != TYPES:
            raise ValueError(f"types are {content['types']}")
        folds = {str(s): _head(fold) for s, fold in content["folds"].items()}
        trained_on = tuple(map(str, content["trained_on"]))
        return RepressionModel(_head(content["head"]), folds, trained_on)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"{name}: damaged repression model: {error!r}") from error


def _head(content: Mapping[str, Any]) -> RepressionHead:
    slopes, centres, scales = (
        {str(key): _number(value) for key, value in content[part].items()}
        for part in ("slopes", "centres", "scales")
    )
    unknown = set(slopes) - set(features.NAMES)
    if unknown or not set(slopes) == set(centres) == set(scales):
        raise ValueError(f"features are {sorted(slopes)}")
    if min(scales.values(), default=1.0) <= 0:
        raise ValueError("a scale is not positive")
    guide, passenger = (
        tuple(_number(value) for value in content[part])
        for part in ("guide", "passenger")
    )
    if not len(guide) == len(passenger) == len(TYPES):
        raise ValueError(f"{len(guide)} and {len(passenger)} types")
    intervals = tuple(
        (_number(edge), _number(low), _number(high))
        for edge, low, high in content["intervals"]
    )
    if sorted(intervals) != list(intervals):
        raise ValueError("the intervals are not in order")
    return RepressionHead(guide, passenger, slopes, centres, scales, intervals)


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{value!r} is not a number")
    if not math.isfinite(value) or abs(value) > _LARGEST:
        raise ValueError(f"{value!r} is out of range")
    return float(value)
