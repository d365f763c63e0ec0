"""Features of seed sites that predict their repression.

References:
  Grimson et al. 2007, MicroRNA targeting specificity in mammals,
  doi 10.1016/j.molcel.2007.06.017: local AU content, supplementary pairing,
  cooperativity, position.
  Agarwal et al. 2015, doi 10.7554/eLife.05005: accessibility and length.
"""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from mirjax.scanning.repression import accessibility
from mirjax.scanning.repression.seed_sites import CANONICAL, LENGTH, SeedSite
from mirjax.sequences.pairing import reverse_complement

FLANK = 30  # nt on either side of a site that local AU content counts
STOP_SHADOW = 15  # nt after the stop codon that ribosomes still cover
COOPERATIVE = (8, 40)  # nt between the starts of two sites that act together
_SITE_FLANK = 3  # nt beside the six letters that belong to the site
_UPSTREAM = 15  # nt before a site in which supplementary pairs are sought
_SUPPLEMENTARY = slice(8, None)  # letters of a miRNA, from its ninth
_CORE = range(4, 8)  # of these: miRNA letters 13 to 16, which count twice
_SIGNALS = {"AAUAAA": 1.0, "AUUAAA": 0.5}  # of polyadenylation
_SIGNAL_DISTANCE = 20  # nt from a signal to the 3'UTR end that it gives
_NO_STRETCH = -1.7  # log10 of the probability that a common stretch is unpaired

# What a classifier says of a site; see `site_embedding`.
LOG_PROBABILITY = "log_probability"
EMBEDDING = tuple(f"embedding_{channel}" for channel in range(16))
CLASSIFIER = (LOG_PROBABILITY, *EMBEDDING)
NAMES = (
    "local_au",
    "accessibility",
    "supplementary",
    "log_length",
    "log_distance_to_end",
    "in_stop_shadow",
    "after_signals",
    "cooperative",
    "au_before",
    "au_after",
    "u_opposite_8",
    "g_opposite_8",
    "passenger_au",
    *CLASSIFIER,
)


@dataclasses.dataclass(frozen=True, eq=False)
class Utr:
    """A 3'UTR, with what all its sites need.

    Attributes:
      sequence: 5'→3', RNA letters and N.
      is_au: 1 where the letter is A or U.
      log10_unpaired: of `accessibility.log10_unpaired`, or None without it.
      signals: weighted number of polyadenylation signals before each letter.
    """

    sequence: str
    is_au: Float[np.ndarray, " length"]
    log10_unpaired: Float[np.ndarray, " ends"] | None
    signals: Float[np.ndarray, " ends"]

    @classmethod
    def make(
        cls,
        sequence: str,
        log10_unpaired: Float[np.ndarray, " ends"] | None = None,
    ) -> "Utr":
        """Prepare a 3'UTR."""
        is_au = np.array([letter in "AU" for letter in sequence], np.float64)
        signals = np.zeros(len(sequence) + 1)
        for signal, weight in _SIGNALS.items():
            place = sequence.find(signal)
            while place >= 0:
                signals[min(len(sequence), place + _SIGNAL_DISTANCE) :] += weight
                place = sequence.find(signal, place + 1)
        return cls(sequence, is_au, log10_unpaired, signals)


def prepare(sequences: Sequence[str], *, fold: bool) -> list[Utr]:
    """Prepare 3'UTRs.

    Args:
      sequences: 5'→3', RNA letters and N.
      fold: whether to compute the accessibility of their sites, by ViennaRNA.
    """
    if not fold:
        return [Utr.make(sequence) for sequence in sequences]
    unpaired = accessibility.log10_unpaired_of_all(sequences)
    return [Utr.make(*pair) for pair in zip(sequences, unpaired, strict=True)]


