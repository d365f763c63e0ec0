"""Published metrics of other predictors on the rows of a benchmark.

They are shown beside ours only if the rows are the same: releases of a benchmark
differ, and metrics on different rows are not comparable.
"""

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from mirjax.datasets.published_files import SHIPPED
from mirjax.sequences.records import Pairs


@dataclasses.dataclass(frozen=True)
class PublishedMetrics:
    """Published metrics of one predictor.

    Attributes:
      predictor: its name.
      metrics: metric → value.
      trained_on: its training data, in words; empty if it was not trained.
      source: where the metrics come from.
    """

    predictor: str
    metrics: Mapping[str, float]
    trained_on: str
    source: str


@dataclasses.dataclass(frozen=True)
class Release:
    """One test set of one release of a benchmark.

    Attributes:
      test: the test set and the releases that have it, in words.
      dataset: its name in the catalogue.
      rows: number of its rows.
      rows_sha256: see `hash_rows`.
      published: metrics of the predictors, the best first.
    """

    test: str
    dataset: str
    rows: int
    rows_sha256: str
    published: Sequence[PublishedMetrics]


def read_releases(benchmark: str) -> list[Release]:
    """Read the published metrics of a benchmark, which come with the package.

    Args:
      benchmark: one of `options.BENCHMARKS`.
    """
    path = SHIPPED / "benchmarks" / f"{benchmark}.json"
    content: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    releases = []
    for entry in content:
        published = [PublishedMetrics(**each) for each in entry["published"]]
        releases.append(Release(**{**entry, "published": published}))
    return releases


def find_release(benchmark: str, pairs: Pairs) -> Release | None:
    """Return the test set of a benchmark that consists of the given rows, if any.

    Args:
      benchmark: one of `options.BENCHMARKS`.
      pairs: labelled rows that a model is measured on.
    """
    found = hash_rows(pairs)
    releases = (r for r in read_releases(benchmark) if r.rows_sha256 == found)
    return next(releases, None)


def hash_rows(pairs: Pairs) -> str:
    """Return the SHA-256 of labelled rows, in any order.

    Args:
      pairs: labelled rows.

    Returns:
      The SHA-256 of their sorted lines "miRNA, tab, target, tab, label". It does not
      depend on the order of a file's columns or on its compression.
    """
    labels = [] if pairs.labels is None else pairs.labels.tolist()
    rows = zip(pairs.mirnas, pairs.targets, labels, strict=True)
    lines = sorted(f"{mirna}\t{target}\t{label}\n" for mirna, target, label in rows)
    return hashlib.sha256("".join(lines).encode()).hexdigest()
