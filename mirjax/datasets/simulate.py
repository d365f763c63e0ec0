"""Simulation of miRNA-target pairs with known site types.

miRNA positions are numbered from 1 at the 5' end. Targets are written 5'→3' too, so
miRNA position 1 is opposite the 3' end of the site. The site types:

  8mer      Watson-Crick pairs at 2-8 and an A opposite 1
  7mer-m8   Watson-Crick pairs at 2-8, no A opposite 1
  7mer-A1   Watson-Crick pairs at 2-7 but not at 8, and an A opposite 1
  6mer      Watson-Crick pairs at 2-7 but not at 8, no A opposite 1
  wobble    one G:U pair within 2-7, Watson-Crick pairs at the others of 2-8
  bulge     Watson-Crick pairs at 2-8 with one unpaired target letter between 5 and 6

A site of any type may have 3' supplementary pairing: Watson-Crick pairs at 13-16.

References:
  Bartel 2009, doi 10.1016/j.cell.2009.01.002; Chi et al. 2012, doi 10.1038/nsmb.2230
  (the bulge).
"""

import dataclasses
import string
from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool

from mirjax.sequences import alphabet, pairing
from mirjax.sequences.records import Pairs, SequenceRecord

# Site type → fraction of the pairs: strong and weak sites, about as in real data.
_FRACTIONS = {
    "8mer": 0.25,
    "7mer-m8": 0.25,
    "7mer-A1": 0.15,
    "6mer": 0.10,
    "wobble": 0.15,
    "bulge": 0.10,
}
SITE_TYPES = tuple(_FRACTIONS)
_SUPPLEMENTARY_FRACTION = 0.75

_PAIRED_LENGTH = 16  # nt of a site, which is opposite miRNA positions 16 to 1
_MIN_TARGET = _PAIRED_LENGTH + 2  # nt: one more for a bulge, one for a flank
_MAX_DOWNSTREAM = 3  # nt of the target 3' of the site, at most
_SEED_DISTANCE = 3  # mismatches between seeds, at least: a wobble keeps them distinct
_MAX_DRAWS = 2_000  # of one seed or target


@dataclasses.dataclass(frozen=True, eq=False)
class Simulation:
    """Simulated pairs and miRNAs.

    Attributes:
      pairs: n positive pairs, with the names of their miRNAs.
      site_types: for each pair, one of `SITE_TYPES`.
      supplementary: for each pair, whether it has 3' supplementary pairing.
      mirnas: all miRNAs, with and without a pair: the database that decoded miRNAs are
        named by.
    """

    pairs: Pairs
    site_types: Sequence[str]
    supplementary: Bool[np.ndarray, " n"]
    mirnas: Sequence[SequenceRecord]


def simulate(
    num_pairs: int,
    *,
    seed: int = 0,
    num_families: int = 20,
    mirnas_per_family: int = 3,
    min_target: int = 20,
    max_target: int = 29,
) -> Simulation:
    """Simulate miRNA families and target sites of the types above.

    The miRNAs of a family have the same seed (2-8) and differ within 13-16 and at other
    positions. A target's seed match determines the family; its 3' supplementary
    pairing, which three quarters of the targets have, determines the miRNA.

    >>> simulate(2).pairs.mirna_names == simulate(9).pairs.mirna_names[:2]
    True

    Args:
      num_pairs: number of pairs. A simulation begins with the pairs of a shorter one.
      seed: random seed. The miRNAs depend on it and on the two arguments that follow.
      num_families: number of distinct seeds.
      mirnas_per_family: number of miRNAs with each seed, 1 to 26.
      min_target: shortest target in nt, at least 18.
      max_target: longest target in nt.

    Returns:
      The pairs, the site type of each, and the miRNAs.

    Raises:
      ValueError: for an argument out of range.
    """
    if num_pairs < 1 or num_families < 1:
        raise ValueError(f"{num_pairs=} and {num_families=} must be at least 1")
    if not 1 <= mirnas_per_family <= len(string.ascii_lowercase):
        raise ValueError(f"{mirnas_per_family=} is not in 1 to 26")
    if not _MIN_TARGET <= min_target <= max_target:
        raise ValueError(f"need {_MIN_TARGET} <= {min_target=} <= {max_target=}")
    # Separate random streams: the miRNAs do not depend on the number of pairs.
    mirna_rng, pair_rng = (
        np.random.Generator(np.random.PCG64([seed, stream])) for stream in range(2)
    )
    mirnas = _mirnas(mirna_rng, num_families, mirnas_per_family)
    site_types, supplementary, chosen, targets = [], [], [], []
    for _ in range(num_pairs):
        chosen.append(mirnas[pair_rng.integers(len(mirnas))])
        site_type = str(pair_rng.choice(SITE_TYPES, p=list(_FRACTIONS.values())))
        has_supplementary = bool(pair_rng.random() < _SUPPLEMENTARY_FRACTION)
        length = int(pair_rng.integers(min_target, max_target + 1))
        site_types.append(site_type)
        supplementary.append(has_supplementary)
        targets.append(
            _target(pair_rng, chosen[-1].sequence, site_type, has_supplementary, length)
        )
    pairs = Pairs(
        mirnas=[mirna.sequence for mirna in chosen],
        targets=targets,
        mirna_names=[mirna.name for mirna in chosen],
    )
    return Simulation(pairs, site_types, np.array(supplementary), mirnas)


