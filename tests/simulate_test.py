"""Tests of mirjax.datasets.simulate, by an oracle written from the definitions."""

import collections

import numpy as np
import pytest

from mirjax.datasets import simulate as simulator

_PARTNER = {"A": "U", "U": "A", "C": "G", "G": "C"}
_WOBBLES = {("G", "U"), ("U", "G")}  # miRNA letter, target letter


def _pair(mirna, target, end, position, bulge=False):
    """Describe the pair at one miRNA position when target[end] is opposite position 1.

    Returns "W" for Watson-Crick, "w" for wobble, "." for none and "" beyond the target.
    With a bulge, positions above 5 are opposite the letter one further.
    """
    at = end - (position - 1) - (1 if bulge and position > 5 else 0)
    if not 0 <= at < len(target):
        return ""
    if target[at] == _PARTNER[mirna[position - 1]]:
        return "W"
    return "w" if (mirna[position - 1], target[at]) in _WOBBLES else "."


def _sites(mirna, target):
    """List every (type, supplementary) site of the target, from the definitions."""
    sites = []
    for end in range(6, len(target)):
        for bulge in (False, True):
            core = "".join(_pair(mirna, target, end, p, bulge) for p in range(2, 8))
            eight = _pair(mirna, target, end, 8, bulge) == "W"
            if core == "WWWWWW" and not bulge:
                name = {
                    (True, True): "8mer",
                    (True, False): "7mer-m8",
                    (False, True): "7mer-A1",
                    (False, False): "6mer",
                }[eight, target[end] == "A"]
            elif core == "WWWWWW" and eight:
                name = "bulge"
            elif sorted(core) == sorted("WWWWWw") and eight and not bulge:
                name = "wobble"
            else:
                continue
            supplement = [_pair(mirna, target, end, p, bulge) for p in range(13, 17)]
            sites.append((name, supplement == ["W"] * 4))
    return sites


@pytest.fixture(scope="module")
def simulation():
    return simulator.simulate(1_500, seed=7)


def test_oracle_knows_textbook_sites():
    # let-7a and sites built by hand: its seed match is CUACCUC, 5'→3'.
    let7 = "UGAGGUAGUAGGUUGUAUAGUU"
    for site, name in {
        "GGGCUACCUCAGG": "8mer",
        "GGGCUACCUCGGG": "7mer-m8",
        "GGGGUACCUCAGG": "7mer-A1",
        "GGGGUACCUCGGG": "6mer",
        "GGGCUACUUCAGG": "wobble",
        "GGGCUAGCCUCAGG": "bulge",
    }.items():
        assert [found for found, _ in _sites(let7, site)] == [name]
    # Positions 13-16 of let-7a are UUGU: ACAA pairs with them.
    assert _sites(let7, "ACAAGGGGCUACCUCA") == [("8mer", True)]


def test_every_site_is_of_its_type_and_the_only_canonical_one(simulation):
    canonical = {"8mer", "7mer-m8", "7mer-A1", "6mer"}
    for mirna, target, site_type, supplementary in zip(
        simulation.pairs.mirnas,
        simulation.pairs.targets,
        simulation.site_types,
        simulation.supplementary,
        strict=True,
    ):
        sites = _sites(mirna, target)
        assert (site_type, supplementary) in sites
        expected = [site_type] if site_type in canonical else []
        assert [name for name, _ in sites if name in canonical] == expected


def test_every_type_has_its_fraction(simulation):
    counts = collections.Counter(simulation.site_types)
    assert set(counts) == set(simulator.SITE_TYPES)
    assert counts["8mer"] / 1_500 == pytest.approx(0.25, abs=0.05)
    assert counts["6mer"] / 1_500 == pytest.approx(0.10, abs=0.03)
    assert np.mean(simulation.supplementary) == pytest.approx(0.75, abs=0.05)


def test_lengths_and_letters(simulation):
    targets, mirnas = simulation.pairs.targets, simulation.pairs.mirnas
    assert {len(target) for target in targets} == set(range(20, 30))
    assert {len(mirna) for mirna in mirnas} == set(range(20, 25))
    assert set("".join([*targets, *mirnas])) == set("ACGU")
    long = simulator.simulate(50, min_target=60, max_target=60).pairs
    assert {len(target) for target in long.targets} == {60}


def test_families_share_the_seed_only():
    mirnas = simulator.simulate(1, num_families=30, mirnas_per_family=5).mirnas
    assert len({mirna.name for mirna in mirnas}) == 150
    assert mirnas[0].name == "sim-miR-1a-5p"
    families = collections.defaultdict(list)
    for mirna in mirnas:
        families[mirna.name[: -len("a-5p")]].append(mirna.sequence)
    seeds = [{sequence[1:8] for sequence in family} for family in families.values()]
    assert len(families) == 30
    assert all(len(seed) == 1 for seed in seeds)
    assert len(set.union(*seeds)) == 30
    for family in families.values():
        assert len({sequence[12:16] for sequence in family}) == 5


def test_pairs_name_their_mirna(simulation):
    named = {record.name: record.sequence for record in simulation.mirnas}
    names = simulation.pairs.mirna_names
    assert [named[name] for name in names] == simulation.pairs.mirnas
    assert set(names) == set(named)


def test_the_target_determines_the_mirna(simulation):
    """A reader of seed and supplement alone finds the miRNA, so a model can too."""
    strength = ["6mer", "7mer-A1", "wobble", "bulge", "7mer-m8", "8mer"]

    def best_site(mirna, target):
        sites = _sites(mirna.sequence, target)
        return max(((strength.index(n), s) for n, s in sites), default=(-1, False))

    correct = []
    for name, target in zip(
        simulation.pairs.mirna_names[:100], simulation.pairs.targets, strict=False
    ):
        best = max(simulation.mirnas, key=lambda m, t=target: best_site(m, t))
        correct.append(best.name == name)
    # Three quarters have supplementary pairing, a third of the others are guessed.
    assert 0.72 < np.mean(correct) < 0.97


def test_a_seed_decides_everything(simulation):
    again = simulator.simulate(1_500, seed=7)
    assert again.pairs.targets == simulation.pairs.targets
    assert again.mirnas == simulation.mirnas
    assert simulator.simulate(9, seed=8).mirnas != simulation.mirnas


def test_a_longer_simulation_starts_with_a_shorter_one(simulation):
    short = simulator.simulate(20, seed=7)
    assert short.pairs.targets == simulation.pairs.targets[:20]
    assert short.mirnas == simulation.mirnas


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        ({"num_pairs": 0}, "num_pairs=0"),
        ({"num_families": 0}, "num_families=0"),
        ({"num_families": 5_000}, "num_families=5000 is too many"),
        ({"mirnas_per_family": 27}, "mirnas_per_family=27"),
        ({"min_target": 17}, "min_target=17"),
        ({"min_target": 25, "max_target": 24}, "max_target=24"),
    ],
)
def test_bad_arguments_are_named(arguments, part):
    with pytest.raises(ValueError, match=part):
        simulator.simulate(**{"num_pairs": 1, **arguments})
