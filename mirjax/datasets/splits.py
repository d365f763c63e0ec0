"""Divisions of a dataset into training, validation and test rows.

Random rows flatter a model here: the same miRNA, and often nearly the same target, are
in many rows. `cluster_split` and `family_split` ask how it does on targets, or on miRNA
families, that it has never seen. All are pure functions of their arguments.
"""

import collections
import itertools
import math
from collections.abc import Sequence

import numpy as np

from mirjax.sequences.records import Pairs, Split

FRACTIONS = (0.8, 0.1, 0.1)  # train, validation, test
PROTOCOLS = ("random", "cluster", "family")

_CHAKRABORTY_ROWS = 19_000
_MITAR_SEED = 1122


def published_chakraborty(num_rows: int) -> Split:
    """Return the published split of the Chakraborty & Hasija 2019 pairs.

    The published run takes at most the first 19,000 rows in file order, and Keras's
    `validation_split=0.2` takes the last fifth of them. There is no test set.

    Args:
      num_rows: rows of the file.

    Returns:
      The split, with an empty test part.
    """
    used = min(num_rows, _CHAKRABORTY_ROWS)
    train, validation = np.split(np.arange(used), [int(used * 0.8)])
    return Split(train, validation, np.arange(0))


def published_mitar(num_rows: int) -> Split:
    """Return the published split of a miTAR dataset.

    The published code calls scikit-learn's `train_test_split` twice with random_state
    1122: a fifth is the test part, then a fifth of the rest is for validation. The
    legacy generator that decides it is frozen, so these rows never change.

    Args:
      num_rows: rows of the dataset, without the one the published reader drops.

    Returns:
      The split, each part in the published order.
    """

    def a_fifth_off(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        order = np.random.RandomState(_MITAR_SEED).permutation(len(rows))
        fifth, rest = np.split(rows[order], [math.ceil(0.2 * len(rows))])
        return rest, fifth

    rest, test = a_fifth_off(np.arange(num_rows))
    train, validation = a_fifth_off(rest)
    return Split(train, validation, test)


def published_hejret(num_train: int, num_test: int, seed: int = 0) -> Split:
    """Return the published split of Hejret 2023: its train file and its test file.

    Args:
      num_train: rows of the train file, which come first.
      num_test: rows of the test file, which follow.
      seed: decides the tenth of the train file that is kept for validation, since no
        such part is published.

    Returns:
      The split.
    """
    within = random_split(num_train, seed, (0.9, 0.1, 0.0))
    test = np.arange(num_train, num_train + num_test)
    return Split(within.train, within.validation, test)


def random_split(
    num_rows: int, seed: int = 0, fractions: Sequence[float] = FRACTIONS
) -> Split:
    """Split rows at random, each on its own.

    Args:
      num_rows: rows of the dataset.
      seed: decides the split.
      fractions: share of rows for train, validation and test; they add up to 1.

    Returns:
      The split, rows of each part in ascending order.

    Raises:
      ValueError: for fractions that are not three shares of 1.
    """
    return _split_groups(np.arange(num_rows), seed, fractions)


def cluster_split(
    targets: Sequence[str],
    seed: int = 0,
    fractions: Sequence[float] = FRACTIONS,
    *,
    min_overlap: int = 12,
    clusters: Sequence[str] | None = None,
) -> Split:
    """Split so that identical or overlapping targets never straddle two parts.

    Args:
      targets: target sequences, 5'→3'.
      seed: decides the split.
      fractions: approximate share of rows for train, validation and test.
      min_overlap: letters that two targets share at their ends to count as overlapping,
        see `target_clusters`.
      clusters: groups already known, one a row, which are kept whole too.

    Returns:
      The split, rows of each part in ascending order.

    Raises:
      ValueError: for fractions that are not three shares of 1.
    """
    groups = target_clusters(targets, min_overlap, clusters=clusters)
    return _split_groups(groups, seed, fractions)


def family_split(
    mirnas: Sequence[str], seed: int = 0, fractions: Sequence[float] = FRACTIONS
) -> Split:
    """Split so that no miRNA family, which is a seed (letters 2-8), is in two parts.

    Args:
      mirnas: miRNA sequences, 5'→3'.
      seed: decides the split.
      fractions: approximate share of rows for train, validation and test.

    Returns:
      The split, rows of each part in ascending order.

    Raises:
      ValueError: for fractions that are not three shares of 1.
    """
    groups = _first_seen_numbers([mirna[1:8] for mirna in mirnas])
    return _split_groups(groups, seed, fractions)


def split_pairs(
    pairs: Pairs,
    protocol: str,
    seed: int = 0,
    fractions: Sequence[float] = FRACTIONS,
) -> Split:
    """Split any pairs by one of `PROTOCOLS`.

    Args:
      pairs: the dataset.
      protocol: "random", "cluster" or "family".
      seed: decides the split.
      fractions: (approximate) share of rows for train, validation and test.

    Returns:
      The split.

    Raises:
      ValueError: for another protocol, or fractions that are not three shares of 1.
    """
    if protocol == "random":
        return random_split(len(pairs), seed, fractions)
    if protocol == "cluster":
        return cluster_split(pairs.targets, seed, fractions, clusters=pairs.clusters)
    if protocol == "family":
        return family_split(pairs.mirnas, seed, fractions)
    raise ValueError(f"{protocol=} is not one of {', '.join(PROTOCOLS)}")


def target_clusters(
    targets: Sequence[str],
    min_overlap: int = 12,
    *,
    clusters: Sequence[str] | None = None,
) -> np.ndarray:
    """Number the groups of targets linked by identity or overlap.

    Two targets overlap where one contains the other, or where at least `min_overlap`
    letters at the end of one begin the other: the windows of one transcript that
    different experiments cut. Twelve letters keep chance out: of the published sets,
    the largest group has 21 of the 19,230 rows of Chakraborty 2019, 300 of the 27,719
    of miTAR 2021 and 33 of the 9,158 of Hejret 2023, while at eight letters chance
    links over two thirds of the first two into one group.

    Args:
      targets: target sequences, 5'→3'.
      min_overlap: letters shared by an end and a beginning.
      clusters: groups already known, one a row, which are merged with those found.

    Returns:
      int array [n], equal where two rows belong together.
    """
    numbers = _first_seen_numbers(targets)
    distinct = list(dict.fromkeys(targets))
    # A target that overlaps another or lies within it begins inside the other, so
    # looking up each place of each target among the beginnings finds every pair.
    beginnings = collections.defaultdict(list)
    for number, target in enumerate(distinct):
        beginnings[target[:min_overlap]].append(number)
    lengths = sorted({len(beginning) for beginning in beginnings})
    links: list[tuple[int, int]] = []
    for number, target in enumerate(distinct):
        for start in range(len(target)):
            room = len(target) - start
            for length in itertools.takewhile(room.__ge__, lengths):
                for other in beginnings.get(target[start : start + length], ()):
                    if target.startswith(distinct[other][:room], start):
                        links.append((number, other))
    if clusters is not None:
        known = _first_seen_numbers(clusters) + len(distinct)
        links.extend(zip(numbers.tolist(), known.tolist(), strict=True))
    if not links:
        return numbers
    a, b = np.array(links).T
    size = int(max(a.max(), b.max())) + 1
    # Imported here, since it takes longer than most commands need to start.
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    graph = coo_matrix((np.ones(len(links), bool), (a, b)), (size, size))
    _, group = connected_components(graph, directed=False)
    return group[numbers]


def _first_seen_numbers(values: Sequence[str]) -> np.ndarray:
    """Number distinct values in the order they first appear."""
    number: dict[str, int] = {}
    return np.array([number.setdefault(v, len(number)) for v in values], np.int64)


def _split_groups(groups: np.ndarray, seed: int, fractions: Sequence[float]) -> Split:
    """Deal whole groups out in a seeded order until each part has its share."""
    if (
        len(fractions) != 3
        or min(fractions) < 0
        or not math.isclose(sum(fractions), 1.0, abs_tol=1e-9)
    ):
        raise ValueError(f"{fractions=}: give three shares that add up to 1")
    sizes = np.bincount(groups)
    order = np.random.default_rng(seed).permutation(len(sizes))
    # A group belongs to the part in which its middle row falls, so a part misses its
    # share by half a group at most; shares are rounded to rows for exact random splits.
    middles = np.cumsum(sizes[order]) - sizes[order] / 2
    limits = np.round(np.cumsum(fractions)[:2] * len(groups))
    part_of_group = np.empty(len(sizes), np.int64)
    part_of_group[order] = np.searchsorted(limits, middles, side="right")
    part = part_of_group[groups]
    train, validation, test = (np.flatnonzero(part == number) for number in range(3))
    return Split(train, validation, test)
