"""Attribution of a classifier's logit to letters and to pairs of letters, by occlusion.

Letters are occluded (replaced by padding), and the change of the logit is measured.
This needs no gradient and no reference sequence, has the same meaning for every
classifier, and each number can be checked by one prediction.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, UInt8

from mirjax.inference import classify
from mirjax.inference.in_batches import in_batches
from mirjax.models.interfaces import Classifier, reads_unknown_letters
from mirjax.models.trained import TrainedModel
from mirjax.sequences import alphabet
from mirjax.sequences.records import Pairs

_BATCH = 512  # rows scored at a time


class Attribution(NamedTuple):
    """The logit of one pair, attributed to its letters.

    Attributes:
      mirna: 5'→3'.
      target: 5'→3'.
      logit: the model's.
      mirna_letters: decrease of the logit when each letter of the miRNA is occluded.
      target_letters: the same for each letter of the target.
      pairs: interaction of a miRNA letter and a target letter: the logit, minus the two
        logits with one of them occluded, plus the logit with both occluded. For a model
        that sums contributions of letter pairs, this is the pair's contribution.
    """

    mirna: str
    target: str
    logit: float
    mirna_letters: Float[np.ndarray, " mirna"]
    target_letters: Float[np.ndarray, " target"]
    pairs: Float[np.ndarray, "mirna target"]


def attribute(trained: TrainedModel[Classifier], pairs: Pairs) -> list[Attribution]:
    """Attribute the logits of pairs to their letters, by occlusion.

    Args:
      trained: a classifier.
      pairs: rows no longer than the model reads; a miRNA of m and a target of n nt take
        (m + 1)(n + 1) predictions.

    References:
      Zeiler & Fergus 2014, ECCV, arXiv 1311.2901 (occlusion).
    """
    model = trained.model
    mirnas = alphabet.encode(pairs.mirnas, model.max_mirna_length)
    targets = alphabet.encode(
        pairs.targets,
        model.max_target_length,
        unknown_as_pad=reads_unknown_letters(model),
    )
    return [
        _attribute(trained, mirna, target, (mirnas[row], targets[row]))
        for row, (mirna, target) in enumerate(
            zip(pairs.mirnas, pairs.targets, strict=True)
        )
    ]


def _attribute(
    trained: TrainedModel[Classifier],
    mirna: str,
    target: str,
    tokens: tuple[UInt8[np.ndarray, " mirna_length"], UInt8[np.ndarray, " length"]],
) -> Attribution:
    """Attribute the logit of one pair."""
    occluded = [
        _occlusions(row, len(letters))
        for row, letters in zip(tokens, (mirna, target), strict=True)
    ]
    # Every occluded miRNA with every occluded target; the last of each is not occluded.
    left = np.repeat(occluded[0], len(occluded[1]), axis=0)
    right = np.tile(occluded[1], (len(occluded[0]), 1))
    scorer, width = classify.make_scorer(trained.model), left.shape[1]

    def score(rows: np.ndarray) -> tuple[np.ndarray]:
        return (np.asarray(scorer(trained.params, rows[:, :width], rows[:, width:])),)

    (flat,) = in_batches(score, np.concatenate([left, right], axis=1), _BATCH)
    logits = flat.astype(np.float64).reshape(len(occluded[0]), len(occluded[1]))
    whole = logits[-1, -1]
    pairs = whole - logits[:-1, -1:] - logits[-1:, :-1] + logits[:-1, :-1]
    return Attribution(
        mirna,
        target,
        float(whole),
        mirna_letters=whole - logits[:-1, -1],
        target_letters=whole - logits[-1, :-1],
        pairs=pairs,
    )


def _occlusions(
    row: UInt8[np.ndarray, " length"], letters: int
) -> UInt8[np.ndarray, "occlusions length"]:
    """Return a sequence with each letter occluded in turn, then the whole one."""
    rows = np.tile(row, (letters + 1, 1))
    rows[np.arange(letters), np.arange(letters)] = alphabet.PAD
    return rows
