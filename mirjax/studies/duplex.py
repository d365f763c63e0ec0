"""The minimum free energy duplex of a miRNA and a target, by ViennaRNA."""

from typing import NamedTuple

from mirjax.inference.folding import load_viennarna
from mirjax.scanning.drawing import draw

_CLOSED, _OPEN = str.maketrans("(", ")"), str.maketrans(")", "(")


class Duplex(NamedTuple):
    """A minimum free energy duplex.

    Attributes:
      drawing: three lines: the target 5'→3', the pairs, the miRNA 3'→5'; see
        `scanning.drawing`.
      energy: free energy, kcal/mol.
    """

    drawing: str
    energy: float


def fold(mirna: str, target: str) -> Duplex:
    """Return the minimum free energy duplex of a miRNA and a target.

    Args:
      mirna: 5'→3', RNA letters.
      target: 5'→3', RNA letters.

    Raises:
      ValueError: if ViennaRNA is not installed.

    References:
      Lorenz et al. 2011, ViennaRNA Package 2.0, doi 10.1186/1748-7188-6-26.
    """
    found = load_viennarna("mirjax.study").duplexfold(mirna, target)
    of_mirna, of_target = found.structure.split("&")
    # ViennaRNA counts from 1: where the miRNA's part ends, and the target's begins.
    before_mirna, before_target = found.i - len(of_mirna), found.j - 1
    # A pairing string has the target first, and all letters of both.
    site = ("." * before_target + of_target.translate(_OPEN)).ljust(len(target), ".")
    guide = ("." * before_mirna + of_mirna.translate(_CLOSED)).ljust(len(mirna), ".")
    top, middle, bottom = draw(target, mirna, f"{site}&{guide}")
    lines = (f"target {top}", f"       {middle}", f"miRNA  {bottom}")
    drawing = "\n".join(line.rstrip() for line in lines)
    return Duplex(drawing, round(float(found.energy), 1))
