"""Pairs that do not bind, made from pairs that do.

How they are made decides what a classifier can learn without biology. Drawn at random
(`random`), frequent miRNAs are told from rare ones by their frequency alone. Re-paired
(`frequency`), each miRNA and each target is as often in one class as in the other.
Shuffled targets (`dinucleotide`) may be told by their words.
"""

from collections.abc import Iterable, Sequence

import numpy as np

from mirjax.datasets.negative_kinds import KINDS
from mirjax.sequences.records import Pairs, Split

_TRIES = 1_000  # draws for one row before giving up


def make_negatives(
    positives: Pairs,
    kind: str,
    count: int,
    *,
    seed: int | Sequence[int] = 0,
    known: Iterable[tuple[str, str]] = (),
) -> Pairs:
    """Make pairs labelled 0, none of which is known to bind.

    Args:
      positives: pairs that bind.
      kind: "frequency" gives the targets of all rows the miRNAs of all rows in another
        order, and takes as many as it needs; "random" draws a miRNA and a target, each
        distinct one as likely as any other; "dinucleotide" keeps a drawn row's miRNA
        and shuffles its target, keeping the counts of neighbouring letters.
      count: rows to make.
      seed: a number or several; decides everything.
      known: further (miRNA, target) that bind, such as those of other parts.

    Returns:
      `count` different pairs, sequences and labels alone.

    Raises:
      ValueError: for an unknown kind, a count below 1, or where no other pair is found.

    References:
      Altschul & Erickson 1985, Mol Biol Evol 2, 526 (the shuffle).
    """
    if kind not in KINDS:
        raise ValueError(f"negatives: {kind=} is not one of {', '.join(KINDS)}")
    if count < 1:
        raise ValueError(f"negatives: {count=} must be at least 1")
    rng = np.random.Generator(np.random.PCG64(seed))
    taken = set(zip(positives.mirnas, positives.targets, strict=True)) | set(known)
    make = {
        "frequency": _repaired,
        "random": _random,
        "dinucleotide": _shuffled,
    }[kind]
    mirnas, targets = zip(*make(positives, count, rng, taken), strict=True)
    return Pairs(list(mirnas), list(targets), np.zeros(count, np.uint8))


def with_negatives(
    pairs: Pairs, split: Split, kind: str, *, ratio: float = 1.0, seed: int = 0
) -> tuple[Pairs, Split]:
    """Replace a dataset's rows labelled 0 by negatives made of those that bind.

    Args:
      pairs: a dataset.
      split: of it.
      kind: one of KINDS.
      ratio: negatives made in each part for each of its pairs that binds.
      seed: each part draws from it in a stream of its own.

    Returns:
      A dataset of sequences and labels, and its split: in each part the binding pairs
      in order, then the negatives made of them. No negative is a binding pair of any
      part.

    Raises:
      ValueError: as `make_negatives` does.
    """
    binding = np.ones(len(pairs), bool) if pairs.labels is None else pairs.labels == 1
    everything = pairs.take(np.flatnonzero(binding))
    known = list(zip(everything.mirnas, everything.targets, strict=True))
    mirnas: list[str] = []
    targets: list[str] = []
    labels, parts = [], []
    for stream, rows in enumerate((split.train, split.validation, split.test)):
        positives = pairs.take(rows[binding[rows]])
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
    """Permute the miRNAs of all rows, in as many rounds as it takes."""
    made: list[_Pair] = []
    while len(made) < count:
        rows = rng.permutation(len(positives))
        mirnas = [positives.mirnas[row] for row in rng.permutation(rows)]
        targets = [positives.targets[row] for row in rows]
        made += _without_conflicts(mirnas, targets, rng, taken)
        taken |= set(made)
    return made[:count]


def _without_conflicts(
    mirnas: list[str], targets: list[str], rng: np.random.Generator, taken: set[_Pair]
) -> list[_Pair]:
    """Swap miRNAs until no pair is taken, and none is there twice."""
    seen = set(taken)
    for row, target in enumerate(targets):
        for _ in range(_TRIES):
            if (mirnas[row], target) not in seen:
                break
            # Any later row is still free; an earlier one must fit after the swap too.
            other = int(rng.integers(len(targets)))
            if other < row:
                swapped = (mirnas[row], targets[other])
                if swapped in seen or (mirnas[other], target) in seen:
                    continue
                seen.remove((mirnas[other], targets[other]))
                seen.add(swapped)
            mirnas[row], mirnas[other] = mirnas[other], mirnas[row]
        else:
            raise _none_left("frequency")
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
    """Shuffle the targets of drawn rows, round by round over all rows.

    A target that has no other order, such as a run of one letter, is passed over.
    """
    made: list[_Pair] = []
    while len(made) < count:
        before = len(made)
        for row in rng.permutation(len(positives)):
            for _ in range(10):
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
    """Shuffle a sequence, keeping its first letter and every dinucleotide's count.

    All sequences with the same dinucleotides and first letter are equally likely: each
    is an Eulerian walk over the letters, and is drawn by drawing the last step from
    each letter until these lead to the end, then the order of the others.

    Args:
      sequence: of any letters.
      rng: where the draws come from.
    """
    if len(sequence) < 3:
        return sequence
    steps: dict[str, list[str]] = {letter: [] for letter in sequence}
    for one, next_one in zip(sequence, sequence[1:], strict=False):
        steps[one].append(next_one)
    end = sequence[-1]
    while True:
        last = {
            letter: int(rng.integers(len(onward)))
            for letter, onward in steps.items()
            if letter != end
        }
        if all(_leads_to(end, letter, last, steps) for letter in last):
            break
    for letter, onward in steps.items():
        final = [onward.pop(last[letter])] if letter in last else []
        onward[:] = [onward[place] for place in rng.permutation(len(onward))] + final
        onward.reverse()  # to be taken from the end
    walk = [sequence[0]]
    while steps[walk[-1]]:
        walk.append(steps[walk[-1]].pop())
    return "".join(walk)


def _leads_to(
    end: str, letter: str, last: dict[str, int], steps: dict[str, list[str]]
) -> bool:
    """Tell whether the last steps lead from a letter to the end."""
    for _ in range(len(steps)):
        if letter == end:
            return True
        letter = steps[letter][last[letter]]
    return letter == end


def _none_left(kind: str) -> ValueError:
    return ValueError(
        f"negatives: no further pair of kind {kind!r} was found that is not known to "
        "bind; ask for fewer"
    )
