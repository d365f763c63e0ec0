"""What "does this miRNA bind this target?" is worth without looking at the pair.

Each baseline is fitted on the training rows alone and gives probabilities, so that it
is measured as a model is. Most of them see one side of the pair only: where they do
well, the data's negatives can be told without any biology.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler

from mirjax.alignment import complementarity
from mirjax.sequences import alphabet
from mirjax.sequences.records import Pairs

MIRNA_KMERS = (1, 3)  # nt, shortest and longest
TARGET_KMERS = (1, 4)

_SITE = slice(1, 7)  # miRNA letters 2-7
_MAX_ITERATIONS = 1_000


def classifier_baselines(train: Pairs, held_out: Pairs) -> dict[str, np.ndarray]:
    """Fit every baseline on training rows and apply it to held-out ones.

    Args:
      train: labelled rows to fit on.
      held_out: rows to score; their labels are not looked at.

    Returns:
      Baseline → probability that each held-out pair binds:
      `mirna_identity`, the share of binding pairs among the training rows of the same
      miRNA sequence; `gene`, likewise of the gene, where there are genes;
      `mirna_kmers` and `target_kmers`, logistic regressions on counts of short words in
      one of the two; `seed_6mer`, the share among training rows that have, or lack, a
      perfect match to miRNA letters 2-7 in the target; and `complementarity`, a
      logistic regression on the local score of `complementarity.score_pairs`.

    Raises:
      ValueError: if there is no training row, or its labels are missing.
    """
    if not len(train) or train.labels is None:
        raise ValueError("the baselines need labelled training rows")
    labels, both = train.labels, (train, held_out)
    baselines = {
        # Sequences, not names: miTAR's negatives are changed miRNAs under true names.
        "mirna_identity": _share_of_value(train.mirnas, labels, held_out.mirnas)
    }
    if train.genes is not None and held_out.genes is not None:
        baselines["gene"] = _share_of_value(train.genes, labels, held_out.genes)
    known, new = map(_has_seed_match, both)
    baselines["seed_6mer"] = _share_of_value(known, labels, new)
    for name, column, kmers in (
        ("mirna_kmers", "mirnas", MIRNA_KMERS),
        ("target_kmers", "targets", TARGET_KMERS),
    ):
        counts = CountVectorizer(analyzer="char", lowercase=False, ngram_range=kmers)
        counts.fit(getattr(train, column))
        baselines[name] = _regression(
            labels, *(counts.transform(getattr(pairs, column)) for pairs in both)
        )
    baselines["complementarity"] = _regression(
        labels,
        *(
            complementarity.score_pairs(pairs.mirnas, pairs.targets)[:, None] * 1.0
            for pairs in both
        ),
    )
    return baselines


def _share_of_value(
    known: Sequence[object], labels: np.ndarray, new: Sequence[object]
) -> np.ndarray:
    """Return the share of 1 among training rows of the same value.

    One row of the overall share is added to each value's, so that a value seen once
    does not count as certain and one never seen gets the overall share.
    """
    overall = float(labels.mean())
    totals: defaultdict[object, list[float]] = defaultdict(lambda: [overall, 1.0])
    for value, label in zip(known, labels, strict=True):
        totals[value][0] += label
        totals[value][1] += 1
    return np.array([totals[value][0] / totals[value][1] for value in new])


def _regression(labels: np.ndarray, known: Any, new: Any) -> np.ndarray:
    """Return the probabilities of a logistic regression on scaled features."""
    if labels.min() == labels.max():  # nothing to tell apart
        return np.full(new.shape[0], float(labels[0]))
    model = make_pipeline(MaxAbsScaler(), LogisticRegression(max_iter=_MAX_ITERATIONS))
    return model.fit(known, labels).predict_proba(new)[:, 1]


def _has_seed_match(pairs: Pairs) -> list[bool]:
    """Tell which targets hold the reverse complement of their miRNA's letters 2-7."""
    return [
        alphabet.reverse_complement(mirna[_SITE]) in target
        for mirna, target in zip(pairs.mirnas, pairs.targets, strict=True)
    ]
