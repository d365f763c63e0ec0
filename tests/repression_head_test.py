"""Tests of mirjax.scanning.repression: features, head, fitting and the file."""

import dataclasses
import json

import numpy as np
import pytest

from mirjax.datasets import transfection
from mirjax.scanning.repression import features, fitting, gene_table, head_file
from mirjax.scanning.repression.features import Utr
from mirjax.scanning.repression.fitting import Experiment, FitOptions
from mirjax.scanning.repression.head import RepressionHead, tabulate_sites
from mirjax.scanning.repression.seed_sites import find_sites
from mirjax.sequences.records import SequenceRecord

_MIRNAS = ["UGAGGUAGUAGGUUGUAUAGUU", "UAAGGCACGCGGUGAAUGCCAA", "UUAAUGCUAAUCGUGAUAGGGG"]
_MIRNAS += ["UGGAAUGUAAAGAAGUAUGUAU", "UGUCAGUUUGUCAAAUACCCCA"]


def _utrs(number=150, length=400, seed=0):
    """Random 3'UTRs with sites of all miRNAs planted."""
    rng = np.random.default_rng(seed)
    utrs = []
    for _ in range(number):
        letters = rng.choice(list("ACGU"), length)
        for mirna in _MIRNAS:
            for place in rng.integers(20, length - 20, rng.integers(0, 3)):
                seed_match = mirna[1:8][::-1].translate(str.maketrans("ACGU", "UGCA"))
                letters[place : place + 7] = list(seed_match)
        utrs.append("".join(letters))
    return utrs


def _head(**changes):
    head = RepressionHead(
        guide=(0.0, -0.7, -1.2, -2.5, -3.0, -3.0),
        passenger=(-12.0,) * 6,
        slopes={"local_au": 0.5},
        centres={"local_au": 0.5},
        scales={"local_au": 0.15},
        intervals=((-0.5, -0.9, 0.6), (0.0, -0.4, 0.4)),
    )
    return dataclasses.replace(head, **changes)


def test_local_au_weighs_letters_by_their_distance():
    letters = "".join(np.random.default_rng(2).choice(list("ACGU"), 90))
    for start in (0, 2, 40, 84):
        top = bottom = 0.0
        for place, letter in enumerate(letters):
            before, after = start - 3 - place, place - (start + 8)
            distance = max(before, after)
            if 1 <= distance <= 30:
                top += (letter in "AU") / distance
                bottom += 1 / distance
        found = features.local_au(Utr.make(letters).is_au, start)
        assert found == pytest.approx(top / bottom)
    assert features.local_au(np.zeros(6), 0) == 0.5


def test_supplementary_pairs_count_most_at_letters_13_to_16():
    mirna = "UAAGGCACGCGGUGAAUGCCAA"
    site = "GUGCCUU"  # pairs with letters 2-8
    # Letters 13-16, UGAA, pair with UUCA; four letters are unpaired on both sides. With
    # six in the target nothing is lost yet; of eight, two are too many.
    for loop, expected in ((4, 4.0), (6, 4.0), (8, 3.0)):
        utr = "G" * (16 - loop) + "UUCA" + "A" * loop + site + "A" + "C" * 10
        (found,) = find_sites(mirna, utr)
        assert features.supplementary_score(mirna, utr, found.start) == expected


def test_cooperative_sites_lie_8_to_40_nt_apart():
    mirna, site = _MIRNAS[0], "CUACCUC"
    column = features.NAMES.index("cooperative")
    for distance, expected in ((7, 0), (8, 1), (40, 1), (41, 0)):
        utr = "G" * 20 + site + "G" * (distance - 7) + site + "G" * 20
        sites = find_sites(mirna, utr)
        values = features.describe(mirna, Utr.make(utr), sites)
        assert values[:, column].tolist() == [expected] * 2


def test_signals_count_after_the_end_that_they_make():
    utr = Utr.make("G" * 10 + "AAUAAA" + "G" * 40)
    assert utr.signals[29] == 0
    assert utr.signals[30] == 1


def test_repression_adds_up_the_sites_and_saturates():
    utrs = [Utr.make(utr) for utr in _utrs(20)]
    sites = tabulate_sites(utrs, _MIRNAS, passenger=True)
    head = _head()
    found = head.repression(sites, len(utrs) * len(_MIRNAS))
    expected = []
    for utr in utrs:
        for mirna in _MIRNAS:
            total = 0.0
            for site in find_sites(mirna, utr.sequence):
                au = features.local_au(utr.is_au, site.start)
                total += np.exp(head.guide[site.kind] + 0.5 * (au - 0.5) / 0.15)
            expected.append(-np.log2(1 + total))
    np.testing.assert_allclose(found, expected, atol=1e-4)  # of the passenger strand


def test_no_site_no_repression():
    utrs = [Utr.make("GGGGGGGGGG")]
    sites = tabulate_sites(utrs, _MIRNAS, passenger=True)
    assert _head().repression(sites, len(_MIRNAS)).tolist() == [0.0] * len(_MIRNAS)


def test_interval_is_that_of_the_predictions_bin():
    low, high = _head().interval(np.array([-2.0, -0.5, -0.4, 0.1]))
    np.testing.assert_allclose(low, [-2.9, -1.4, -0.8, -0.3])
    np.testing.assert_allclose(high, [-1.4, 0.1, 0.0, 0.5])
    with pytest.raises(ValueError, match="no intervals"):
        _head(intervals=()).interval(np.zeros(1))


