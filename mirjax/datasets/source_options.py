"""Options of training on several labelled sets, and the names of the sets."""

import dataclasses
import pathlib
from collections.abc import Mapping
from typing import Any

from mirjax.datasets.catalogue import is_dataset

FAMILIES = "left_out_families"  # the name of their validation rows in metrics


@dataclasses.dataclass(frozen=True)
class SourceOptions:
    """The section `data` of a config that names several training sets.

    Names are joined by "+": datasets, and files.
    """

    sources: str  # sets to train on
    left_out: str = ""  # sets measured at each evaluation but never trained on
    left_out_families: float = 0.0  # fraction of miRNA families that are left out too
    reserved: str = ""  # test sets, and files of hashes: see `leakage.Guard`
    # Sources whose own split and own labels are used; of the others, the positive rows.
    as_published: str = ""
    validation_fraction: float = 0.1  # of the positive rows, by clusters of targets
    reserve_validation: bool = True  # validation rows are reserved like test sets
    negatives: str = "family"  # one of negatives.KINDS
    negative_draws: int = 4  # negatives generated for each positive row
    seed: int = 0  # of splits and negatives
    positives_per_epoch: int = 0  # of each source, drawn at random; 0: all
    train_on_labels: bool = True  # False: train on a teacher's predictions only
    shift: int = 0  # highest number of letters by which a target may be moved
    label_smoothing: float = 0.0  # 0.1: labels of 0.05 and 0.95
    files_sha256: str = ""  # of all named files; filled in

    @classmethod
    def from_saved(cls, data: Mapping[str, Any]) -> "SourceOptions":
        """Return the options that a model file stores.

        Raises:
          ValueError: for an unknown key.
        """
        known = {field.name for field in dataclasses.fields(cls)}
        if unknown := sorted(set(data) - known):
            raise ValueError(
                f"the model was trained on data chosen by {unknown[0]!r}, which this "
                "version of mirjax does not know; use a newer one"
            )
        return cls(**data)

    def names(self) -> list[str]:
        """Return every source, trained on or left out.

        Raises:
          ValueError: if none is trained on, or one is named twice.
        """
        trained, left_out = split_names(self.sources), split_names(self.left_out)
        names = [*trained, *left_out]
        if not trained:
            raise ValueError("config.data.sources: name a dataset or a file")
        called = [set_name(name) for name in names]
        for name in called:
            if called.count(name) > 1:
                raise ValueError(
                    f"config.data: {name} is named twice in sources and left_out; name "
                    "it once, and give files different names"
                )
        for name in split_names(self.as_published):
            if name not in names:
                raise ValueError(
                    f"config.data.as_published: {name} is not among the sources "
                    + ", ".join(names)
                )
        return names


def split_names(joined: str) -> list[str]:
    """Return names that are joined by "+".

    >>> split_names("helwak2013+pairs.tsv"), split_names("")
    (['helwak2013', 'pairs.tsv'], [])
    """
    return joined.split("+") if joined else []


def set_name(source: str) -> str:
    """Return the name of a source in metrics: a dataset's name, or a file's stem.

    >>> set_name("helwak2013"), set_name("/data/pairs.tsv.gz")
    ('helwak2013', 'pairs')
    """
    return source if is_dataset(source) else pathlib.Path(source).name.split(".")[0]
