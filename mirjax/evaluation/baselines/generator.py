"""What an answer to "which miRNA binds here?" is worth without a model.

Every figure is computed from the rows given: the baselines are fitted on the training
rows and measured on the held-out ones, and stand beside each figure of a model.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from jaxtyping import UInt8

from mirjax.alignment import complementarity
from mirjax.evaluation.metrics.retrieval import retrieval_metrics, true_ranks
from mirjax.evaluation.metrics.sequence import (
    known_mirnas,
    sequence_metrics,
    token_accuracy,
)
from mirjax.sequences import alphabet
from mirjax.sequences.records import Pairs

_START, _END = "^", "$"


def fit_prefixes(mirnas: Iterable[str]) -> dict[str, str]:
    """Count which symbol follows each context in the miRNAs.

    Args:
      mirnas: training miRNAs; one given k times counts k times.

    Returns:
      Context → its most frequent next letter, or "$" for the end; ties go to the
      earlier of A, U, C, G, end. A context is "^" and a prefix of a miRNA, or any
      stretch of letters inside one, or the empty string.

    Raises:
      ValueError: if there are none.
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
      prefixes: what `fit_prefixes` returned.
      prefix: the letters so far, possibly none.

    Returns:
      The most frequent symbol after the whole prefix; if no training miRNA begins so,
      after the longest end of it that occurs anywhere in one.
    """
    context = _START + prefix
    while context not in prefixes:
        context = context[1:]
    return prefixes[context]


def greedy_from_prefixes(prefixes: Mapping[str, str], limit: int) -> str:
    """Decode from nothing, always taking the most frequent next symbol.

    Args:
      prefixes: what `fit_prefixes` returned.
      limit: the most letters to emit.

    Returns:
      The one sequence that this predictor gives, whatever the target.
    """
    letters = ""
    while len(letters) < limit and (symbol := next_symbol(prefixes, letters)) != _END:
        letters += symbol
    return letters


def teacher_forced(
    prefixes: Mapping[str, str], mirnas: Sequence[str], length: int
) -> UInt8[np.ndarray, "n length"]:
    """Predict each next token from the true letters before it.

    Args:
      prefixes: what `fit_prefixes` returned.
      mirnas: true miRNAs, each of fewer than `length` letters.
      length: tokens a row.

    Returns:
      Predicted tokens; after the end A, which Keras's count takes for right there.
    """
    token_of = {letter: getattr(alphabet, letter) for letter in alphabet.LETTERS}
    token_of[_END] = alphabet.EOS
    distinct = {mirna: row for row, mirna in enumerate(dict.fromkeys(mirnas))}
    tokens = np.full((len(distinct), length), alphabet.A, np.uint8)
    for mirna, row in distinct.items():
        for place in range(len(mirna) + 1):
            tokens[row, place] = token_of[next_symbol(prefixes, mirna[:place])]
    return tokens[[distinct[mirna] for mirna in mirnas]]


def generator_baselines(
    train: Pairs, held_out: Pairs, database: Iterable[str], *, length: int = 28
) -> dict[str, dict[str, float]]:
    """Measure every baseline of the generators.

    Args:
      train: pairs to fit on, all of which bind.
      held_out: pairs to measure on, all of which bind.
      database: real miRNAs.
      length: tokens a decoder emits, EOS included; Keras's count depends on it.

    Returns:
      Baseline → figure → value. Each has the figures of `sequence_metrics` (where the
      miRNAs known for a target are those of both sets). The baselines are
      `prefix_only`, which predicts the next letter from those before it and never sees
      the target (with the teacher-forced figures of `token_accuracy`);
      `most_frequent`, the commonest training miRNA for every target; and
      `complementarity` and `complementarity_anchored`, the training miRNA which
      `complementarity.score_all` puts first. The last three have the figures of
      `retrieval_metrics` among the training miRNAs, ties in order of their frequency.

    Raises:
      ValueError: if a set is empty or holds a row labelled 0, or a miRNA is too long.
    """
    for name, pairs in (("train", train), ("held_out", held_out)):
        if not len(pairs):
            raise ValueError(f"{name}: no pairs")
        if pairs.labels is not None and not pairs.labels.all():
            raise ValueError(f"{name}: holds rows labelled 0; drop them first")
    targets, true = list(held_out.targets), list(held_out.mirnas)
    known = known_mirnas(Pairs([*train.mirnas, *true], [*train.targets, *targets]))
    real = set(database)

    true_tokens = _true_tokens(true, length)
    prefixes = fit_prefixes(train.mirnas)
    constant = [greedy_from_prefixes(prefixes, length - 1)] * len(true)
    figures = {
        "prefix_only": sequence_metrics(constant, true, targets, known, real)
        | token_accuracy(teacher_forced(prefixes, true, length), true_tokens)
    }
    counts = Counter(train.mirnas)
    candidates = sorted(counts, key=lambda mirna: (-counts[mirna], mirna))
    rankings = {
        "most_frequent": np.zeros((len(true), len(candidates)), np.int16),
        "complementarity": complementarity.score_all(targets, candidates),
        "complementarity_anchored": complementarity.score_all(
            targets, candidates, anchored=True
        ),
    }
    for name, scores in rankings.items():
        # argmax takes the first of equals, and the commonest stands first.
        decoded = [candidates[column] for column in scores.argmax(axis=1)]
        figures[name] = sequence_metrics(
            decoded, true, targets, known, real
        ) | retrieval_metrics(
            true_ranks(scores, candidates, true), decoded, true, targets, known
        )
    return figures


def _true_tokens(mirnas: Sequence[str], length: int) -> np.ndarray:
    """Encode miRNAs with their EOS, padded to `length`."""
    tokens = np.pad(alphabet.encode(mirnas, length - 1, names=mirnas), ((0, 0), (0, 1)))
    tokens[np.arange(len(mirnas)), alphabet.lengths(mirnas)] = alphabet.EOS
    return tokens
