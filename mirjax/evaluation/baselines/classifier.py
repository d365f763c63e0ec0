"""Baselines of classifiers: probabilities that a pair is positive, without a model.

Each is fitted on training pairs and measured like a model. Most of them see only one
side of a pair: where they are accurate, the negatives of the data can be recognised
without any biology.
"""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler

from mirjax.alignment import complementarity
from mirjax.evaluation.metrics.classification import Labels
from mirjax.sequences.pairing import SEED_6MER, seed_site
from mirjax.sequences.records import Pairs

MIRNA_KMERS = (1, 3)  # shortest and longest, nt
TARGET_KMERS = (1, 4)

_MAX_ITERATIONS = 1_000


def classifier_baselines(
    train: Pairs, held_out: Pairs
) -> dict[str, Float[np.ndarray, " n"]]:
    """Fit every baseline on training pairs and apply it to held-out ones.

    Args:
      train: labelled pairs to fit on.
      held_out: n pairs to score; their labels are not used.

    Returns:
      Baseline → probability that each held-out pair is positive:
      `mirna_identity`, the fraction of positives among the training pairs of the same
      miRNA sequence; `gene`, the same for the gene, if the data name genes;
      `seed_6mer`, the fraction of positives among the training pairs that have, or
      lack, a perfect match to miRNA letters 2-7 in the target;
      `mirna_kmers` and `target_kmers`, logistic regressions on counts of short words in
      the miRNA or in the target; and `complementarity`, a logistic regression on the
      local score of `complementarity.score_pairs`.

    Raises:
      ValueError: if there are no training pairs, or they have no labels.
    """
    if not len(train) or train.labels is None:
        raise ValueError("the baselines need labelled training rows")
    labels, both = train.labels, (train, held_out)
    baselines = {
        # By sequence: miTAR's negatives are altered miRNAs with the names of real ones.
        "mirna_identity": _positive_fraction(train.mirnas, labels, held_out.mirnas)
    }
    if train.genes is not None and held_out.genes is not None:
        baselines["gene"] = _positive_fraction(train.genes, labels, held_out.genes)
    known, new = map(_has_seed_match, both)
    baselines["seed_6mer"] = _positive_fraction(known, labels, new)
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


def unfitted_baselines(held_out: Pairs) -> dict[str, Float[np.ndarray, " n"]]:
    """Score pairs by the baselines that rank pairs without training pairs.

    Args:
      held_out: n pairs to score.

    Returns:
      Baseline → score, higher for a pair that is more likely positive: `seed_6mer`,
      whether the target has a perfect match to miRNA letters 2-7, and
      `complementarity`, the local score of `complementarity.score_pairs`.
    """
    scores = complementarity.score_pairs(held_out.mirnas, held_out.targets)
    return {
        "seed_6mer": np.array(_has_seed_match(held_out), float),
        "complementarity": scores * 1.0,
    }


def _positive_fraction(
    known: Sequence[object], labels: Labels, new: Sequence[object]
) -> Float[np.ndarray, " held_out"]:
    """Return the fraction of positives among the training pairs of the same value.

    The overall fraction is added to each value as one pseudo-pair, so that a value that
    occurs once does not get 0 or 1, and a new value gets the overall fraction.
    """
    overall = float(labels.mean())
    totals: defaultdict[object, list[float]] = defaultdict(lambda: [overall, 1.0])
    for value, label in zip(known, labels, strict=True):
        totals[value][0] += label
        totals[value][1] += 1
    return np.array([totals[value][0] / totals[value][1] for value in new])


def _regression(
    labels: Labels, known: np.ndarray | csr_matrix, new: np.ndarray | csr_matrix
) -> Float[np.ndarray, " held_out"]:
    """Return the probabilities of a logistic regression on scaled features."""
    if labels.min() == labels.max():  # a regression needs both classes
        return np.full(new.shape[0], float(labels[0]))
    model = make_pipeline(MaxAbsScaler(), LogisticRegression(max_iter=_MAX_ITERATIONS))
    return model.fit(known, labels).predict_proba(new)[:, 1]


def _has_seed_match(pairs: Pairs) -> list[bool]:
    """Return whether each target holds the reverse complement of letters 2-7."""
    return [
        seed_site(mirna, SEED_6MER) in target
        for mirna, target in zip(pairs.mirnas, pairs.targets, strict=True)
    ]
