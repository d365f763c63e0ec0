"""Several labelled sets to train one classifier on, and the rows that are held out.

Each source is split into training and validation rows. Its positives get several draws
of new negatives, since the published sets have different kinds of negatives. The
leakage guard removes rows that share letters with a test set.
"""

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from absl import logging
from jaxtyping import Bool

from mirjax.datasets import registry, splits
from mirjax.datasets.joining import distinct_positives, join_pairs
from mirjax.datasets.leakage import Guard, Reserved
from mirjax.datasets.negatives import make_negatives, with_negatives
from mirjax.datasets.source_options import (
    FAMILIES,
    SourceOptions,
    set_name,
    split_names,
)
from mirjax.sequences.pairing import SEED
from mirjax.sequences.records import Pairs, Split

_DRAWS = 3  # stream of random numbers; those of `with_negatives` come before
_FAMILIES = 4  # likewise


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
    """The sources on which a classifier is trained and measured.

    Attributes:
      trained: with training rows.
      left_out: without training rows; their validation rows are the same as when they
        are trained on. The last one may be `FAMILIES`: the validation rows of `trained`
        whose miRNA family is left out.
      guard: reserved rows, and a report of the rows removed.
      families: seeds, letters 2 to 8, of the families that are left out.
    """

    trained: Sequence[Source]
    left_out: Sequence[Source]
    guard: Guard
    families: frozenset[str] = frozenset()


def load_sources(options: SourceOptions) -> Sources:
    """Load, split and guard every source; the result is a pure function of the options.

    Args:
      options: name the sources.

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
    # All counts are in the report of the guard that is returned.
    guard = dataclasses.replace(guard, sources=held_out)
    trained = split_names(options.sources)
    sources = Sources(
        [
            _train_on(name, loaded[name], validation[name], guard, options)
            for name in trained
        ],
        [_measured(name, validation[name]) for name in names if name not in trained],
        guard,
    )
    if options.left_out_families:
        return _leave_families_out(sources, options)
    return sources


def _measured(name: str, validation: Pairs) -> Source:
    """Return a source that is not trained on."""
    return Source(name, Pairs([], []), Pairs([], []), validation)


def _leave_families_out(sources: Sources, options: SourceOptions) -> Sources:
    """Remove rows of some miRNA families from training, to measure on them."""
    known = {
        mirna[SEED] for source in sources.trained for mirna in source.positives.mirnas
    }
    count = round(options.left_out_families * len(known))
    if not 0 < count < len(known):
        raise ValueError(
            f"config.data.left_out_families={options.left_out_families:g}: that is "
            f"{count} of {len(known)} families; name a fraction that leaves some out, "
            "and some in"
        )
    order = np.random.default_rng([options.seed, _FAMILIES]).permutation(sorted(known))
    families = frozenset(order[:count].tolist())

    def divide(pairs: Pairs) -> tuple[Pairs, Pairs]:
        is_out = np.array([mirna[SEED] in families for mirna in pairs.mirnas], bool)
        return pairs.take(np.flatnonzero(~is_out)), pairs.take(np.flatnonzero(is_out))

    trained, left_out = [], Pairs([], [], np.zeros(0, np.uint8))
    for source in sources.trained:
        kept, other = divide(source.validation)
        positives, negatives = divide(source.positives)[0], divide(source.negatives)[0]
        trained.append(Source(source.name, positives, negatives, kept))
        left_out = join_pairs(left_out, other)
        logging.info(
            "%s: %d of %d positive training rows are of the %d families left out",
            source.name,
            len(source.positives) - len(positives),
            len(source.positives),
            count,
        )
    measured = [*sources.left_out, _measured(FAMILIES, left_out)]
    return Sources(trained, measured, sources.guard, families)


def select_source(name: str, options: SourceOptions) -> tuple[Pairs, Split]:
    """Load a source and split it as for training, before the guard.

    Args:
      name: a dataset or a file.
      options: those of the training.

    Returns:
      Its rows with labels, and their split. If it is among `options.as_published`,
      these are its own rows and split. Otherwise they are its distinct positive rows,
      where whole clusters of targets are held out, and equally many negatives generated
      in each part; there are no test rows.

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
    """Return a source with the training rows that do not leak, and negatives."""
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
        # The training rows already have one draw, unless the set's own negatives are
        # used.
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
    """Return only sequences and labels."""
    return Pairs(pairs.mirnas, pairs.targets, pairs.labels)
