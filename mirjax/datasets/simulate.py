"""A generator of miRNA-target duplexes with known site types.

miRNA positions are numbered from the 5' end, 1 to 20-24; a target is written 5'→3', so
it meets the miRNA from its own 3' end. The site types are those of Bartel 2009 (doi
10.1016/j.cell.2009.01.002) and of Chi et al. 2012 (doi 10.1038/nsmb.2230, the bulge):

  8mer      Watson-Crick pairs at 2-8 and an A opposite 1
  7mer-m8   Watson-Crick pairs at 2-8, no A opposite 1
  7mer-A1   Watson-Crick pairs at 2-7 and an A opposite 1, none such at 8
  6mer      Watson-Crick pairs at 2-7, none such at 8, no A opposite 1
  wobble    pairs at 2-8, of which one of 2-7 is G:U and all others Watson-Crick
  bulge     Watson-Crick pairs at 2-8 with one unpaired target letter between 5 and 6

Any of them may have 3' supplementary pairing: Watson-Crick pairs at 13-16 as well.
"""

import dataclasses
import string
from collections.abc import Sequence

import numpy as np

from mirjax.sequences import alphabet
from mirjax.sequences.records import Pairs, SequenceRecord

# Type and share of the pairs: about the mixture of strong and weak sites of real data.
_SHARES = {
    "8mer": 0.25,
    "7mer-m8": 0.25,
    "7mer-A1": 0.15,
    "6mer": 0.10,
    "wobble": 0.15,
    "bulge": 0.10,
}
SITE_TYPES = tuple(_SHARES)
_SUPPLEMENTARY_SHARE = 0.75

_PAIRED_LENGTH = 16  # a site reaches from position 1 to 16, the last supplementary one
_MAX_DOWNSTREAM = 3  # letters after the one opposite position 1: the site's end is near
_SEED_DISTANCE = (
    3  # letters in which two families' seeds differ: a wobble confuses none
)
_MAX_DRAWS = 2_000


@dataclasses.dataclass(frozen=True, eq=False)
class Simulation:
    """What `simulate` made.

    Attributes:
      pairs: miRNAs, their targets and the miRNAs' names; every pair binds.
      site_types: one of `SITE_TYPES` for each pair.
      supplementary: bool [n], whether positions 13-16 pair too.
      mirnas: every miRNA that there is, whether a pair has it or not, to serve as the
        database that predictions are named by.
    """

    pairs: Pairs
    site_types: Sequence[str]
    supplementary: np.ndarray
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
    """Make miRNA families and target sites that pair with them by the rules above.

    The members of a family share the seed (2-8) and differ elsewhere, always within
    13-16. So a target tells the family by its seed match, and the member where it has
    3' supplementary pairing, as three quarters do.

    Args:
      num_pairs: pairs to make. A longer simulation starts with a shorter one's pairs.
      seed: decides everything; the miRNAs depend on it and the family numbers only.
      num_families: seeds that there are.
      mirnas_per_family: miRNAs with each seed, 26 at most.
      min_target: shortest target, in nt; at least 18.
      max_target: longest target, in nt.

    Returns:
      The pairs, the site type of each, and the miRNAs.

    Raises:
      ValueError: for an argument out of range.
    """
    shortest = _PAIRED_LENGTH + 2  # a bulge, and a letter of flank
    if num_pairs < 1 or num_families < 1:
        raise ValueError(f"{num_pairs=} and {num_families=} must be at least 1")
    if not 1 <= mirnas_per_family <= len(string.ascii_lowercase):
        raise ValueError(f"{mirnas_per_family=} is not in 1 to 26")
    if not shortest <= min_target <= max_target:
        raise ValueError(f"need {shortest} <= {min_target=} <= {max_target=}")
    # Streams of their own, so that the miRNAs do not depend on the number of pairs.
    mirna_rng, pair_rng = (
        np.random.Generator(np.random.PCG64([seed, stream])) for stream in range(2)
    )
    mirnas = _mirnas(mirna_rng, num_families, mirnas_per_family)
    site_types, supplementary, chosen, targets = [], [], [], []
    for _ in range(num_pairs):
        mirna = mirnas[pair_rng.integers(len(mirnas))]
        site_type = str(pair_rng.choice(SITE_TYPES, p=list(_SHARES.values())))
        has_supplementary = bool(pair_rng.random() < _SUPPLEMENTARY_SHARE)
        length = int(pair_rng.integers(min_target, max_target + 1))
        chosen.append(mirna)
        site_types.append(site_type)
        supplementary.append(has_supplementary)
        targets.append(
            _target(pair_rng, mirna.sequence, site_type, has_supplementary, length)
        )
    pairs = Pairs(
        mirnas=[mirna.sequence for mirna in chosen],
        targets=targets,
        mirna_names=[mirna.name for mirna in chosen],
    )
    return Simulation(pairs, site_types, np.array(supplementary), mirnas)


