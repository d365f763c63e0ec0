"""The duplex of a miRNA and a target: its best structure, and a drawing of it."""

from typing import NamedTuple

import RNA

from mirjax.sequences.pairing import WATSON_CRICK


class Duplex(NamedTuple):
    """A duplex of least free energy.

    Attributes:
      drawing: three lines: the target 5'→3', the pairs, the miRNA 3'→5'. "|" is a
        Watson-Crick pair and ":" a wobble.
      energy: free energy, kcal/mol.
    """

    drawing: str
    energy: float


def fold(mirna: str, target: str) -> Duplex:
    """Fold a miRNA onto a target.

    Args:
      mirna: 5'→3'.
      target: 5'→3'.

    References:
      Lorenz et al. 2011, ViennaRNA Package 2.0, doi 10.1186/1748-7188-6-26.
    """
    found = RNA.duplexfold(mirna, target)
    of_mirna, of_target = found.structure.split("&")
    # ViennaRNA counts from 1: where the miRNA's part ends, and the target's begins.
    first, second = found.i - len(of_mirna), found.j - 1
    opened = [first + k for k, mark in enumerate(of_mirna) if mark == "("]
    closed = [second + k for k, mark in enumerate(of_target) if mark == ")"]
    pairs = list(zip(closed, opened[::-1], strict=True))
    return Duplex(_draw(mirna, target, pairs), round(float(found.energy), 1))


def _draw(mirna: str, target: str, pairs: list[tuple[int, int]]) -> str:
    """Draw a duplex from its pairs: (target letter, miRNA letter), from the left."""
    above, between, below = "", "", ""
    at, left = 0, len(mirna)  # next target letter; miRNA letters that are left
    for number, (position, partner) in enumerate([*pairs, (len(target), -1)]):
        loops = target[at:position], mirna[partner + 1 : left][::-1]
        size = max(map(len, loops))
        # What is left before the first pair leans on it; gaps are between pairs alone.
        fill = str.ljust if number else str.rjust
        gap = "-" if 0 < number < len(pairs) else " "
        above += fill(loops[0], size, gap)
        below += fill(loops[1], size, gap)
        between += " " * size
        if partner >= 0:
            pair = target[position] + mirna[partner]
            above, below = above + pair[0], below + pair[1]
            between += "|" if pair in WATSON_CRICK else ":"
        at, left = position + 1, partner
    lines = (f"target 5' {above} 3'", f"          {between}", f"miRNA  3' {below} 5'")
    return "\n".join(line.rstrip() for line in lines)
