"""Splits of a dataset into training, validation and test rows.

Random splits overestimate a model's accuracy, since many rows have the same miRNA and
nearly the same target. `cluster_split` and `family_split` measure it on targets, or on
miRNA families, that are not in the training rows. All are pure functions of their
arguments.
"""

import collections
import itertools
import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from jaxtyping import Int, Int64

from mirjax.sequences.pairing import SEED
from mirjax.sequences.records import Pairs, Split

FRACTIONS = (0.8, 0.1, 0.1)  # train, validation, test

_CHAKRABORTY_ROWS = 19_000
_MITAR_SEED = 1122


def published_chakraborty(num_rows: int) -> Split:
    """Return the published split of the Chakraborty & Hasija 2019 pairs.

    The published run takes at most the first 19,000 rows in file order, and Keras's
    `validation_split=0.2` takes the last fifth of them. There is no test set.

    Args:
      num_rows: number of rows in the file.

    Returns:
      The split, with an empty test part.

    References:
      Chakraborty & Hasija 2019, IEEE/ACM TCBB, document 8807144.
    """
    used = min(num_rows, _CHAKRABORTY_ROWS)
    train, validation = np.split(np.arange(used), [int(used * 0.8)])
    return Split(train, validation, np.arange(0))


def published_mitar(num_rows: int) -> Split:
    """Return the published split of a miTAR dataset.

    The published code calls scikit-learn's `train_test_split` twice with random_state
    1122: a fifth of the rows is the test part, a fifth of the others the validation
    part. NumPy's legacy generator behind it is frozen, so the split never changes.

    Args:
      num_rows: number of rows, without the one that the published reader drops.

    Returns:
      The split, each part in the published order.

    References:
      Gu et al. 2021, BMC Bioinformatics, doi 10.1186/s12859-021-04026-6.
    """
    rest, test = _take_fifth(np.arange(num_rows))
    train, validation = _take_fifth(rest)
    return Split(train, validation, test)


def _take_fifth(
    rows: Int64[np.ndarray, " n"],
) -> tuple[Int64[np.ndarray, " rest"], Int64[np.ndarray, " fifth"]]:
    """Return four fifths and one fifth of shuffled rows, as scikit-learn does."""
    order = np.random.RandomState(_MITAR_SEED).permutation(len(rows))
    fifth, rest = np.split(rows[order], [math.ceil(0.2 * len(rows))])
    return rest, fifth


def published_hejret(num_train: int, num_test: int, seed: int = 0) -> Split:
    """Return the published split of Hejret 2023: its train file and its test file.

    Args:
      num_train: number of rows in the train file; they come first.
      num_test: number of rows in the test file; they follow.
      seed: of the random tenth of the train file that is the validation part, since
        none is published.

    Returns:
      The split.

    References:
      Hejret et al. 2023, doi 10.1038/s41598-023-49757-z.
    """
    within = random_split(num_train, seed, (0.9, 0.1, 0.0))
    test = np.arange(num_train, num_train + num_test)
    return Split(within.train, within.validation, test)


def split_by_parts(parts: Sequence[str]) -> Split:
    """Return the split given by a column of a table.

    Args:
      parts: "train", "validation" or "test" of each row.
    """
    names = np.array(parts, str)
    return Split(
        *(np.flatnonzero(names == part) for part in ("train", "validation", "test"))
    )


def random_split(
    num_rows: int, seed: int = 0, fractions: Sequence[float] = FRACTIONS
) -> Split:
    """Split rows at random, independently of each other.

    >>> random_split(10, seed=0).test
    array([1])

    Args:
      num_rows: number of rows in the dataset.
      seed: random seed.
      fractions: of the rows for train, validation and test; they add up to 1.

    Returns:
      The split, rows of each part in ascending order.

    Raises:
      ValueError: unless `fractions` are three that add up to 1.
    """
    return _split_groups(np.arange(num_rows), seed, fractions)


def cluster_split(
    targets: Sequence[str],
    seed: int = 0,
    fractions: Sequence[float] = FRACTIONS,
    *,
    clusters: Sequence[str] | None = None,
) -> Split:
    """Split so that identical or overlapping targets are in the same part.

    Args:
      targets: n target sequences, 5'→3'.
      seed: random seed.
      fractions: approximate ones, of the rows for train, validation and test.
      clusters: n names of known groups; rows of one group are also kept in one part.

    Returns:
      The split, rows of each part in ascending order.

    Raises:
      ValueError: unless `fractions` are three that add up to 1.
    """
    groups = target_clusters(targets, clusters=clusters)
    return _split_groups(groups, seed, fractions)


