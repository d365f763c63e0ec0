"""Concatenation of datasets of pairs and of their splits."""

import dataclasses
from typing import Any

import numpy as np

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
    """Concatenate two datasets that are split, each row staying in its part.

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
