"""Negative pairs generated from the positive pairs of a dataset.

How they are generated determines what a classifier can learn without biology:

  frequency     miRNAs and targets are re-paired, so that each is equally frequent in
                both classes
  family        the same, and no target is paired with a miRNA that has the seed
                (letters 2-8) of a miRNA that binds it: the protocol of miRBench
  random        miRNAs and targets are drawn at random, so that the frequency of a miRNA
                alone distinguishes the classes
  dinucleotide  targets are shuffled, so that longer words in them may distinguish the
                classes
"""

import collections
import itertools
from collections.abc import Iterable, Sequence

import numpy as np

from mirjax.datasets.negative_kinds import KINDS
from mirjax.sequences.pairing import SEED
from mirjax.sequences.records import Pairs, Split

_TRIES = 1_000  # draws for one row before giving up
_SHUFFLES = 10  # of one target before it is skipped


def make_negatives(
    positives: Pairs,
    kind: str,
    count: int,
    *,
    seed: int | Sequence[int] = 0,
    known: Iterable[tuple[str, str]] = (),
) -> Pairs:
    """Generate negative pairs, none of which is a known positive pair.

    Args:
      positives: positive pairs.
      kind: "frequency" permutes the miRNAs of all rows, as often as needed, and takes
        the first rows; "family" does so with no miRNA that has the seed of one that
        binds the target; "random" draws a miRNA and a target, all distinct ones equally
        likely; "dinucleotide" keeps the miRNA of a drawn row and shuffles its target
        with the same dinucleotide counts.
      count: number of negatives.
      seed: one or several integers; the result is a pure function of the arguments.
      known: further positive (miRNA, target), such as those of other parts of a split.

    Returns:
      `count` distinct pairs: sequences, and labels 0.

    Raises:
      ValueError: for an unknown kind, a count below 1, or if there are too few pairs.

    References:
      Altschul & Erickson 1985, Mol Biol Evol 2, 526 (the shuffle). Sammut et al. 2025,
      miRBench (negatives across families).
    """
    if kind not in KINDS:
        raise ValueError(f"negatives: {kind=} is not one of {', '.join(KINDS)}")
    if count < 1:
        raise ValueError(f"negatives: {count=} must be at least 1")
    rng = np.random.Generator(np.random.PCG64(seed))
    taken = set(zip(positives.mirnas, positives.targets, strict=True)) | set(known)
    make = {
        "frequency": _repaired,
        "family": _repaired,
        "random": _random,
        "dinucleotide": _shuffled,
    }[kind]
    if kind == "family":
        taken |= _related(positives, taken)
    mirnas, targets = zip(*make(positives, count, rng, taken), strict=True)
    return Pairs(list(mirnas), list(targets), np.zeros(count, np.uint8))


def with_negatives(
    pairs: Pairs, split: Split, kind: str, *, ratio: float = 1.0, seed: int = 0
) -> tuple[Pairs, Split]:
    """Replace a dataset's negatives by generated ones.

    Args:
      pairs: a dataset.
      split: its split.
      kind: one of `KINDS`.
      ratio: negatives generated for each positive pair, in each part of the split.
      seed: random seed; each part has its own stream.

    Returns:
      Sequences and labels, and their split: in each part the positive pairs in order,
      then the negatives generated from them. No negative is a positive pair of any
      part.

    Raises:
      ValueError: as `make_negatives` does.
    """
    positive = np.ones(len(pairs), bool) if pairs.labels is None else pairs.labels == 1
    all_positives = pairs.take(np.flatnonzero(positive))
    known = list(zip(all_positives.mirnas, all_positives.targets, strict=True))
    mirnas: list[str] = []
    targets: list[str] = []
    labels, parts = [], []
    for stream, rows in enumerate((split.train, split.validation, split.test)):
        positives = pairs.take(rows[positive[rows]])
        start = len(mirnas)
        if len(positives):
            count = round(ratio * len(positives))
            made = make_negatives(
                positives, kind, count, seed=[seed, stream], known=known
            )
            mirnas += [*positives.mirnas, *made.mirnas]
            targets += [*positives.targets, *made.targets]
            labels.append(np.repeat([1, 0], [len(positives), count]))
        parts.append(np.arange(start, len(mirnas)))
    all_labels = np.concatenate([*labels, np.zeros(0, int)]).astype(np.uint8)
    return Pairs(mirnas, targets, all_labels), Split(*parts)


_Pair = tuple[str, str]  # miRNA, target


def _repaired(
    positives: Pairs, count: int, rng: np.random.Generator, taken: set[_Pair]
) -> list[_Pair]:
    """Re-pair all rows by permuting their miRNAs, as often as needed."""
    made: list[_Pair] = []
    while len(made) < count:
        rows = rng.permutation(len(positives))
        mirnas = [positives.mirnas[row] for row in rng.permutation(rows)]
        targets = [positives.targets[row] for row in rows]
        made += _without_conflicts(mirnas, targets, rng, taken)
        taken |= set(made)
    return made[:count]


