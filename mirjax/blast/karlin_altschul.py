"""Parameters of the statistics of alignment scores, as blastn looks them up.

Without gaps the theory of Karlin and Altschul gives them; with gaps they come from
simulations, whose rounded results blastn holds in a table by scores and gap costs. Gaps
that cost at least its last row are so rare that the parameters without gaps serve.

References:
  Karlin & Altschul 1990, Methods for assessing the statistical significance of
  molecular sequence features, doi 10.1073/pnas.87.6.2264.
  Altschul et al. 2001, The estimation of statistical parameters for local alignment
  score distributions, doi 10.1093/nar/29.2.351.
"""

import dataclasses
import math

import numpy as np

from mirjax.blast.settings import BlastSettings

_LETTERS = 4

# (reward, -penalty) → (gapopen, gapextend) → lambda, K, alpha, beta.
_GAPPED: dict[tuple[int, int], dict[tuple[int, int], tuple[float, ...]]] = {
    (1, 1): {
        (0, 2): (0.8, 0.064, 4.8, -16),
        (1, 2): (1.02, 0.21, 2.8, -6),
        (2, 1): (0.99, 0.17, 3.3, -10),
        (2, 2): (1.07, 0.27, 2.2, -3),
        (3, 1): (1.06, 0.25, 2.3, -4),
        (3, 2): (1.09, 0.31, 2.0, -2),
        (4, 1): (1.08, 0.28, 2.0, -2),
    },
    (1, 2): {
        (0, 0): (1.28, 0.46, 1.5, -2),
        (0, 2): (1.19, 0.34, 1.8, -3),
        (1, 1): (1.14, 0.26, 2.2, -5),
        (1, 2): (1.3, 0.52, 1.4, -2),
        (2, 1): (1.29, 0.49, 1.4, -1),
        (2, 2): (1.33, 0.62, 1.2, 0),
        (3, 1): (1.32, 0.57, 1.3, -1),
    },
    (1, 3): {
        (0, 0): (1.374, 0.711, 1.05, 0),
        (0, 2): (1.25, 0.42, 1.5, -2),
        (1, 1): (1.21, 0.34, 1.7, -2),
        (1, 2): (1.35, 0.64, 1.2, -1),
        (2, 1): (1.34, 0.6, 1.2, -1),
        (2, 2): (1.37, 0.7, 1.1, 0),
    },
    (1, 4): {
        (0, 0): (1.383, 0.738, 1.02, 0),
        (0, 2): (1.26, 0.43, 1.4, -1),
        (1, 1): (1.22, 0.35, 1.7, -3),
        (1, 2): (1.36, 0.67, 1.1, 0),
        (2, 1): (1.35, 0.61, 1.2, -1),
    },
    (1, 5): {
        (0, 0): (1.39, 0.747, 1.0, 0),
        (3, 3): (1.39, 0.747, 1.0, 0),
    },
    (2, 3): {
        (0, 0): (0.55, 0.21, 1.2, -5),
        (0, 4): (0.55, 0.21, 1.2, -5),
        (2, 2): (0.515, 0.14, 1.55, -9),
        (2, 4): (0.615, 0.37, 0.85, -3),
        (3, 3): (0.615, 0.37, 0.9, -3),
        (4, 2): (0.61, 0.35, 0.9, -3),
        (4, 4): (0.63, 0.42, 0.75, -2),
        (5, 2): (0.625, 0.41, 0.8, -2),
        (6, 2): (0.63, 0.42, 0.75, -2),
    },
    (2, 5): {
        (0, 0): (0.675, 0.65, 0.6, -1),
        (0, 4): (0.62, 0.39, 0.8, -2),
        (2, 2): (0.56, 0.32, 0.95, -4),
        (2, 4): (0.67, 0.59, 0.6, -1),
        (4, 2): (0.67, 0.61, 0.65, -2),
    },
    (2, 7): {
        (0, 0): (0.69, 0.73, 0.515, 0),
        (0, 4): (0.63, 0.43, 0.7, -1),
        (2, 2): (0.61, 0.35, 1.7, -3),
        (2, 4): (0.68, 0.67, 0.55, 0),
        (4, 2): (0.675, 0.62, 0.6, -1),
    },
    (3, 2): {(5, 5): (0.208, 0.03, 2.9, -47)},
    (3, 4): {
        (4, 2): (0.281, 0.046, 1.8, -23),
        (4, 3): (0.351, 0.14, 1.0, -9),
        (5, 2): (0.33, 0.092, 1.2, -13),
        (5, 3): (0.375, 0.21, 0.8, -6),
        (6, 2): (0.362, 0.16, 0.8, -4),
        (6, 3): (0.389, 0.25, 0.7, -5),
    },
    (4, 5): {
        (0, 0): (0.22, 0.061, 1.0, -15),
        (3, 5): (0.23, 0.065, 0.9, -11),
        (4, 5): (0.25, 0.1, 0.8, -10),
        (5, 5): (0.27, 0.17, 0.7, -9),
        (6, 5): (0.28, 0.21, 0.6, -7),
    },
    (5, 4): {
        (8, 6): (0.146, 0.039, 1.3, -29),
        (10, 6): (0.163, 0.068, 1.0, -19),
    },
}
# Gap costs from which on blastn has parameters without gaps.
_MOST = {
    (1, 1): (4, 2),
    (1, 2): (2, 2),
    (1, 3): (2, 2),
    (1, 4): (2, 2),
    (1, 5): (3, 3),
    (2, 3): (6, 4),
    (2, 5): (4, 4),
    (2, 7): (4, 4),
    (3, 2): (5, 5),
    (3, 4): (6, 3),
    (4, 5): (12, 8),
    (5, 4): (25, 10),
}
_EVEN = ((2, 3), (2, 5), (2, 7), (3, 4))  # odd scores count as the even ones below
_UNGAPPED_BETA = {(1, 1): -2.0, (2, 3): -2.0}  # of these alone, not their multiples
_LAST_TERM = 1e-4  # blastn stops its series of K here
_MOST_TERMS = 100