def describe(
    mirna: str, utr: Utr, sites: Sequence[SeedSite], *, passenger: bool = False
) -> Float[np.ndarray, "sites features"]:
    """Return the features `NAMES` of the sites of one strand.

    Args:
      mirna: the strand, 5'→3', RNA letters.
      utr: the 3'UTR.
      sites: its sites, by start.
      passenger: whether the strand is the passenger. It is loaded more often if its
        first letter is A or U.

    Returns:
      One row per site. The columns `CLASSIFIER` are NaN; `head.tabulate_sites` fills
        them for many sites at once.
    """
    length = len(utr.sequence)
    rows = []
    for site in sites:
        start, end = site.start, site.start + LENGTH
        rows.append(
            (
                local_au(utr.is_au, start),
                _unpaired_at(utr, start),
                supplementary_score(mirna, utr.sequence, start),
                math.log(length),
                math.log10(min(start, length - end) + 1),
                float(start < STOP_SHADOW),
                math.log1p(utr.signals[start]),
                float(_has_partner(site, sites)),
                _letter_in(utr.sequence, start - 2, "AU"),
                _letter_in(utr.sequence, end + 1, "AU"),
                _letter_in(utr.sequence, start - 1, "U"),
                _letter_in(utr.sequence, start - 1, "G"),
                float(passenger and mirna[0] in "AU"),
                *(math.nan,) * len(CLASSIFIER),
            )
        )
    return np.array(rows, np.float64).reshape(len(sites), len(NAMES))


def local_au(is_au: Float[np.ndarray, " length"], start: int) -> float:
    """Return the AU content around a site, weighted by the distance to the site.

    Args:
      is_au: 1 where a letter of the 3'UTR is A or U.
      start: of the site's six letters.

    Returns:
      From 0 to 1. A letter n nt from the site weighs 1/n; `_SITE_FLANK` letters on
      either side belong to the site. 0.5 if there is no letter left.
    """
    first, last = start - _SITE_FLANK, start + LENGTH + _SITE_FLANK
    before = is_au[max(0, first - FLANK) : max(0, first)][::-1]
    after = is_au[last : last + FLANK]
    weights = 1 / np.arange(1, FLANK + 1)
    total = weights[: len(before)].sum() + weights[: len(after)].sum()
    if not total:
        return 0.5
    found = weights[: len(before)] @ before + weights[: len(after)] @ after
    return float(found / total)


def supplementary_score(mirna: str, utr: str, start: int) -> float:
    """Return the score of the best run of pairs of the miRNA's 3' part.

    A pair scores 0.5, and 1 at miRNA letters 13 to 16. If the two loops differ by more
    than 2 nt, each further nt costs 0.5.

    Args:
      mirna: 5'→3'.
      utr: 5'→3'.
      start: of the site's six letters.
    """
    begin = start - _SITE_FLANK
    if begin <= 0:
        return 0.0
    # Both are read away from the seed, so that pairs are equal letters.
    target = reverse_complement(utr[max(0, begin - _UPSTREAM) : begin + 2])
    tail = mirna[_SUPPLEMENTARY]
    best = 0.0
    for shift in range(1 - len(tail), len(target)):
        run, pairs = 0.0, 0
        for place in range(max(0, shift), min(len(target), len(tail) + shift)):
            if target[place] != tail[place - shift]:
                run, pairs = 0.0, 0
                continue
            if not pairs:
                run = -0.5 * max(0, abs(shift) - 2)
            pairs += 1
            run += 1.0 if place - shift in _CORE else 0.5
            if pairs > 1:
                best = max(best, run)
    return best


def _unpaired_at(utr: Utr, start: int) -> float:
    """Return log10 P(unpaired) of the stretch centred on miRNA letters 7 and 8."""
    if utr.log10_unpaired is None or len(utr.sequence) < accessibility.STRETCH:
        return _NO_STRETCH
    end = start + accessibility.STRETCH // 2
    end = min(max(end, accessibility.STRETCH), len(utr.sequence))
    return float(utr.log10_unpaired[end])


def _has_partner(site: SeedSite, sites: Sequence[SeedSite]) -> bool:
    """Return whether another canonical site lies at a cooperative distance."""
    low, high = COOPERATIVE
    return any(
        low <= abs(other.start - site.start) <= high and other.kind < len(CANONICAL)
        for other in sites
    )


def _letter_in(sequence: str, place: int, letters: str) -> float:
    """Return 1 if the letter at a position is one of those given, else 0."""
    return float(0 <= place < len(sequence) and sequence[place] in letters)