def test_table_has_a_row_for_each_pair_with_a_site():
    mirnas = [SequenceRecord(f"m{n}", mirna) for n, mirna in enumerate(_MIRNAS)]
    sequences = [*_utrs(6, 200), "GGGGGGGGGG"]
    transcripts = [SequenceRecord(f"t{n}", utr) for n, utr in enumerate(sequences)]
    model = head_file.RepressionModel(_head())
    rows = gene_table.predict_table(model, mirnas, transcripts, fold=False).to_pylist()
    expected = [
        (m.name, t.name)
        for t in transcripts
        for m in mirnas
        if find_sites(m.sequence, t.sequence)
    ]
    assert [(row["mirna"], row["target"]) for row in rows] == expected
    utrs = [Utr.make(sequences[1])]
    alone = tabulate_sites(utrs, [_MIRNAS[0]], passenger=False)
    (first,) = [r for r in rows if (r["mirna"], r["target"]) == ("m0", "t1")]
    assert first["repression"] == pytest.approx(_head().repression(alone, 1)[0])
    low, high = _head().interval(np.array([first["repression"]]))
    found = first["repression_low"], first["repression_high"]
    assert found == pytest.approx((low[0], high[0]))


@pytest.fixture(scope="module")
def experiment():
    """Levels that a known head makes, with noise."""
    utrs = [Utr.make(utr) for utr in _utrs()]
    sites = tabulate_sites(utrs, _MIRNAS, passenger=False)
    shape = (len(utrs), len(_MIRNAS))
    level = _head().repression(sites, shape[0] * shape[1]).reshape(shape)
    rng = np.random.default_rng(1)
    level += rng.normal(0, 2, (shape[0], 1)) + rng.normal(0, 0.05, shape)
    return sites, level


def _experiment(sites, level):
    log2 = transfection.subtract_others(level * np.log(2))
    return Experiment(sites, log2, np.ones(len(level)))


_OPTIONS = FitOptions(
    features=("local_au", "log_length"),
    passenger=False,
    amplitude_penalties=(30.0, 30.0),
)


@pytest.mark.slow
def test_fit_recovers_the_head_that_made_the_data(experiment):
    found = fitting.fit(
        [_experiment(*experiment)], [np.ones(len(_MIRNAS), bool)], _OPTIONS
    )
    au = found.slopes["local_au"] / found.scales["local_au"]
    assert au == pytest.approx(0.5 / 0.15, rel=0.15)
    assert abs(found.slopes["log_length"]) < 0.1
    shift = au * (found.centres["local_au"] - 0.5)
    for kind in range(2):  # the frequent types: 8mer and 7mer-m8
        assert found.guide[kind] - shift == pytest.approx(_head().guide[kind], abs=0.2)


def test_fold_changes_of_a_left_out_mirna_change_nothing(experiment):
    sites, level = experiment
    used = np.ones(len(_MIRNAS), bool)
    used[2] = False
    other = level.copy()
    other[:, 2] = np.random.default_rng(5).normal(0, 3, len(level))
    first, second = (
        fitting.fit([_experiment(sites, one)], [used], _OPTIONS)
        for one in (level, other)
    )
    np.testing.assert_allclose(first.guide, second.guide, atol=1e-3)
    assert first.slopes == pytest.approx(second.slopes, abs=1e-3)


def test_fit_refuses_what_it_cannot_fit(experiment):
    one = [_experiment(*experiment)]
    with pytest.raises(ValueError, match="at least three miRNAs"):
        fitting.fit(one, [np.array([True, True, False, False, False])], _OPTIONS)
    with pytest.raises(ValueError, match="colour is not one of"):
        fitting.fit(one, [np.ones(5, bool)], FitOptions(features=("colour",)))


def test_model_file_keeps_all(tmp_path):
    model = head_file.RepressionModel(
        _head(), {"GAGGUAG": _head(slopes={"local_au": 0.25})}, ("transfection/hela",)
    )
    head_file.write_model(tmp_path / "model.json", model)
    found = head_file.read_model(tmp_path / "model.json")
    assert found == model
    assert found.held_out(_MIRNAS[0]).slopes == {"local_au": 0.25}
    assert found.held_out(_MIRNAS[1]) == found.head


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("format",), "other", "not a repression model of the format"),
        (("types",), ["8mer"], "types are"),
        (("head", "guide"), [0.0] * 5, "5 and 6 types"),
        (("head", "guide", 0), float("nan"), "nan is out of range"),
        (("head", "guide", 0), True, "True is not a number"),
        (("head", "slopes", "local_au"), "1", "'1' is not a number"),
        (("head", "slopes", "colour"), 1.0, "features are"),
        (("head", "scales", "local_au"), 0.0, "a scale is not positive"),
        (("head", "intervals"), [[0, 0, 0], [-1, 0, 0]], "not in order"),
        (("folds",), [], "damaged"),
    ],
)
def test_damaged_model_files_are_refused(tmp_path, path, value, message):
    file = tmp_path / "model.json"
    head_file.write_model(file, head_file.RepressionModel(_head()))
    content = json.loads(file.read_text())
    *parents, last = path
    place = content
    for parent in parents:
        place = place[parent]
    place[last] = value
    file.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=message):
        head_file.read_model(file)


def test_text_that_is_no_json_is_refused(tmp_path):
    (tmp_path / "model.json").write_text("{")
    with pytest.raises(ValueError, match="not a repression model"):
        head_file.read_model(tmp_path / "model.json")