@dataclasses.dataclass(frozen=True)
class Statistics:
    """How likely scores are by chance, for one set of scores and gap costs.

    Attributes:
      decay: lambda, by which a score is divided into nats.
      scale: K, the share of the search space in which alignments start independently.
      alpha: letters of an alignment for each nat of its score, times lambda.
      beta: letters added to that.
      even_scores: whether odd scores have the E-values of the even ones below them.
    """

    decay: float
    scale: float
    alpha: float
    beta: float
    even_scores: bool


def find_statistics(settings: BlastSettings) -> Statistics:
    """Find the statistics that blastn uses.

    Args:
      settings: reward, penalty, gap costs and task count.

    Raises:
      ValueError: for scores or gap costs that blastn does not know.
    """
    divisor = math.gcd(settings.reward, settings.penalty)
    pair = settings.reward // divisor, -settings.penalty // divisor
    if pair not in _GAPPED:
        known = ", ".join(f"{reward}/-{penalty}" for reward, penalty in _GAPPED)
        raise ValueError(
            f"--reward={settings.reward} --penalty={settings.penalty}: blastn has no "
            f"statistics for them; choose a multiple of one of {known}"
        )
    costs = settings.gapopen, settings.gapextend
    rows = {
        (gapopen * divisor, gapextend * divisor): row
        for (gapopen, gapextend), row in _GAPPED[pair].items()
    }
    even = pair in _EVEN
    if costs in rows and (any(costs) or settings.task == "megablast"):
        decay, scale, alpha, beta = rows[costs]
        return Statistics(decay / divisor, scale, alpha / divisor, beta, even)
    most = tuple(cost * divisor for cost in _MOST[pair])
    if all(cost >= least for cost, least in zip(costs, most, strict=True)):
        decay, scale, entropy = _ungapped(*pair, divisor)
        beta = _UNGAPPED_BETA.get((settings.reward, -settings.penalty), 0.0)
        return Statistics(decay / divisor, scale, decay / entropy / divisor, beta, even)
    rows.pop((0, 0), None)
    known = ", ".join(f"{gapopen}/{gapextend}" for gapopen, gapextend in rows)
    raise ValueError(
        f"--gapopen={costs[0]} --gapextend={costs[1]}: blastn has no statistics for "
        f"them with --reward={settings.reward} --penalty={settings.penalty}; choose "
        f"one of {known}, or at least {most[0]}/{most[1]}"
    )


def _ungapped(reward: int, penalty: int, divisor: int) -> tuple[float, float, float]:
    """Return lambda, K and the relative entropy H of scores.

    All letters count as equally likely, whatever the sequences, as in blastn.

    Args:
      reward: score of a match, without the common divisor.
      penalty: minus the score of a mismatch, likewise.
      divisor: what both were divided by.
    """
    match, mismatch = 1 / _LETTERS, 1 - 1 / _LETTERS
    low, high = 0.0, math.log(_LETTERS) / reward
    while low < (decay := (low + high) / 2) < high:
        gain = match * math.exp(decay * reward) + mismatch * math.exp(-decay * penalty)
        low, high = (decay, high) if gain < 1 else (low, decay)
    entropy = decay * (
        match * reward * math.exp(decay * reward)
        - mismatch * penalty * math.exp(-decay * penalty)
    )
    log_factorials = np.concatenate(
        [[0.0], np.cumsum(np.log(np.arange(1.0, _MOST_TERMS + 1)))]
    )
    total = 0.0
    for letters in range(1, _MOST_TERMS + 1):
        # blastn loses the matches where it has divided scores, which doubles K or more.
        is_lost = divisor > 1 and reward > 1
        matches = np.zeros(1, int) if is_lost else np.arange(letters + 1)
        log_ways = (
            log_factorials[letters]
            - log_factorials[matches]
            - log_factorials[letters - matches]
        )
        scores = matches * reward - (letters - matches) * penalty
        chances = np.exp(
            log_ways
            + matches * math.log(match)
            + (letters - matches) * math.log(mismatch)
            + np.minimum(0.0, decay * scores)
        )
        term = float(chances.sum()) / letters
        total += term
        if term < _LAST_TERM and reward > 1:  # there is a closed form for reward 1
            break
    scale = math.exp(-2 * total) / (entropy / decay * (1 - math.exp(-decay)))
    return decay, scale, entropy
