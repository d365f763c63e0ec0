"""Baselines of generators: predicted miRNAs without a model.

They are fitted on training pairs and measured on held-out ones, like a model.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from jaxtyping import Int, Shaped, UInt8

from mirjax.evaluation.evaluation_set import EvaluationSet
from mirjax.evaluation.metrics.retrieval import true_ranks
from mirjax.evaluation.metrics.sequence import Metrics, token_accuracy
from mirjax.evaluation.set_metrics import (
    join_metrics,
    measure,
    prediction_metrics,
    rank_metrics,
)
from mirjax.sequences import alphabet

_START, _END = "^", "$"


def fit_prefixes(mirnas: Iterable[str]) -> dict[str, str]:
    """Find the most frequent symbol after each context in the miRNAs.

    Args:
      mirnas: training miRNAs; one that is given k times is counted k times.

    Returns:
      Context → its most frequent next letter, or "$" for the end; of equally frequent
      ones the earlier of A, U, C, G, end. A context is "^" and a prefix of a miRNA, or
      any stretch of letters inside one, or the empty string.

    Raises:
      ValueError: if there are no miRNAs.
    """
    order = alphabet.LETTERS + _END
    counts: defaultdict[str, list[int]] = defaultdict(lambda: [0] * len(order))
    for mirna, times in Counter(mirnas).items():
        symbols = _START + mirna + _END
        for end in range(1, len(symbols)):
            following = order.index(symbols[end])
            for begin in range(end + 1):
                counts[symbols[begin:end]][following] += times
    if not counts:
        raise ValueError("no miRNAs to count prefixes in")
    return {context: order[seen.index(max(seen))] for context, seen in counts.items()}


def next_symbol(prefixes: Mapping[str, str], prefix: str) -> str:
    """Predict the symbol after a prefix, from the prefix alone.

    Args:
      prefixes: result of `fit_prefixes`.
      prefix: the previous letters, possibly none.

    Returns:
      The most frequent symbol after the whole prefix. If no training miRNA has this
      prefix: after its longest suffix that occurs in a training miRNA.
    """
    context = _START + prefix
    while context not in prefixes:
        context = context[1:]
    return prefixes[context]


def greedy_from_prefixes(prefixes: Mapping[str, str], limit: int) -> str:
    """Decode greedily: append the most frequent next symbol until the end.

    Args:
      prefixes: result of `fit_prefixes`.
      limit: highest number of letters.

    Returns:
      The one sequence that this baseline predicts for every target.
    """
    letters = ""
    while len(letters) < limit and (symbol := next_symbol(prefixes, letters)) != _END:
        letters += symbol
    return letters


def teacher_forced(
    prefixes: Mapping[str, str], mirnas: Sequence[str], length: int
) -> UInt8[np.ndarray, "n {length}"]:
    """Predict each token from the true letters before it.

    Args:
      prefixes: result of `fit_prefixes`.
      mirnas: true miRNAs, each of fewer than `length` letters.
      length: tokens in a row.

    Returns:
      Predicted tokens. After the end they are A, which Keras counts as correct on
      padding.
    """
    token_of = {letter: getattr(alphabet, letter) for letter in alphabet.LETTERS}
    token_of[_END] = alphabet.EOS
    distinct = {mirna: row for row, mirna in enumerate(dict.fromkeys(mirnas))}
    tokens = np.full((len(distinct), length), alphabet.A, np.uint8)
    for mirna, row in distinct.items():
        for position in range(len(mirna) + 1):
            tokens[row, position] = token_of[next_symbol(prefixes, mirna[:position])]
    return tokens[[distinct[mirna] for mirna in mirnas]]


def generator_baselines(evaluation_set: EvaluationSet) -> dict[str, Metrics]:
    """Measure every baseline of the generators.

    Args:
      evaluation_set: positive pairs, to fit on and to measure on.

    Returns:
      Baseline → metrics. All have the metrics of `set_metrics.prediction_metrics`:

      `prefix_only` predicts the next letter from the previous ones and never sees the
      target; it also has the metrics of `sequence.token_accuracy`.

      `most_frequent` predicts the most frequent training miRNA for every target, and
      `complementarity` and `complementarity_anchored` the training miRNA of the highest
      score of `complementarity.score_all`. They also have the metrics of
      `set_metrics.rank_metrics`, among the training miRNAs; of equal scores the more
      frequent miRNA ranks higher.

    Raises:
      ValueError: if a set is empty or holds a negative pair.
    """
    for name in ("train", "held_out"):
        pairs = getattr(evaluation_set, name)
        if not len(pairs):
            raise ValueError(f"{name}: no pairs")
        if pairs.labels is not None and not pairs.labels.all():
            raise ValueError(f"{name}: holds rows labelled 0; drop them first")
    counts = Counter(evaluation_set.train.mirnas)
    mirnas = evaluation_set.train_mirnas
    order = sorted(range(len(mirnas)), key=lambda i: (-counts[mirnas[i]], mirnas[i]))
    candidates = [mirnas[i] for i in order]
    rankings = {
        "most_frequent": np.zeros(
            (len(evaluation_set.held_out), len(candidates)), np.int16
        ),
        "complementarity": evaluation_set.complementarity[:, order],
        "complementarity_anchored": evaluation_set.anchored_complementarity[:, order],
    }
    return {"prefix_only": _prefix_metrics(evaluation_set)} | {
        name: _retrieval_metrics(evaluation_set, scores, candidates)
        for name, scores in rankings.items()
    }


def _prefix_metrics(evaluation_set: EvaluationSet) -> Metrics:
    """Measure the baseline that sees only the previous letters."""
    true = evaluation_set.held_out.mirnas
    true_tokens = np.asarray(evaluation_set.tokens.mirnas)
    length = true_tokens.shape[1]
    prefixes = fit_prefixes(evaluation_set.train.mirnas)
    tokens = teacher_forced(prefixes, true, length)

    def metrics_of(rows: Int[np.ndarray, " rows"]) -> Metrics:
        return dict(token_accuracy(tokens[rows], true_tokens[rows]))

    constant = [greedy_from_prefixes(prefixes, length - 1)] * len(true)
    return join_metrics(
        prediction_metrics(evaluation_set, constant),
        measure(evaluation_set, metrics_of),
    )


def _retrieval_metrics(
    evaluation_set: EvaluationSet,
    scores: Shaped[np.ndarray, "n m"],
    candidates: Sequence[str],
) -> Metrics:
    """Measure a baseline that predicts the candidate with the highest score."""
    # argmax takes the first of equal scores, which is the most frequent candidate.
    first = [candidates[column] for column in scores.argmax(axis=1)]
    ranks = true_ranks(scores, candidates, evaluation_set.held_out.mirnas)
    return join_metrics(
        prediction_metrics(evaluation_set, first),
        rank_metrics(evaluation_set, ranks, first),
    )
