"""Local alignment cell by cell: an oracle for what ends at each position."""

import numpy as np


def pair_score(rules, place, one, other):
    if one not in "AUCG" or other not in "AUCG":
        value = rules.lowest
    else:
        value = rules.table["AUCG".index(one)]["AUCG".index(other)]
    return value * (rules.weights[place] if place < len(rules.weights) else 1)


def plain_end_scores(mirna, target, rules):
    """Return what the best alignment scores whose last pair is at each position."""
    rows, columns = len(mirna), len(target)
    low = -(10**6)
    score = np.zeros((rows + 1, columns + 1), int)
    across = np.full((rows + 1, columns + 1), low)
    down = np.full((rows + 1, columns + 1), low)
    best = np.zeros(columns, int)
    for i in range(1, rows + 1):
        place = rows - i
        for j in range(1, columns + 1):
            across[i, j] = (
                max(across[i, j - 1], score[i, j - 1] - rules.gap_open)
                - rules.gap_extend
            )
            down[i, j] = (
                max(down[i - 1, j], score[i - 1, j] - rules.gap_open) - rules.gap_extend
            )
            gain = pair_score(rules, place, mirna[place], target[j - 1])
            paired = score[i - 1, j - 1] + gain
            score[i, j] = max(0, paired, across[i, j], down[i, j])
            if gain > 0:
                best[j - 1] = max(best[j - 1], paired)
    return best
