"""Karlin-Altschul parameters of score statistics, as blastn uses them.

Theory gives the parameters for alignments without gaps. For alignments with gaps they
come from simulations; blastn holds the rounded results in a table by scores and gap
costs. If gaps cost at least as much as the last row of that table, they are so rare
that blastn uses the parameters without gaps.

References:
  Karlin & Altschul 1990, Methods for assessing the statistical significance of
  molecular sequence features, doi 10.1073/pnas.87.6.2264.
  Altschul et al. 2001, The estimation of statistical parameters for local alignment
  score distributions, doi 10.1093/nar/29.2.351.
"""

import dataclasses
import functools
import itertools
import math

_NUM_LETTERS = 4

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
# Gap costs from which on blastn uses the parameters without gaps.
_UNGAPPED_FROM = {
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
# Scores for which blastn rounds an odd alignment score down to an even one.
_EVEN_SCORES = ((2, 3), (2, 5), (2, 7), (3, 4))
_UNGAPPED_BETA = {(1, 1): -2.0, (2, 3): -2.0}  # not of multiples of these scores
_LAST_TERM = 1e-4  # blastn stops its series of K here
_MAX_TERMS = 100


@dataclasses.dataclass(frozen=True)
class Statistics:
    """Parameters of the distribution of alignment scores of unrelated sequences.

    Attributes:
      decay: lambda, in nats per unit of score.
      scale: K, the fraction of the search space in which alignments start
        independently.
      alpha: lambda times the expected letters of an alignment per nat of its score.
      beta: letters to add to that expected length.
      even_scores: whether an odd score has the E-value of the even score below it.
    """

    decay: float
    scale: float
    alpha: float
    beta: float
    even_scores: bool


@functools.lru_cache
def find_statistics(
    reward: int, penalty: int, gapopen: int, gapextend: int, *, greedy: bool
) -> Statistics:
    """Find the parameters that blastn uses.

    Args:
      reward: score of a match, above 0.
      penalty: score of a mismatch, below 0.
      gapopen: cost of opening a gap.
      gapextend: cost of each letter of a gap.
      greedy: whether blastn extends greedily (task megablast), which has gap costs of
        its own for gapopen = gapextend = 0.

    Returns:
      The parameters.

    Raises:
      ValueError: if blastn has no parameters for the scores or gap costs.
    """
    divisor = math.gcd(reward, penalty)
    scores = reward // divisor, -penalty // divisor
    if scores not in _GAPPED:
        known = ", ".join(f"{match}/-{mismatch}" for match, mismatch in _GAPPED)
        raise ValueError(
            f"--reward={reward} --penalty={penalty}: blastn has no statistics for "
            f"them; choose a multiple of one of {known}"
        )
    costs = gapopen, gapextend
    gapped = {
        (opening * divisor, extending * divisor): row
        for (opening, extending), row in _GAPPED[scores].items()
    }
    even = scores in _EVEN_SCORES
    if costs in gapped and (any(costs) or greedy):
        decay, scale, alpha, beta = gapped[costs]
        return Statistics(decay / divisor, scale, alpha / divisor, beta, even)
    limits = tuple(cost * divisor for cost in _UNGAPPED_FROM[scores])
    if all(cost >= limit for cost, limit in zip(costs, limits, strict=True)):
        decay, scale, entropy = _ungapped(*scores, divisor)
        beta = _UNGAPPED_BETA.get((reward, -penalty), 0.0)
        return Statistics(decay / divisor, scale, decay / entropy / divisor, beta, even)
    gapped.pop((0, 0), None)
    known = ", ".join(f"{opening}/{extending}" for opening, extending in gapped)
    raise ValueError(
        f"--gapopen={gapopen} --gapextend={gapextend}: blastn has no statistics for "
        f"them with --reward={reward} --penalty={penalty}; choose one of {known}, or "
        f"at least {limits[0]}/{limits[1]}"
    )


def _ungapped(reward: int, penalty: int, divisor: int) -> tuple[float, float, float]:
    """Return lambda, K and the relative entropy H of scores.

    All letters count as equally likely, whatever the sequences, as in blastn.

    Args:
      reward: score of a match, without the common divisor.
      penalty: minus the score of a mismatch, without the common divisor.
      divisor: the common divisor of both.
    """
    match, mismatch = 1 / _NUM_LETTERS, 1 - 1 / _NUM_LETTERS
    low, high = 0.0, math.log(_NUM_LETTERS) / reward
    while low < (decay := (low + high) / 2) < high:
        gain = match * math.exp(decay * reward) + mismatch * math.exp(-decay * penalty)
        low, high = (decay, high) if gain < 1 else (low, decay)
    entropy = decay * (
        match * reward * math.exp(decay * reward)
        - mismatch * penalty * math.exp(-decay * penalty)
    )
    log_factorials = list(
        itertools.accumulate(map(math.log, range(1, _MAX_TERMS + 1)), initial=0.0)
    )
    # blastn omits the matches if it has divided the scores, which doubles K or more.
    omits_matches = divisor > 1 and reward > 1
    total = 0.0
    for letters in range(1, _MAX_TERMS + 1):
        probabilities = []
        for matches in range(1 if omits_matches else letters + 1):
            mismatches = letters - matches
            log_ways = (
                log_factorials[letters]
                - log_factorials[matches]
                - log_factorials[mismatches]
            )
            log_probability = (
                log_ways + matches * math.log(match) + mismatches * math.log(mismatch)
            )
            score = matches * reward - mismatches * penalty
            probabilities.append(math.exp(log_probability + min(0.0, decay * score)))
        term = math.fsum(probabilities) / letters
        total += term
        if term < _LAST_TERM and reward > 1:  # there is a closed form for reward 1
            break
    scale = math.exp(-2 * total) / (entropy / decay * (1 - math.exp(-decay)))
    return decay, scale, entropy
