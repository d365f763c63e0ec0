"""Several labelled sets to train one classifier on, and the rows that are held out.

Each source is split into training and validation rows. Its positives get new negatives,
several draws of them: no published set of negatives is alike. The leakage guard takes
out the rows that share letters with a test set.
"""

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from absl import logging
from jaxtyping import Bool

from mirjax.datasets import registry, splits
from mirjax.datasets.catalogue import is_dataset
from mirjax.datasets.joining import distinct_positives, join_pairs
from mirjax.datasets.leakage import Guard, Reserved
from mirjax.datasets.negatives import make_negatives, with_negatives
from mirjax.sequences.records import Pairs, Split

_DRAWS = 3  # stream of random numbers; those of `with_negatives` come before


@dataclasses.dataclass(frozen=True)
class SourceOptions:
    """The section `data` of a config that names several training sets.

    Names are joined by "+": datasets, and files.
    """

    sources: str  # what is trained on
    left_out: str = ""  # measured at each evaluation, and never trained on
    reserved: str = ""  # test sets, and files of hashes: see `leakage.Guard`
    # Sources whose own split and own labels are used; of the others, the positive rows.
    as_published: str = ""
    validation_fraction: float = 0.1  # of the positive rows, by clusters of targets
    reserve_validation: bool = True  # validation rows are reserved as test sets are
    negatives: str = "family"  # one of negatives.KINDS
    negative_draws: int = 4  # negatives generated for each positive row
    seed: int = 0  # of splits and negatives
    positives_per_epoch: int = 0  # of each source, drawn at random; 0: all
    train_on_labels: bool = True  # False: on a teacher's predictions alone
    shift: int = 0  # letters by which a target may be moved, at most
    label_smoothing: float = 0.0  # 0.1: labels of 0.05 and 0.95
    files_sha256: str = ""  # of all files that are named; filled in

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


class Source(NamedTuple):
    """The rows of one source.

    Attributes:
      name: of the dataset, or the path of the file.
      positives: training rows.
      negatives: training rows; an epoch visits as many of them as positives.
      validation: held-out rows, with labels.
    """

    name: str
    positives: Pairs
    negatives: Pairs
    validation: Pairs


class Sources(NamedTuple):
    """What a classifier is trained on and measured on.

    Attributes:
      trained: with training rows.
      left_out: without; their validation rows are those that they have when they are
        trained on.
      guard: what must not be trained on, and how many rows it removed.
    """

    trained: Sequence[Source]
    left_out: Sequence[Source]
    guard: Guard


def split_names(joined: str) -> list[str]:
    """Return names that are joined by "+".

    >>> split_names("helwak2013+pairs.tsv"), split_names("")
    (['helwak2013', 'pairs.tsv'], [])
    """
    return joined.split("+") if joined else []


def set_name(source: str) -> str:
    """Return what a source is called in metrics: a dataset's name, a file's stem.

    >>> set_name("helwak2013"), set_name("/data/pairs.tsv.gz")
    ('helwak2013', 'pairs')
    """
    return source if is_dataset(source) else pathlib.Path(source).name.split(".")[0]


def load_sources(options: SourceOptions) -> Sources:
    """Load, split and guard every source; the result is a pure function of the options.

    Args:
      options: which ones.

    Raises:
      ValueError: for a source or a reserved set that cannot be read, or one without a
        positive training row.
    """
    names = options.names()
    reserved = Guard.from_sources(split_names(options.reserved)).sources
    guard = Guard({set_name(name): kept for name, kept in reserved.items()})
    loaded = {name: select_source(name, options) for name in names}
    validation = {
        name: _kept(
            pairs.take(split.validation), guard, f"{set_name(name)}, validation"
        )
        for name, (pairs, split) in loaded.items()
    }
    held_out = dict(guard.sources)
    if options.reserve_validation:
        for name, pairs in validation.items():
            held_out[f"{set_name(name)}, validation"] = Reserved.from_pairs(pairs)
    # One report: that of the guard that is returned.
    guard = dataclasses.replace(guard, sources=held_out)
    trained = split_names(options.sources)
    return Sources(
        [
            _train_on(name, loaded[name], validation[name], guard, options)
            for name in trained
        ],
        [
            Source(name, Pairs([], []), Pairs([], []), validation[name])
            for name in names
            if name not in trained
        ],
        guard,
    )


def select_source(name: str, options: SourceOptions) -> tuple[Pairs, Split]:
    """Load a source and split it as for training, before the guard.

    Args:
      name: a dataset or a file.
      options: those of the training.

    Returns:
      Its rows with labels, and their split. Its own rows and split if it is among
      `options.as_published`. Otherwise its distinct positive rows, of which whole
      clusters of targets are held out, and as many negatives generated in either part;
      there are no test rows.

    Raises:
      ValueError: if it cannot be read or has no positive row.
    """
    if name in split_names(options.as_published):
        pairs, split = registry.load_split(name, seed=options.seed)
        if pairs.labels is None:
            raise ValueError(
                f"config.data.as_published: {name} has no labels; leave it out there"
            )
        return pairs, split
    positives = distinct_positives(registry.load_pairs(name), name)
    fraction = options.validation_fraction
    split = splits.cluster_split(
        positives.targets,
        options.seed,
        (1.0 - fraction, fraction, 0.0),
        clusters=positives.clusters,
    )
    if not len(split.validation):
        raise ValueError(
            f"{name}: no cluster of its {len(positives):,} positive rows is held out; "
            "raise config.data.validation_fraction"
        )
    return with_negatives(positives, split, options.negatives, seed=options.seed)


def _train_on(
    name: str,
    loaded: tuple[Pairs, Split],
    validation: Pairs,
    guard: Guard,
    options: SourceOptions,
) -> Source:
    """Return a source with the training rows that the guard leaves, and negatives."""
    pairs, split = loaded
    rows = _kept(pairs.take(split.train), guard, f"{set_name(name)}, training")
    labels = np.asarray(rows.labels)
    if not labels.any():
        raise ValueError(
            f"{name}: no positive training row is left; take it out of "
            "config.data.sources"
        )
    positives = _sequences(rows.take(np.flatnonzero(labels == 1)))
    own = _sequences(rows.take(np.flatnonzero(labels == 0)))
    positive = pairs.take(np.flatnonzero(np.asarray(pairs.labels) == 1))
    known = list(zip(positive.mirnas, positive.targets, strict=True))
    is_published = name in split_names(options.as_published)
    draws = [
        make_negatives(
            positives,
            options.negatives,
            len(positives),
            seed=[options.seed, _DRAWS, draw],
            known=known,
        )
        # The training rows have a first draw already, unless the set's own are used.
        for draw in range(int(not is_published), options.negative_draws)
    ]
    negatives = own
    for draw in draws:
        negatives = join_pairs(negatives, draw)
    logging.info(
        "%s: %d positive training rows, %d negatives to draw from, %d validation rows",
        name,
        len(positives),
        len(negatives),
        len(validation),
    )
    return Source(name, positives, negatives, validation)


def _kept(pairs: Pairs, guard: Guard, name: str) -> Pairs:
    """Return the rows that may be used."""
    leaking: Bool[np.ndarray, " rows"] = guard.leaks(pairs, name)
    return _sequences(pairs.take(np.flatnonzero(~leaking)))


def _sequences(pairs: Pairs) -> Pairs:
    """Return sequences and labels alone."""
    return Pairs(pairs.mirnas, pairs.targets, pairs.labels)
