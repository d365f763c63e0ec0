"""Metrics of predicted miRNAs against the true ones."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import UInt8
from rapidfuzz.distance import Levenshtein

from mirjax.sequences import alphabet
from mirjax.sequences.pairing import SEED
from mirjax.sequences.records import Pairs

Metrics = dict[str, Any]  # name → number, or metrics of some rows


@runtime_checkable
class BestHit(Protocol):
    """The fields of a BLAST hit that the metrics need."""

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
        """Expected number of chance hits with at least this score."""


def token_accuracy(
    predicted: UInt8[np.ndarray, "n length"], true: UInt8[np.ndarray, "n length"]
) -> dict[str, float]:
    """Return the fraction of correct tokens, without padding and as Keras counts it.

    Keras 2.2 compares argmax(y_true) with argmax(y_pred) at every position. A padded
    position is an all-zero row of the one-hot y_true, so its argmax is 0, the index of
    the letter A. So padding is counted, too: as correct where the model predicts A.

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
    valid = true != alphabet.PAD
    if not valid.any():
        raise ValueError("true: no tokens to count")
    as_keras = np.where(valid, true, alphabet.A)
    return {
        "token_accuracy_masked": float((predicted == true)[valid].mean()),
        "token_accuracy_keras": float((predicted == as_keras).mean()),
    }


def known_mirnas(*tables: Pairs) -> dict[str, set[str]]:
    """Collect the miRNAs that are known to bind each target.

    >>> known_mirnas(Pairs(["UGAG"], ["CUCA"]), Pairs(["UGAU"], ["CUCA"]))["CUCA"] == {
    ...     "UGAG", "UGAU"}
    True

    Args:
      *tables: pairs, such as training and held-out ones; negative ones are ignored.

    Returns:
      Target → miRNAs.
    """
    known: defaultdict[str, set[str]] = defaultdict(set)
    for pairs in tables:
        labels = np.ones(len(pairs)) if pairs.labels is None else pairs.labels
        for mirna, target, label in zip(
            pairs.mirnas, pairs.targets, labels, strict=True
        ):
            if label:
                known[target].add(mirna)
    return dict(known)


def sequence_metrics(
    predictions: Sequence[str],
    true: Sequence[str],
    targets: Sequence[str],
    known: Mapping[str, set[str]],
    database: Iterable[str],
) -> dict[str, float]:
    """Compare free-running predictions with the true miRNAs.

    Args:
      predictions: predicted miRNA of each row, 5'→3'; it may be empty.
      true: the miRNA of each row.
      targets: the target of each row.
      known: target → the miRNAs known to bind it; the row's own miRNA is always
        included.
      database: real miRNAs.

    Returns:
      `n`, rows; `distinct`, distinct predictions; `edit_distance`, the mean Levenshtein
      distance to the true miRNA in nt; and as fractions of the rows `exact_match`,
      `known_match` (the prediction is a miRNA known for the target), `seed_match`
      (letters 2-8 are those of the true miRNA) and `real_share` (the prediction is in
      the database).

    Raises:
      ValueError: if there are no rows, or the columns differ in length.
    """
    n = _num_rows(predictions=predictions, true=true, targets=targets)
    real = set(database)
    # Predictions repeat: most rows have the same two sequences as another row.
    counts = Counter(zip(predictions, true, strict=True))
    edits = sum(
        count * Levenshtein.distance(prediction, truth)
        for (prediction, truth), count in counts.items()
    )
    exact = sum(
        count for (prediction, truth), count in counts.items() if prediction == truth
    )
    seeds = sum(
        count
        for (prediction, truth), count in counts.items()
        if prediction[SEED] == truth[SEED]
    )
    known_predictions = sum(
        prediction == truth or prediction in known.get(target, ())
        for prediction, truth, target in zip(predictions, true, targets, strict=True)
    )
    return {
        "n": float(n),
        "exact_match": exact / n,
        "known_match": known_predictions / n,
        "seed_match": seeds / n,
        "edit_distance": edits / n,
        "real_share": sum(prediction in real for prediction in predictions) / n,
        "distinct": float(len(set(predictions))),
    }


