"""How well decoded miRNAs agree with the true ones."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Int, UInt8
from rapidfuzz.distance import Levenshtein

from mirjax.alignment.complementarity import SEED
from mirjax.sequences import alphabet
from mirjax.sequences.records import Pairs

Metrics = dict[str, Any]  # by name: numbers, or figures of a part


@runtime_checkable
class BestHit(Protocol):
    """What is read of an alignment hit; `mirjax.blast.hits.Hit` is one."""

    @property
    def subject(self) -> str:
        """Name of the database record."""

    @property
    def identity_percent(self) -> float:
        """Identical letters in 100 alignment columns."""

    @property
    def length(self) -> int:
        """Alignment columns."""

    @property
    def evalue(self) -> float:
        """Expected number of hits this good by chance."""


def token_accuracy(
    predicted: UInt8[np.ndarray, "n length"], true: UInt8[np.ndarray, "n length"]
) -> dict[str, float]:
    """Count correct tokens, over real positions and as Keras counts them.

    Keras 2.2 compares argmax(y_true) with argmax(y_pred) at every position. A padded
    position is an all-zero row of the one-hot y_true, so its argmax is 0, the place of
    the letter A: padding counts, and counts as right wherever the model says A.

    Args:
      predicted: tokens 1-6 (argmax over A, U, C, G, BOS, EOS) at every position.
      true: tokens of the miRNA, then EOS, then PAD.

    Returns:
      `token_accuracy_masked`, over the letters and the EOS, and `token_accuracy_keras`.

    Raises:
      ValueError: if the shapes differ or there is no token to count.
    """
    if predicted.shape != true.shape:
        raise ValueError(f"predicted is {predicted.shape}, true is {true.shape}")
    real = true != alphabet.PAD
    if not real.any():
        raise ValueError("true: no tokens to count")
    as_keras = np.where(real, true, alphabet.A)
    return {
        "token_accuracy_masked": float((predicted == true)[real].mean()),
        "token_accuracy_keras": float((predicted == as_keras).mean()),
    }


def known_mirnas(pairs: Pairs) -> dict[str, set[str]]:
    """Collect, for each target, every miRNA that is known to bind it.

    Args:
      pairs: pairs of any split; rows labelled 0 are left out.

    Returns:
      Target sequence → miRNA sequences.
    """
    known: defaultdict[str, set[str]] = defaultdict(set)
    binds = np.ones(len(pairs)) if pairs.labels is None else pairs.labels
    for mirna, target, label in zip(pairs.mirnas, pairs.targets, binds, strict=True):
        if label:
            known[target].add(mirna)
    return dict(known)


def sequence_metrics(
    decoded: Sequence[str],
    true: Sequence[str],
    targets: Sequence[str],
    known: Mapping[str, set[str]],
    database: Iterable[str],
) -> dict[str, float]:
    """Score free-running answers, one a target.

    Args:
      decoded: answers, 5'→3'; an answer may be empty.
      true: the miRNA of each row.
      targets: the target of each row.
      known: target → every miRNA known for it; the row's own miRNA always counts.
      database: real miRNAs.

    Returns:
      `n` rows; `distinct` answers among them; `edit_distance`, the mean Levenshtein
      distance to the true miRNA in nt; and as shares of the rows `exact_match`,
      `known_match` (equal to any miRNA known for that target), `seed_match` (letters
      2-8 equal) and `real_share` (the answer is in the database).

    Raises:
      ValueError: if there are no rows, or the columns differ in length.
    """
    n = _rows(decoded=decoded, true=true, targets=targets)
    real = set(database)
    # Models repeat themselves: most rows share their (answer, truth) with others.
    answers = Counter(zip(decoded, true, strict=True))
    edits = sum(
        count * Levenshtein.distance(answer, truth)
        for (answer, truth), count in answers.items()
    )
    exact = sum(count for (answer, truth), count in answers.items() if answer == truth)
    seeds = sum(
        count
        for (answer, truth), count in answers.items()
        if answer[SEED] == truth[SEED]
    )
    known_answers = sum(
        answer == truth or answer in known.get(target, ())
        for answer, truth, target in zip(decoded, true, targets, strict=True)
    )
    return {
        "n": float(n),
        "exact_match": exact / n,
        "known_match": known_answers / n,
        "seed_match": seeds / n,
        "edit_distance": edits / n,
        "real_share": sum(answer in real for answer in decoded) / n,
        "distinct": float(len(set(decoded))),
    }


def new_targets(held_out: Pairs, train: Pairs) -> Bool[np.ndarray, " n"]:
    """Return which of n rows have a target that is in no training pair."""
    seen = set(train.targets)
    return np.array([target not in seen for target in held_out.targets], bool)


def with_new_targets(
    metrics_of: Callable[[Int[np.ndarray, " rows"]], Metrics],
    new: Bool[np.ndarray, " n"],
) -> Metrics:
    """Measure all rows and, apart, those of new targets.

    Args:
      metrics_of: measures the rows of given numbers.
      new: which of n rows have a target that is not in the training data.

    Returns:
      The figures of all rows; `new_targets` has those of the new ones, if there are
      any.
    """
    figures = metrics_of(np.arange(len(new)))
    if new.any():
        figures["new_targets"] = metrics_of(np.flatnonzero(new))
    return figures


def matches_by_length(
    decoded: Sequence[str], true: Sequence[str], sequences: Sequence[str]
) -> dict[str, dict[str, float]]:
    """Score answers apart by the length of some sequence of their rows.

    Args:
      decoded: answers, 5'→3'.
      true: the miRNA of each row.
      sequences: those whose length counts, such as the targets.

    Returns:
      Length in nt, ascending, written out → `n` rows of it and, as shares of these,
      `exact_match` and `seed_match` as in `sequence_metrics`.

    Raises:
      ValueError: if there are no rows, or the columns differ in length.
    """
    _rows(decoded=decoded, true=true, sequences=sequences)
    rows_of: defaultdict[int, list[tuple[str, str]]] = defaultdict(list)
    for answer, truth, letters in zip(decoded, true, sequences, strict=True):
        rows_of[len(letters)].append((answer, truth))
    return {
        str(length): {
            "n": float(len(rows)),
            "exact_match": sum(answer == truth for answer, truth in rows) / len(rows),
            "seed_match": sum(answer[SEED] == truth[SEED] for answer, truth in rows)
            / len(rows),
        }
        for length, rows in sorted(rows_of.items())
    }


def best_hit_identity(
    decoded: Sequence[str],
    best_hits: Sequence[BestHit | None],
    true: Sequence[str],
    names_of: Mapping[str, set[str]],
    *,
    thresholds: Sequence[float] = (0.01, 0.005, 0.001),
) -> dict[str, float]:
    """Score answers by the database record each is most similar to.

    Args:
      decoded: answers, 5'→3'.
      best_hits: the best hit of each answer, None where it has none.
      true: the miRNA of each row.
      names_of: sequence → names of the database records which hold it.
      thresholds: E-values at which the share of answers with a hit is counted.

    Returns:
      As shares of the rows: `blast_hit_share` (any hit), `blast_hit_share_<E>` (best
      hit at or below E) and `blast_name_match` (the best hit is a record of the true
      miRNA). As means over the rows with a hit, from 0 to 1: `blast_identity` within
      the alignment, and `blast_identity_full`, identical letters over the length of the
      answer, which a short perfect stretch cannot raise to 1.

    Raises:
      ValueError: if there are no rows, or the columns differ in length.
    """
    n = _rows(decoded=decoded, best_hits=best_hits, true=true)
    hits = [
        (answer, hit, truth)
        for answer, hit, truth in zip(decoded, best_hits, true, strict=True)
        if hit is not None
    ]
    figures = {"blast_hit_share": len(hits) / n}
    for threshold in thresholds:
        reached = sum(hit.evalue <= threshold for _, hit, _ in hits)
        figures[f"blast_hit_share_{threshold:g}"] = reached / n
    identities = [hit.identity_percent / 100 for _, hit, _ in hits]
    full = [
        hit.identity_percent / 100 * hit.length / len(answer) for answer, hit, _ in hits
    ]
    named = sum(hit.subject in names_of.get(truth, ()) for _, hit, truth in hits)
    figures["blast_identity"] = sum(identities) / max(1, len(hits))
    figures["blast_identity_full"] = sum(full) / max(1, len(hits))
    figures["blast_name_match"] = named / n
    return figures


def _rows(**columns: Sequence) -> int:
    """Return the common length of the columns, which may not be 0."""
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) != 1:
        raise ValueError(f"columns differ in length: {lengths}")
    n = next(iter(lengths.values()))
    if n == 0:
        raise ValueError("no sequences to evaluate")
    return n
