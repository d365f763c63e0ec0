"""Concatenation of datasets of pairs and of their splits, and distinct positives."""

import dataclasses
from typing import Any

import numpy as np
from absl import logging

from mirjax.sequences.records import Pairs, Split


def join_pairs(first: Pairs, second: Pairs) -> Pairs:
    """Concatenate the rows of two datasets.

    >>> join_pairs(Pairs(["UGAG"], ["CUCA"]), Pairs(["AC"], ["GU"])).mirnas
    ['UGAG', 'AC']

    Args:
      first: a dataset.
      second: another one, whose rows come after those of the first.

    Returns:
      All rows, labelled; rows of a dataset without labels are positive. Any other
      column is left out if one of the datasets lacks it.
    """
    columns: dict[str, Any] = {}
    for field in dataclasses.fields(Pairs):
        a, b = (
            np.ones(len(pairs), np.uint8)
            if field.name == "labels" and pairs.labels is None
            else getattr(pairs, field.name)
            for pairs in (first, second)
        )
        if a is None or b is None:
            continue
        is_array = isinstance(a, np.ndarray)
        columns[field.name] = np.concatenate([a, b]) if is_array else [*a, *b]
    return Pairs(**columns)


def join_splits(
    first: tuple[Pairs, Split], second: tuple[Pairs, Split]
) -> tuple[Pairs, Split]:
    """Concatenate two split datasets; each row stays in its part.

    Args:
      first: a dataset and its split.
      second: another one, whose rows come after those of the first.

    Returns:
      All rows, as `join_pairs` returns them, and their split.
    """
    (pairs, split), (other_pairs, other_split) = first, second
    joined = {
        field.name: np.concatenate(
            [
                getattr(split, field.name),
                len(pairs) + getattr(other_split, field.name),
            ]
        )
        for field in dataclasses.fields(Split)
    }
    return join_pairs(pairs, other_pairs), Split(**joined)


def distinct_positives(pairs: Pairs, name: str) -> Pairs:
    """Return the distinct positive pairs of a dataset, and log their number.

    Args:
      pairs: without labels all are positive.
      name: of the dataset, for the log.

    Returns:
      The first row of each positive (miRNA, target), in order, labelled 1.

    Raises:
      ValueError: if there are none.
    """
    ones = np.ones(len(pairs), np.uint8)
    labels = ones if pairs.labels is None else np.asarray(pairs.labels)
    positive = np.flatnonzero(labels == 1)
    first: dict[tuple[str, str], int] = {}
    for row in positive.tolist():
        first.setdefault((pairs.mirnas[row], pairs.targets[row]), row)
    logging.info(
        "%s: %d distinct positive pairs; left out %d rows labelled 0 and %d repeated",
        name,
        len(first),
        len(pairs) - len(positive),
        len(positive) - len(first),
    )
    if not first:
        raise ValueError(f"{name}: no positive rows, and a classifier needs some")
    rows = pairs.take(list(first.values()))
    return dataclasses.replace(rows, labels=ones[: len(first)])