def family_split(
    mirnas: Sequence[str], seed: int = 0, fractions: Sequence[float] = FRACTIONS
) -> Split:
    """Split so that miRNAs with the same seed (letters 2-8) are in the same part.

    Args:
      mirnas: n miRNA sequences, 5'→3'.
      seed: random seed.
      fractions: approximate ones, of the rows for train, validation and test.

    Returns:
      The split, rows of each part in ascending order.

    Raises:
      ValueError: unless `fractions` are three that add up to 1.
    """
    groups = _first_seen_numbers([mirna[SEED] for mirna in mirnas])
    return _split_groups(groups, seed, fractions)


_SPLITTERS: Mapping[str, Callable[[Pairs, int], Split]] = {
    "random": lambda pairs, seed: random_split(len(pairs), seed),
    "cluster": lambda pairs, seed: cluster_split(
        pairs.targets, seed, clusters=pairs.clusters
    ),
    "family": lambda pairs, seed: family_split(pairs.mirnas, seed),
}
PROTOCOLS = tuple(_SPLITTERS)


def split_pairs(pairs: Pairs, protocol: str, seed: int = 0) -> Split:
    """Split any pairs by one of `PROTOCOLS`.

    Args:
      pairs: the dataset.
      protocol: "random", "cluster" or "family".
      seed: random seed.

    Returns:
      The split, with about `FRACTIONS` of the rows, in ascending order in each part.

    Raises:
      ValueError: for an unknown protocol.
    """
    if protocol not in _SPLITTERS:
        raise ValueError(f"{protocol=} is not one of {', '.join(PROTOCOLS)}")
    return _SPLITTERS[protocol](pairs, seed)


def target_clusters(
    targets: Sequence[str],
    min_overlap: int = 12,
    *,
    clusters: Sequence[str] | None = None,
) -> Int[np.ndarray, " n"]:
    """Group targets that are linked by identity or overlap.

    Two targets overlap if one contains the other, or if the last letters of one, at
    least `min_overlap` of them, are the first letters of the other: they may be windows
    of one transcript, cut by different experiments. At 12 nt few overlaps are due to
    chance: the largest group has 21 of the 19,230 rows of Chakraborty 2019, 300 of the
    27,719 of miTAR 2021 and 33 of the 9,158 of Hejret 2023. At 8 nt chance links over
    two thirds of the rows of the first two into one group.

    >>> target_clusters(["ACGUACGUACGUA", "CGUACGUACGUAG", "GGG"])
    array([0, 0, 1], dtype=int32)

    Args:
      targets: n target sequences, 5'→3'.
      min_overlap: lowest length of an overlap, nt.
      clusters: n names of known groups, which are merged with those found.

    Returns:
      The number of each row's group.
    """
    numbers = _first_seen_numbers(targets)
    distinct = list(dict.fromkeys(targets))
    # Of two targets that overlap, one begins within the other: all pairs are found by
    # comparing every position of every target with the beginnings of all targets.
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
    # Slow to import, and only needed for this split.
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    a, b = np.array(links).T
    size = int(max(a.max(), b.max())) + 1
    graph = coo_matrix((np.ones(len(links), bool), (a, b)), (size, size))
    _, group = connected_components(graph, directed=False)
    return group[numbers]


def _first_seen_numbers(values: Sequence[str]) -> Int64[np.ndarray, " n"]:
    """Number distinct values in the order of their first occurrence."""
    number: dict[str, int] = {}
    return np.array([number.setdefault(v, len(number)) for v in values], np.int64)


def _split_groups(
    groups: Int[np.ndarray, " n"], seed: int, fractions: Sequence[float]
) -> Split:
    """Assign whole groups, in random order, to parts of the given fractions."""
    if (
        len(fractions) != 3
        or min(fractions) < 0
        or not math.isclose(sum(fractions), 1.0, abs_tol=1e-9)
    ):
        raise ValueError(f"{fractions=}: give three fractions that add up to 1")
    sizes = np.bincount(groups)
    order = np.random.default_rng(seed).permutation(len(sizes))
    # A group belongs to the part that holds its middle row, so that the size of a part
    # is off by at most half a group. Limits are whole rows, so random splits are exact.
    middles = np.cumsum(sizes[order]) - sizes[order] / 2
    limits = np.round(np.cumsum(fractions)[:2] * len(groups))
    part_of_group = np.empty(len(sizes), np.int64)
    part_of_group[order] = np.searchsorted(limits, middles, side="right")
    part = part_of_group[groups]
    train, validation, test = (np.flatnonzero(part == number) for number in range(3))
    return Split(train, validation, test)