def _letters(rng: np.random.Generator, length: int, exclude: str = "") -> str:
    """Draw random letters, none of which is in `exclude`."""
    choices = [letter for letter in alphabet.LETTERS if letter not in exclude]
    return "".join(choices[index] for index in rng.integers(len(choices), size=length))


def _mirnas(
    rng: np.random.Generator, num_families: int, mirnas_per_family: int
) -> list[SequenceRecord]:
    """Draw families of distinct seeds, whose members differ in letters 13-16."""
    mirnas = []
    for family, seed in enumerate(_seeds(rng, num_families), start=1):
        supplements: list[str] = []
        while len(supplements) < mirnas_per_family:
            supplement = _letters(rng, 4)
            if supplement not in supplements:
                supplements.append(supplement)
        for member, supplement in zip(
            string.ascii_lowercase, supplements, strict=False
        ):
            length = int(rng.integers(20, 25))
            head, middle, tail = (_letters(rng, n) for n in (1, 4, length - 16))
            mirnas.append(
                SequenceRecord(
                    f"sim-miR-{family}{member}-5p",
                    head + seed + middle + supplement + tail,
                )
            )
    return mirnas


def _seeds(rng: np.random.Generator, num_families: int) -> list[str]:
    """Draw seeds (positions 2-8) that a wobble or a missing end keeps distinct."""
    seeds: list[str] = []
    for _ in range(_MAX_DRAWS):
        if len(seeds) == num_families:
            return seeds
        seed = _letters(rng, 7)
        # A wobble needs a G or U at 2-7. Three distinct letters there prevent seed
        # matches that overlap each other, such as those of AAAAAAA.
        letters = set(seed[:6])
        fit = len(letters) >= 3 and not letters.isdisjoint(pairing.WOBBLE_PARTNERS)
        if fit and all(
            sum(a != b for a, b in zip(seed, other, strict=True)) >= _SEED_DISTANCE
            for other in seeds
        ):
            seeds.append(seed)
    raise ValueError(
        f"{num_families=} is too many for seeds that differ in {_SEED_DISTANCE}"
        f" letters; {len(seeds)} were found"
    )


def _target(
    rng: np.random.Generator,
    mirna: str,
    site_type: str,
    supplementary: bool,
    length: int,
) -> str:
    """Draw a target of one site type that holds no other seed match."""
    six = pairing.seed_site(mirna, pairing.SEED_6MER)
    expected = 0 if site_type in ("wobble", "bulge") else 1
    for _ in range(_MAX_DRAWS):
        site = _site(rng, mirna, site_type, supplementary)
        flank = length - len(site)
        downstream = int(rng.integers(min(flank, _MAX_DOWNSTREAM) + 1))
        target = _letters(rng, flank - downstream) + site + _letters(rng, downstream)
        if sum(target.startswith(six, start) for start in range(length)) == expected:
            return target
    raise AssertionError(f"no {site_type} site of {length} nt found for {mirna}")


def _site(
    rng: np.random.Generator, mirna: str, site_type: str, supplementary: bool
) -> str:
    """Draw the target letters opposite positions 16 to 1, and the bulge letter."""
    pair = pairing.PARTNERS
    # opposite[p] is the target letter opposite miRNA position p; index 0 is unused.
    opposite = ["", *_letters(rng, _PAIRED_LENGTH)]
    for position in range(2, 9):
        opposite[position] = pair[mirna[position - 1]]
    if site_type in ("8mer", "7mer-A1"):
        opposite[1] = "A"
    elif site_type in ("7mer-m8", "6mer"):
        opposite[1] = _letters(rng, 1, exclude="A")
    if site_type in ("7mer-A1", "6mer"):
        opposite[8] = _letters(rng, 1, exclude=opposite[8])
    if site_type == "wobble":
        candidates = [p for p in range(2, 8) if mirna[p - 1] in pairing.WOBBLE_PARTNERS]
        position = int(rng.choice(candidates))
        opposite[position] = pairing.WOBBLE_PARTNERS[mirna[position - 1]]
    if site_type == "bulge":
        opposite[5] = _letters(rng, 1) + opposite[5]  # 5' of it in the target
    if supplementary:
        opposite[13:17] = [pair[mirna[position - 1]] for position in range(13, 17)]
    elif all(opposite[p] == pair[mirna[p - 1]] for p in range(13, 17)):
        opposite[13] = _letters(rng, 1, exclude=opposite[13])
    return "".join(reversed(opposite))