def _related(positives: Pairs, taken: set[_Pair]) -> set[_Pair]:
    """Return each taken pair with every positive miRNA of the same seed."""
    of_seed = collections.defaultdict(set)
    for mirna in positives.mirnas:
        of_seed[mirna[SEED]].add(mirna)
    return {
        (relative, target)
        for mirna, target in taken
        for relative in of_seed[mirna[SEED]]
    }


def _without_conflicts(
    mirnas: list[str], targets: list[str], rng: np.random.Generator, taken: set[_Pair]
) -> list[_Pair]:
    """Swap miRNAs until no pair is taken and all are distinct."""
    seen = set(taken)
    for row, target in enumerate(targets):
        for _ in range(_TRIES):
            if (mirnas[row], target) not in seen:
                break
            # Later rows are still to be checked; an earlier one must stay valid.
            other = int(rng.integers(len(targets)))
            if other < row:
                swapped = (mirnas[row], targets[other])
                if swapped in seen or (mirnas[other], target) in seen:
                    continue
                seen.remove((mirnas[other], targets[other]))
                seen.add(swapped)
            mirnas[row], mirnas[other] = mirnas[other], mirnas[row]
        else:
            raise _none_left("frequency or family")
        seen.add((mirnas[row], target))
    return list(zip(mirnas, targets, strict=True))


def _random(
    positives: Pairs, count: int, rng: np.random.Generator, taken: set[_Pair]
) -> list[_Pair]:
    """Draw distinct miRNAs and targets, each as likely as any other."""
    mirnas, targets = (
        sorted(set(column)) for column in (positives.mirnas, positives.targets)
    )
    made: list[_Pair] = []
    for _ in range(count):
        for _ in range(_TRIES):
            pair = (
                mirnas[rng.integers(len(mirnas))],
                targets[rng.integers(len(targets))],
            )
            if pair not in taken:
                break
        else:
            raise _none_left("random")
        taken.add(pair)
        made.append(pair)
    return made


def _shuffled(
    positives: Pairs, count: int, rng: np.random.Generator, taken: set[_Pair]
) -> list[_Pair]:
    """Shuffle the targets of all rows in random order, as often as needed.

    A target whose letters have no other order, such as a run of one letter, is skipped.
    """
    made: list[_Pair] = []
    while len(made) < count:
        before = len(made)
        for row in rng.permutation(len(positives)):
            for _ in range(_SHUFFLES):
                pair = (
                    positives.mirnas[row],
                    shuffle_dinucleotides(positives.targets[row], rng),
                )
                if pair not in taken:
                    taken.add(pair)
                    made.append(pair)
                    break
            if len(made) == count:
                break
        if len(made) == before:
            raise _none_left("dinucleotide")
    return made


def shuffle_dinucleotides(sequence: str, rng: np.random.Generator) -> str:
    """Shuffle a sequence, keeping its first letter and the count of each dinucleotide.

    All sequences with these dinucleotides and this first letter are equally likely.
    Each one is an Eulerian path in the graph whose nodes are the letters and whose
    edges are the dinucleotides. To draw one, the last edge out of each letter is drawn
    until these edges lead from every letter to the last one; then the other edges are
    put in random order.

    >>> shuffle_dinucleotides("AAAA", np.random.default_rng(0))
    'AAAA'

    Args:
      sequence: any letters.
      rng: source of random numbers.

    Returns:
      The letters of `sequence` in another order, or in the same one by chance.

    References:
      Altschul & Erickson 1985, Mol Biol Evol 2, 526.
    """
    if len(sequence) < 3:
        return sequence
    edges: dict[str, list[str]] = {letter: [] for letter in sequence}
    for letter, next_letter in itertools.pairwise(sequence):
        edges[letter].append(next_letter)
    end = sequence[-1]
    while True:
        last = {
            letter: int(rng.integers(len(successors)))
            for letter, successors in edges.items()
            if letter != end
        }
        if all(_leads_to(end, letter, last, edges) for letter in last):
            break
    for letter, successors in edges.items():
        final = [successors.pop(last[letter])] if letter in last else []
        order = rng.permutation(len(successors))
        successors[:] = [successors[index] for index in order] + final
        successors.reverse()  # they are popped from the end
    path = [sequence[0]]
    while edges[path[-1]]:
        path.append(edges[path[-1]].pop())
    return "".join(path)


def _leads_to(
    end: str, letter: str, last: dict[str, int], edges: dict[str, list[str]]
) -> bool:
    """Determine whether the last edges lead from a letter to the end."""
    for _ in range(len(edges)):
        if letter == end:
            return True
        letter = edges[letter][last[letter]]
    return letter == end


def _none_left(kind: str) -> ValueError:
    return ValueError(
        f"negatives: no further pair of kind {kind!r} was found that is not a positive "
        "pair; ask for fewer"
    )