def matches_by_length(
    predictions: Sequence[str], true: Sequence[str], sequences: Sequence[str]
) -> dict[str, dict[str, float]]:
    """Compare predictions with the true miRNAs, by the length of a sequence.

    Args:
      predictions: predicted miRNA of each row, 5'→3'.
      true: the miRNA of each row.
      sequences: the sequence of each row by whose length rows are grouped, such as its
        target.

    Returns:
      Length in nt, ascending, as text → `n`, rows of this length, and as fractions of
      them `exact_match` and `seed_match` as in `sequence_metrics`.

    Raises:
      ValueError: if there are no rows, or the columns differ in length.
    """
    _num_rows(predictions=predictions, true=true, sequences=sequences)
    rows_of: defaultdict[int, list[tuple[str, str]]] = defaultdict(list)
    for prediction, truth, letters in zip(predictions, true, sequences, strict=True):
        rows_of[len(letters)].append((prediction, truth))
    return {
        str(length): {
            "n": float(len(rows)),
            "exact_match": sum(one == other for one, other in rows) / len(rows),
            "seed_match": sum(one[SEED] == other[SEED] for one, other in rows)
            / len(rows),
        }
        for length, rows in sorted(rows_of.items())
    }


def best_hit_identity(
    predictions: Sequence[str],
    best_hits: Sequence[BestHit | None],
    true: Sequence[str],
    names_of: Mapping[str, set[str]],
    *,
    thresholds: Sequence[float] = (0.01, 0.005, 0.001),
) -> dict[str, float]:
    """Measure how similar predictions are to their best hits in a database.

    Args:
      predictions: predicted miRNA of each row, 5'→3'.
      best_hits: the best hit of each prediction, or None if it has no hit.
      true: the miRNA of each row.
      names_of: sequence → names of the database records that hold it.
      thresholds: E-values at which predictions with a hit are counted.

    Returns:
      As fractions of the rows: `blast_hit_share` (any hit), `blast_hit_share_<E>`
      (best hit at or below E) and `blast_name_match` (the best hit is a record of the
      true miRNA). As means over the rows with a hit, from 0 to 1: `blast_identity`
      within the alignment, and `blast_identity_full`, identical letters over the length
      of the prediction, to which a short perfect alignment adds little.

    Raises:
      ValueError: if there are no rows, or the columns differ in length.
    """
    n = _num_rows(predictions=predictions, best_hits=best_hits, true=true)
    hits = [
        (prediction, hit, truth)
        for prediction, hit, truth in zip(predictions, best_hits, true, strict=True)
        if hit is not None
    ]
    metrics = {"blast_hit_share": len(hits) / n}
    for threshold in thresholds:
        reached = sum(hit.evalue <= threshold for _, hit, _ in hits)
        metrics[f"blast_hit_share_{threshold:g}"] = reached / n
    identities = [hit.identity_percent / 100 for _, hit, _ in hits]
    full = [
        hit.identity_percent / 100 * hit.length / len(prediction)
        for prediction, hit, _ in hits
    ]
    named = sum(hit.subject in names_of.get(truth, ()) for _, hit, truth in hits)
    metrics["blast_identity"] = sum(identities) / max(1, len(hits))
    metrics["blast_identity_full"] = sum(full) / max(1, len(hits))
    metrics["blast_name_match"] = named / n
    return metrics


def _num_rows(**columns: Sequence) -> int:
    """Return the common length of the columns, which is not 0."""
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) != 1:
        raise ValueError(f"columns differ in length: {lengths}")
    n = next(iter(lengths.values()))
    if n == 0:
        raise ValueError("no sequences to evaluate")
    return n