def _letters(rng: np.random.Generator, length: int, but: str = "") -> str:
    """Draw random letters, none of those in `but`."""
    choice = [letter for letter in alphabet.LETTERS if letter not in but]
    return "".join(choice[number] for number in rng.integers(len(choice), size=length))


def _mirnas(
    rng: np.random.Generator, num_families: int, mirnas_per_family: int
) -> list[SequenceRecord]:
    """Make the families: distinct seeds, and members told apart by letters 13-16."""
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
    """Draw seeds (positions 2-8) that a wobble or a lost end does not confuse."""
    seeds: list[str] = []
    for _ in range(_MAX_DRAWS):
        if len(seeds) == num_families:
            return seeds
        seed = _letters(rng, 7)
        # Positions 2-7 need a G or U for the wobble; three letters in them keep a seed
        # match from overlapping another one, as AAAAAAA would.
        fit = len(set(seed[:6])) >= 3 and bool(set("GU") & set(seed[:6]))
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
    """Draw a target of one site type with no second seed match in it."""
    six = alphabet.reverse_complement(mirna[1:7])
    expected = 0 if site_type in ("wobble", "bulge") else 1
    for _ in range(_MAX_DRAWS):
        site = _site(rng, mirna, site_type, supplementary)
        flank = length - len(site)
        downstream = int(rng.integers(min(flank, _MAX_DOWNSTREAM) + 1))
        target = _letters(rng, flank - downstream) + site + _letters(rng, downstream)
        if sum(target.startswith(six, at) for at in range(length)) == expected:
            return target
    raise AssertionError(f"no {site_type} site of {length} nt found for {mirna}")


def _site(
    rng: np.random.Generator, mirna: str, site_type: str, supplementary: bool
) -> str:
    """Draw the target letters opposite positions 16 to 1, and a bulge if it has one."""
    pair = alphabet.reverse_complement
    # opposite[p] is the target letter that meets miRNA position p; there is no 0.
    opposite = ["", *_letters(rng, _PAIRED_LENGTH)]
    for position in range(2, 9):
        opposite[position] = pair(mirna[position - 1])
    if site_type in ("8mer", "7mer-A1"):
        opposite[1] = "A"
    elif site_type in ("7mer-m8", "6mer"):
        opposite[1] = _letters(rng, 1, but="A")
    if site_type in ("7mer-A1", "6mer"):
        opposite[8] = _letters(rng, 1, but=opposite[8])
    if site_type == "wobble":
        wobbly = [p for p in range(2, 8) if mirna[p - 1] in "GU"]
        position = int(rng.choice(wobbly))
        opposite[position] = "U" if mirna[position - 1] == "G" else "G"
    if site_type == "bulge":
        opposite[5] = _letters(rng, 1) + opposite[5]  # before 5 in the target: 5' of it
    if supplementary:
        opposite[13:17] = [pair(mirna[position - 1]) for position in range(13, 17)]
    elif all(opposite[p] == pair(mirna[p - 1]) for p in range(13, 17)):
        opposite[13] = _letters(rng, 1, but=opposite[13])
    return "".join(reversed(opposite))
